//! Pods of the product's image run the product.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use secrecy::ExposeSecret;

use crate::harness::{IMAGE, Namespace};
use crate::support::acme::{READER, acme, serve};
use crate::support::{postgres, rows};

#[tokio::test]
async fn a_job_of_our_image_runs_our_binary_to_its_end() {
    let namespace = Namespace::new().await;

    namespace
        .apply(&format!(
            "apiVersion: batch/v1
kind: Job
metadata: {{name: version}}
spec:
  template:
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      containers: [{{name: version, image: \"{IMAGE}\", args: [--version]}}]
"
        ))
        .await;

    let done = |job: &Job| job.status.as_ref().is_some_and(|status| status.succeeded == Some(1));
    namespace.until("version", "done", Duration::from_secs(60), done).await;
    let pods = namespace.api::<Pod>().list(&ListParams::default()).await.unwrap();
    assert_eq!(pods.items.len(), 1);
    assert!(namespace.logs("version").contains(env!("CARGO_PKG_VERSION")), "{}", namespace.logs("version"));
}

#[tokio::test]
async fn two_workers_in_pods_of_the_strictest_kind_import_everything() {
    let gitlab = serve(acme()).await;
    let database = postgres::database().await;
    let namespace = Namespace::new().await;
    let strict = "pod-security.kubernetes.io/enforce=restricted";
    namespace.kubectl(&["label", "namespace", &namespace.name, strict]).await.says(0, &[]);
    namespace.secret("tokens", &[("reader", READER)]).await;
    namespace.secret("database", &[("url", postgres::by_network(&database).expose_secret())]).await;

    namespace.apply(&workers(gitlab.url())).await;

    let done = |job: &Job| job.status.as_ref().is_some_and(|status| status.succeeded == Some(2));
    namespace.until("import", "done", Duration::from_secs(60), done).await;
    rows::until(&database, "select count(*) from gitlab_merge_requests", 3).await;
    let pods = namespace.api::<Pod>().list(&ListParams::default()).await.unwrap();
    let verdicts: Vec<String> = pods.items.iter().filter_map(last_words).collect();
    assert_eq!(verdicts.len(), 2, "{pods:#?}");
    assert!(verdicts.iter().all(|verdict| verdict.contains("Succeeded")), "{verdicts:#?}");
}

/// What a pod's container left in its termination message.
fn last_words(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
    status.state.as_ref()?.terminated.as_ref()?.message.clone()
}

fn workers(gitlab: &str) -> String {
    format!(
        "apiVersion: batch/v1
kind: Job
metadata: {{name: import}}
spec:
  completions: 2
  parallelism: 2
  completionMode: Indexed
  template:
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
      containers:
        - name: import
          image: \"{IMAGE}\"
          args: [import, --url={gitlab}, --tokens-dir=/tokens, --database-url-file=/database/url, --name=acme, --run=first, --group=acme]
          securityContext: {{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {{drop: [ALL]}}}}
          volumeMounts: [{{name: tokens, mountPath: /tokens}}, {{name: database, mountPath: /database}}]
      volumes:
        - {{name: tokens, secret: {{secretName: tokens}}}}
        - {{name: database, secret: {{secretName: database}}}}
"
    )
}
