//! The Job of a run, and what a Job tells of its run. Pure.
//!
//! A Job is made once and never changed, but for its pauses: its name depends on the run, so whoever makes it again finds
//! it there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::{
    api::{
        batch::v1::{
            Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement,
            PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
        },
        core::v1::{
            Capabilities, Container, EmptyDirVolumeSource, EnvVar, LocalObjectReference, PodSecurityContext, PodSpec,
            PodTemplateSpec, ProjectedVolumeSource, ResourceRequirements, SeccompProfile, SecurityContext, Volume,
            VolumeMount, VolumeProjection,
        },
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};
use kube::Resource;

use super::{
    digest,
    runs::{OwnedJob, Start},
    worker,
};
use crate::{
    api::{GROUP, GitLabConnection, GitLabConnectionSpec, KeyRef, StoreRef},
    cluster::{CONNECTION_UID, ConnectionRef, MANAGED_BY, MANAGER},
};

/// Labels by which import Jobs are found.
pub(super) const IMPORTS: &str = "app.kubernetes.io/name=gitlab-connector,app.kubernetes.io/component=import";
/// Label by which Kueue knows its Jobs.
const QUEUE: &str = "kueue.x-k8s.io/queue-name";
/// Name of the container that imports.
pub(super) const CONTAINER: &str = "import";

/// Tries of one worker.
const TRIES: i32 = 6;
/// How long a Job stays after its end until somebody took note of that: a controller may be away for long.
const KEPT_SECONDS: i32 = 24 * 3600;
/// How long it stays after its end once that was taken note of, for people to look at.
pub(super) const RECORDED_SECONDS: i32 = 3600;
/// How long a worker may take to end what it is at.
const GRACE_SECONDS: i64 = 60;
/// The longest a Job's name may be, so that those of its pods fit into 63 letters.
const LONGEST: usize = 52;

/// What a Job is made for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) connection: &'a GitLabConnection,
    pub(super) at: &'a ConnectionRef,
    pub(super) start: &'a Start,
    /// The value of the annotation that asked for it.
    pub(super) request: Option<&'a str>,
    /// The tokens to read with, and where they are.
    pub(super) tokens: &'a [(String, KeyRef)],
    pub(super) store: &'a StoreRef,
    pub(super) image: &'a Image,
}

/// What the pods run.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) pull_policy: Option<String>,
    /// Secrets with the credentials of its registry, where a connection names none.
    pub(super) pull_secrets: Vec<String>,
    /// Variables of our own environment that hold for the workers too.
    pub(super) environment: Vec<(String, String)>,
}

/// Digest of what a run is to read, and from where to where: when it changes, everything has to be read again.
pub(super) fn asked(spec: &GitLabConnectionSpec) -> String {
    let import = &spec.import;
    let facts = (
        &spec.url,
        &spec.scope,
        // Another way to the same database is no other database.
        spec.store.as_ref().map(|store| BTreeMap::from([("secretRef", &store.secret_ref)])),
        &import.since,
        import.lookback.as_ref().map(ToString::to_string),
        worker::resources(spec),
        import.text,
    );
    digest::short(&[&serde_json::to_string(&facts).unwrap_or_default()])
}

/// Digest of what the pods of a Job are made of, whichever run they are for.
pub(super) fn made_of(order: &Order<'_>) -> String {
    let nobody = Start { key: String::new(), trigger: order.start.trigger };
    let import = &order.connection.spec.import;
    let facts = (template(&Order { start: &nobody, ..*order }), import.parallelism, &import.queue_name);
    digest::short(&[&serde_json::to_string(&facts).unwrap_or_default()])
}

/// Name of the Job of a run.
pub(super) fn name(connection: &str, uid: &str, key: &str) -> String {
    let digest = digest::short(&[uid, key]);
    let room = LONGEST - "-import-".len() - digest.len();
    // Names of connections may hold dots, those of Indexed Jobs may not.
    let connection: String = connection.chars().take(room).map(|c| if c == '.' { '-' } else { c }).collect();
    format!("{connection}-import-{digest}")
}

/// The Job of a run.
pub(super) fn build(order: &Order<'_>, now: Timestamp) -> Job {
    let Order { connection, at, start, .. } = *order;
    let import = &connection.spec.import;
    let mut labels = own_labels(&at.uid);
    labels.extend(import.queue_name.iter().map(|queue| (QUEUE.to_owned(), queue.clone())));
    let annotation = |name: &str, value: &str| (format!("{GROUP}/{name}"), value.to_owned());
    let annotations = [
        annotation("run", &start.key),
        annotation("asked", &asked(&connection.spec)),
        annotation("made-of", &made_of(order)),
        annotation("started-at", &now.to_string()),
        annotation("trigger", start.trigger.as_str()),
    ];
    let request = order.request.map(|value| annotation("request", value));
    Job {
        metadata: ObjectMeta {
            name: Some(name(&at.name, &at.uid, &start.key)),
            namespace: Some(at.namespace.clone()),
            labels: Some(labels),
            annotations: Some(annotations.into_iter().chain(request).collect()),
            owner_references: connection.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        spec: Some(JobSpec {
            completion_mode: Some("Indexed".to_owned()),
            completions: Some(import.parallelism),
            parallelism: Some(import.parallelism),
            backoff_limit_per_index: Some(TRIES),
            pod_failure_policy: Some(PodFailurePolicy { rules: rules() }),
            // Otherwise two pods of one worker would run at once.
            pod_replacement_policy: Some("Failed".to_owned()),
            ttl_seconds_after_finished: Some(KEPT_SECONDS),
            template: template(order),
            ..JobSpec::default()
        }),
        status: None,
    }
}

/// What a Job tells of its run.
pub(super) fn read(job: &Job) -> OwnedJob {
    let meta = &job.metadata;
    let name = meta.name.clone().unwrap_or_default();
    let annotation = |name: &str| meta.annotations.as_ref()?.get(&format!("{GROUP}/{name}")).cloned();
    let created = || meta.creation_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |created| created.0);
    let ends = |kind: &str| kind == "Complete" || kind == "Failed";
    let status = job.status.clone().unwrap_or_default();
    let conditions = status.conditions.iter().flatten();
    let started = annotation("started-at").and_then(|at| at.parse().ok()).unwrap_or_else(created);
    OwnedJob {
        key: annotation("run").unwrap_or_else(|| name.clone()),
        asked: annotation("asked"),
        request: annotation("request"),
        started,
        ended: conditions.filter(|condition| condition.status == "True").any(|condition| ends(&condition.type_)),
        suspended: job.spec.as_ref().and_then(|spec| spec.suspend).unwrap_or(false),
        queued: meta.labels.as_ref().is_some_and(|labels| labels.contains_key(QUEUE)),
        made_of: annotation("made-of"),
        begun: status.ready.is_some_and(|pods| pods > 0) || status.succeeded.is_some_and(|pods| pods > 0),
        active_since: status.start_time.as_ref().map_or(started, |at| at.0),
        name,
    }
}

fn own_labels(uid: &str) -> BTreeMap<String, String> {
    let labels = [
        ("app.kubernetes.io/name", "gitlab-connector"),
        ("app.kubernetes.io/component", "import"),
        (MANAGED_BY, MANAGER),
        (CONNECTION_UID, uid),
    ];
    labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// What an exit code means: see `importer`.
fn rules() -> Vec<PodFailurePolicyRule> {
    let exit = |code, action: &str| PodFailurePolicyRule {
        action: action.to_owned(),
        on_exit_codes: Some(PodFailurePolicyOnExitCodesRequirement {
            container_name: Some(CONTAINER.to_owned()),
            operator: "In".to_owned(),
            values: vec![code],
        }),
        on_pod_conditions: None,
    };
    let disrupted =
        PodFailurePolicyOnPodConditionsPattern { type_: "DisruptionTarget".to_owned(), status: "True".to_owned() };
    let evicted = PodFailurePolicyRule {
        action: "Ignore".to_owned(),
        on_exit_codes: None,
        on_pod_conditions: Some(vec![disrupted]),
    };
    vec![exit(43, "FailJob"), exit(42, "FailIndex"), evicted]
}

fn template(order: &Order<'_>) -> PodTemplateSpec {
    let wishes = &order.connection.spec.import.pod_template;
    let (arguments, files) = worker::given(order);
    let mut labels = wishes.labels.clone();
    labels.extend(own_labels(&order.at.uid));
    let some = |map: &BTreeMap<String, String>| (!map.is_empty()).then(|| map.clone());
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels),
            annotations: some(&wishes.annotations),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            restart_policy: Some("Never".to_owned()),
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            termination_grace_period_seconds: Some(GRACE_SECONDS),
            service_account_name: wishes.service_account_name.clone(),
            node_selector: some(&wishes.node_selector),
            tolerations: (!wishes.tolerations.is_empty()).then(|| wishes.tolerations.clone()),
            affinity: wishes.affinity.clone(),
            priority_class_name: wishes.priority_class_name.clone(),
            image_pull_secrets: pull_secrets(order),
            security_context: Some(PodSecurityContext {
                run_as_non_root: Some(true),
                seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
                ..PodSecurityContext::default()
            }),
            containers: vec![container(order, arguments)],
            volumes: Some(volumes(files)),
            ..PodSpec::default()
        }),
    }
}

fn pull_secrets(order: &Order<'_>) -> Option<Vec<LocalObjectReference>> {
    let wished = &order.connection.spec.import.pod_template.image_pull_secrets;
    let named = order.image.pull_secrets.iter().map(|name| LocalObjectReference { name: name.clone() });
    let secrets = if wished.is_empty() { named.collect() } else { wished.clone() };
    (!secrets.is_empty()).then_some(secrets)
}

fn container(order: &Order<'_>, arguments: Vec<String>) -> Container {
    let variable = |(name, value): (String, String)| EnvVar { name, value: Some(value), value_from: None };
    let logs = [("GITLAB_CONNECTOR_LOG", "info"), ("GITLAB_CONNECTOR_LOG_FORMAT", "json")];
    let logs = logs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mount = |name: &str, path: &str, read_only| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: Some(read_only),
        ..VolumeMount::default()
    };
    Container {
        name: CONTAINER.to_owned(),
        image: Some(order.image.name.clone()),
        image_pull_policy: order.image.pull_policy.clone(),
        args: Some(arguments),
        env: Some(logs.into_iter().chain(order.image.environment.clone()).map(variable).collect()),
        resources: Some(order.connection.spec.import.pod_template.resources.clone().unwrap_or_else(resources)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(vec![mount("connection", worker::FILES, true), mount("tmp", "/tmp", false)]),
        ..Container::default()
    }
}

/// What a worker takes where the spec does not say: its memory stays flat however large the import is.
fn resources() -> ResourceRequirements {
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Quantity((*value).to_owned()))).collect()
    };
    ResourceRequirements {
        requests: Some(map(&[("cpu", "100m"), ("memory", "128Mi"), ("ephemeral-storage", "64Mi")])),
        limits: Some(map(&[("memory", "1Gi"), ("ephemeral-storage", "1Gi")])),
        claims: None,
    }
}

fn volumes(files: Vec<VolumeProjection>) -> Vec<Volume> {
    vec![
        Volume {
            name: "connection".to_owned(),
            projected: Some(ProjectedVolumeSource { sources: Some(files), default_mode: None }),
            ..Volume::default()
        },
        Volume { name: "tmp".to_owned(), empty_dir: Some(EmptyDirVolumeSource::default()), ..Volume::default() },
    ]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::{controller::runs::Trigger, importer};

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: importer::args::Args,
    }

    fn connection(spec: serde_json::Value) -> GitLabConnection {
        let mut connection = GitLabConnection::new("acme.eu", serde_json::from_value(spec).unwrap());
        connection.metadata.uid = Some("0b54".to_owned());
        connection.metadata.namespace = Some("metrics".to_owned());
        connection
    }

    fn everything() -> serde_json::Value {
        let at = |name: &str| json!({"name": name, "key": "k"});
        json!({
            "url": "https://gitlab.example/",
            "tls": {"caBundle": {"configMapRef": at("ca")}, "insecureSkipVerify": true},
            "proxy": {"url": "http://proxy:3128"},
            "headers": [{"name": "X-Secret", "secretRef": at("header")}, {"name": "X-Open", "value": "-a=b"}],
            "scope": {"groups": ["acme", "7"], "projects": ["solo/tool"], "excludeProjects": ["acme/x-*"],
                      "includeSubgroups": false, "includeArchived": false},
            "import": {"since": "2025-01-01", "resources": ["mergeRequests", "labels"], "resyncInterval": "3d",
                       "text": true, "parallelism": 3, "queueName": "night",
                       "podTemplate": {"labels": {"team": "x", "app.kubernetes.io/name": "mine"}}},
            "store": {"secretRef": at("db"), "caBundle": {"configMapRef": at("db-ca")}, "maxConnections": 2},
        })
    }

    fn job(spec: serde_json::Value, key: &str) -> Job {
        let connection = connection(spec);
        let store = connection.spec.store.clone().unwrap();
        let order = Order {
            connection: &connection,
            at: &ConnectionRef { namespace: "metrics".into(), name: "acme.eu".into(), uid: "0b54".into() },
            start: &Start { key: key.to_owned(), trigger: Trigger::Request },
            request: Some("now"),
            tokens: &[("primary".to_owned(), KeyRef { name: "acme-gitlab".into(), key: "token".into() })],
            store: &store,
            image: &Image {
                name: "registry.example.com/x:1".into(),
                pull_policy: None,
                pull_secrets: vec!["registry".into()],
                environment: Vec::new(),
            },
        };
        build(&order, "2026-01-01T00:00:00Z".parse().unwrap())
    }

    fn pod(job: &Job) -> &PodSpec {
        job.spec.as_ref().unwrap().template.spec.as_ref().unwrap()
    }

    #[test]
    fn the_worker_understands_its_arguments_and_finds_its_files() {
        let job = job(everything(), "first");
        let container = &pod(&job).containers[0];

        let args = Command::try_parse_from(container.args.as_ref().unwrap()).unwrap().args;

        assert_eq!(args.url.as_str(), "https://gitlab.example/");
        assert_eq!((args.namespace.as_str(), args.name.as_str(), args.run.as_str()), ("metrics", "acme.eu", "first"));
        assert_eq!(args.connection_uid.as_deref(), Some("0b54"));
        assert_eq!((args.groups.len(), args.projects.len(), args.exclude_projects.len()), (2, 1, 1));
        assert!(!args.include_subgroups && !args.include_archived && args.text && args.insecure_skip_verify);
        assert_eq!(args.resources, ["mergeRequests", "labels"]);
        assert_eq!(args.since, "2025-01-01T00:00:00Z".parse().ok());
        assert_eq!(args.resync_interval, Some(jiff::SignedDuration::from_hours(72)));
        assert_eq!(args.proxy.as_deref(), Some("http://proxy:3128"));
        assert_eq!(args.database_connections, 2);
        assert_eq!(args.headers, [("X-Open".to_owned(), "-a=b".to_owned())]);
        let database = [args.database_url_file, args.database_ca_bundle_file.unwrap()];
        let named = [args.ca_bundle_file.unwrap(), args.header_files[0].1.clone()].into_iter().chain(database);
        let named: Vec<_> = named.collect();
        let volume = &pod(&job).volumes.as_ref().unwrap()[0];
        let sources = volume.projected.as_ref().unwrap().sources.as_ref().unwrap();
        let items = |source: &VolumeProjection| {
            let secret = source.secret.as_ref().and_then(|secret| secret.items.clone());
            secret.or_else(|| source.config_map.as_ref()?.items.clone()).unwrap()
        };
        let there: Vec<_> =
            sources.iter().flat_map(items).map(|item| Path::new(worker::FILES).join(item.path)).collect();
        assert!(named.iter().all(|file| there.contains(file)), "{named:?} in {there:?}");
        assert!(there.contains(&args.tokens_dir.unwrap().join("primary")));
    }

    #[test]
    fn the_pod_has_no_rights_and_exit_codes_have_their_meaning() {
        let job = job(everything(), "first");
        let spec = job.spec.as_ref().unwrap();

        assert_eq!(pod(&job).automount_service_account_token, Some(false));
        assert_eq!(pod(&job).security_context.as_ref().unwrap().run_as_non_root, Some(true));
        assert_eq!((spec.completions, spec.parallelism, spec.backoff_limit_per_index), (Some(3), Some(3), Some(6)));
        let rules = &spec.pod_failure_policy.as_ref().unwrap().rules;
        let actions: Vec<_> = rules.iter().map(|rule| rule.action.as_str()).collect();
        assert_eq!(actions, ["FailJob", "FailIndex", "Ignore"]);
    }

    #[test]
    fn the_image_is_pulled_as_the_installation_says_unless_the_connection_does() {
        let secrets = |wish: serde_json::Value| {
            let mut spec = everything();
            spec["import"]["podTemplate"]["imagePullSecrets"] = wish;
            pod(&job(spec, "first")).image_pull_secrets.clone().unwrap()
        };

        assert_eq!(secrets(serde_json::json!([]))[0].name, "registry");
        assert_eq!(secrets(serde_json::json!([{"name": "own"}]))[0].name, "own");
    }

    #[test]
    fn labels_of_a_person_are_added_and_ours_stay() {
        let job = job(everything(), "first");
        let template = &job.spec.as_ref().unwrap().template;
        let labels = template.metadata.as_ref().unwrap().labels.as_ref().unwrap();

        assert_eq!(labels["team"], "x");
        assert_eq!(labels["app.kubernetes.io/name"], "gitlab-connector");
        assert_eq!(job.metadata.labels.as_ref().unwrap()["kueue.x-k8s.io/queue-name"], "night");
    }

    #[test]
    fn a_job_tells_of_its_run() {
        let read = read(&job(everything(), "first"));

        assert_eq!((read.key.as_str(), read.request.as_deref()), ("first", Some("now")));
        assert_eq!(read.asked, Some(asked(&connection(everything()).spec)));
        assert_eq!(read.started, "2026-01-01T00:00:00Z".parse().unwrap());
        assert!(!read.ended && !read.suspended && read.queued);
    }

    #[test]
    fn what_pods_are_made_of_depends_on_all_that_may_keep_them_from_starting_and_not_on_the_run() {
        let made_of = |change: fn(&mut serde_json::Value), key: &str| {
            let mut spec = everything();
            change(&mut spec);
            read(&job(spec, key)).made_of.unwrap()
        };
        let before = made_of(|_| {}, "first");

        assert_eq!(before, made_of(|_| {}, "second"));
        assert_eq!(before, made_of(|spec| spec["interval"] = json!("1m"), "first"));
        let changes: [fn(&mut serde_json::Value); 5] = [
            |spec| spec["store"]["secretRef"]["name"] = json!("renamed"),
            |spec| spec["import"]["podTemplate"]["nodeSelector"] = json!({"disk": "fast"}),
            |spec| spec["import"]["podTemplate"]["serviceAccountName"] = json!("other"),
            |spec| spec["import"]["parallelism"] = json!(4),
            |spec| spec["import"]["queueName"] = json!("day"),
        ];
        assert!(changes.into_iter().all(|change| made_of(change, "first") != before));
    }

    #[test]
    fn names_are_one_for_a_run_and_fit_however_long_the_connection_s_is() {
        let long = name(&"a.".repeat(100), "uid", "first");

        assert_eq!(long, name(&"a.".repeat(100), "uid", "first"));
        assert_ne!(long, name(&"a.".repeat(100), "uid", "second"));
        assert_ne!(long, name(&"a.".repeat(100), "another", "first"));
        assert!(long.len() <= LONGEST && !long.contains('.'), "{long}");
    }

    #[test]
    fn what_is_asked_depends_on_what_is_read_and_on_nothing_else() {
        let asked = |change: fn(&mut GitLabConnectionSpec)| {
            let mut spec = connection(everything()).spec;
            change(&mut spec);
            asked(&spec)
        };
        let before = asked(|_| {});

        assert_eq!(before, asked(|spec| spec.import.parallelism = 9));
        assert_eq!(before, asked(|spec| spec.interval = crate::api::HumanDuration::minutes(1)));
        let store = |spec: &mut GitLabConnectionSpec| spec.store.as_mut().unwrap().max_connections = 1;
        assert_eq!(before, asked(store));
        assert_ne!(before, asked(|spec| spec.scope.include_archived = true));
        assert_ne!(before, asked(|spec| spec.import.text = false));
        assert_ne!(before, asked(|spec| spec.import.since = None));
    }
}
