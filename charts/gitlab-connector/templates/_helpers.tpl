{{/* The name of the product in this release. */}}
{{- define "gitlab-connector.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* What the names of all objects begin with. 44 characters leave room for "-controller-metrics". */}}
{{- define "gitlab-connector.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 44 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 44 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 44 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Names of cluster-wide objects: the same release name may exist in several namespaces. */}}
{{- define "gitlab-connector.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "gitlab-connector.fullname" .) }}
{{- end }}

{{- define "gitlab-connector.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "gitlab-connector.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* The functions below are given (dict "root" $ "component" "controller"). */}}
{{- define "gitlab-connector.labels" -}}
{{ include "gitlab-connector.commonLabels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "gitlab-connector.selectorLabels" -}}
app.kubernetes.io/name: {{ include "gitlab-connector.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "gitlab-connector.serviceAccountName" -}}
{{- $account := (index .root.Values .component).serviceAccount }}
{{- if $account.create }}
{{- default (printf "%s-%s" (include "gitlab-connector.fullname" .root) .component) $account.name }}
{{- else }}
{{- default "default" $account.name }}
{{- end }}
{{- end }}

{{- define "gitlab-connector.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* What connections may do: the same for the controller and the receiver. */}}
{{- define "gitlab-connector.guard" -}}
- --secret-consent={{ .Values.secretConsent }}
{{- end }}

{{/* Where GitLab reaches the receiver: as given, or as the Ingress makes it. Empty when nobody said. */}}
{{- define "gitlab-connector.receiverUrl" -}}
{{- $ingress := .Values.receiver.ingress }}
{{- if .Values.receiver.url }}
{{- .Values.receiver.url }}
{{- else if $ingress.enabled }}
{{- printf "%s://%s/webhooks/gitlab" (ternary "https" "http" $ingress.tls.enabled) $ingress.host }}
{{- end }}
{{- end }}

{{- define "gitlab-connector.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "gitlab-connector.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* All of a pod that its values decide about. */}}
{{- define "gitlab-connector.podPlacement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* Who the process is, for the lease, for Events and for the logs, and where it looks. */}}
{{- define "gitlab-connector.env" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- if not .Values.watch.allNamespaces }}
- name: WATCH_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- end }}
{{- end }}
