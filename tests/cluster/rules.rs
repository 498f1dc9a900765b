//! The API server holds connections to the rules of the CRD, in the words that `sync` uses for files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gitlab_connector::api::GitLabConnection;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::harness::{Namespace, cluster, until};

/// What the API server calls what we say of a field whose type or presence is wrong. All rules of ours are in CEL and
/// have our words there as well.
const WORDS: [(&str, &str); 6] = [
    ("is required: add it", "Required value"),
    ("must be a string, not a number", "must be of type string"),
    ("must be an integer, not a string", "must be of type integer"),
    ("must be one of", "Unsupported value"),
    ("unknown field", "unknown field"),
    ("has 20 characters: give at most 10", "Too long"),
];

const CONNECTION: &str = "apiVersion: gitlab-connector.dev/v1alpha1
kind: GitLabConnection
metadata: {name: acme}
spec:
  url: https://gitlab.example.com/
  credentials: [{name: primary, secretRef: {name: tokens, key: reader}}]
  scope: {groups: [acme]}
";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/manifests").join(name)
}

fn first_lines(folder: &Path) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let first = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let sentence = text.lines().next().unwrap().trim_start_matches("# ").to_owned();
        (path.file_name().unwrap().to_string_lossy().into_owned(), sentence)
    };
    files.map(first).collect()
}

#[tokio::test]
async fn each_bad_manifest_is_refused_with_the_sentence_in_its_first_line() {
    let cluster = cluster().await;
    let folder = folder("refused");

    let ended = cluster.kubectl(&["create", "--dry-run=server", "-f", folder.to_str().unwrap()]).await;

    assert_eq!(ended.stdout, "", "accepted");
    // One paragraph a file, each beginning with "Error from server (Invalid): error when creating "FILE": ".
    let refusals: BTreeMap<&str, &str> = ended
        .stderr
        .split("error when creating \"")
        .skip(1)
        .map(|paragraph| {
            let (path, refusal) = paragraph.split_once('"').unwrap();
            (path.rsplit('/').next().unwrap(), refusal)
        })
        .collect();
    for (file, sentence) in first_lines(&folder) {
        let refusal = refusals.get(file.as_str()).unwrap_or_else(|| panic!("{file} is not refused:\n{}", ended.stderr));
        let (field, message) = sentence.split_once(": ").unwrap();
        let word = WORDS.iter().find(|(ours, _)| message.starts_with(ours));
        let words = word.map_or(message, |(_, theirs)| theirs);
        assert!(refusal.contains(field), "{file}: {field} is not named: {refusal}");
        assert!(refusal.contains(words), "{file}: not said: {words}\n{refusal}");
    }
}

#[tokio::test]
async fn each_good_manifest_is_accepted() {
    let cluster = cluster().await;
    let made = cluster.kubectl(&["create", "namespace", "metrics"]).await;
    assert!(made.code == Some(0) || made.text().contains("AlreadyExists"), "{}", made.text());

    let ended = cluster.kubectl(&["create", "--dry-run=server", "-f", folder("accepted").to_str().unwrap()]).await;

    ended.says(0, &["gitlabconnection.gitlab-connector.dev/acme created (server dry run)"]);
    assert_eq!(ended.stdout.lines().count(), first_lines(&folder("accepted")).len());
}

#[tokio::test]
async fn the_committed_crd_and_the_one_of_the_code_are_one_to_the_server() {
    let cluster = cluster().await;
    let crd = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds/gitlabconnections.yaml");

    let ended = cluster.kubectl(&["diff", "--server-side", "--field-manager=tests", "-f", crd.to_str().unwrap()]).await;

    assert_eq!((ended.code, ended.text().as_str()), (Some(0), ""));
}

#[tokio::test]
async fn nobody_has_looked_at_a_new_connection_and_its_status_says_so() {
    let namespace = Namespace::new().await;

    namespace.apply(CONNECTION).await;

    let connection = namespace.api::<GitLabConnection>().get("acme").await.unwrap();
    assert_eq!(connection.metadata.generation, Some(1));
    assert_eq!(connection.status.unwrap().observed_generation, Some(-1));
    let waited = namespace.kubectl(&["wait", "--for=condition=Ready", "--timeout=1s", "glconn/acme"]).await;
    assert_ne!(waited.code, Some(0), "{}", waited.text());
}

#[tokio::test]
async fn status_is_written_apart_from_the_spec() {
    let namespace = Namespace::new().await;
    namespace.apply(CONNECTION).await;
    let connections = namespace.api::<GitLabConnection>();

    let both = json!({"spec": {"suspend": true}, "status": {"observedGeneration": 7}});
    let patch = Patch::Merge(&both);
    let by_status = connections.patch_status("acme", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!((by_status.spec.suspend, by_status.metadata.generation), (false, Some(1)));
    assert_eq!(by_status.status.unwrap().observed_generation, Some(7));

    let both = json!({"spec": {"suspend": true}, "status": {"observedGeneration": 8}});
    let by_spec = connections.patch("acme", &PatchParams::default(), &Patch::Merge(&both)).await.unwrap();
    assert_eq!((by_spec.spec.suspend, by_spec.metadata.generation), (true, Some(2)));
    assert_eq!(by_spec.status.unwrap().observed_generation, Some(7));
}

#[tokio::test]
async fn kubectl_get_shows_what_a_person_asks_first() {
    let namespace = Namespace::new().await;
    namespace.apply(CONNECTION).await;
    let status = json!({"status": {
        "conditions": [{
            "type": "Ready", "status": "False", "reason": "InvalidCredentials", "message": "Token 'primary' is refused",
            "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1,
        }],
        "webhooks": {"summary": "12/12 Group"},
        "import": {"projects": 42, "next": "2026-01-01T01:00:00Z"},
    }});
    let connections = namespace.api::<GitLabConnection>();
    connections.patch_status("acme", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    namespace.until_condition("acme", ("Ready", "False", "InvalidCredentials")).await;

    let short = namespace.kubectl(&["get", "gitlab"]).await;
    let wide = namespace.kubectl(&["get", "glconn", "--output=wide"]).await;

    let cells =
        |line: &str| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join("|");
    let lines: Vec<String> = short.stdout.lines().map(cells).collect();
    assert_eq!(lines[0], "NAME|URL|READY|REASON|PROJECTS|WEBHOOKS|LAST IMPORT|AGE");
    assert!(
        lines[1].starts_with("acme|https://gitlab.example.com/|False|InvalidCredentials|42|12/12 Group|"),
        "{lines:?}"
    );
    wide.says(0, &["MESSAGE", "NEXT IMPORT", "Token 'primary' is refused", "2026-01-01T01:00:00Z"]);
}

#[tokio::test]
async fn every_field_is_explained() {
    let cluster = cluster().await;

    let ended = cluster.kubectl(&["explain", "gitlabconnections.spec.webhooks", "--recursive"]).await;

    ended.says(0, &["Group, Project", "secretRef", "deletionPolicy"]);
}

#[tokio::test]
async fn applying_the_same_again_changes_nothing() {
    let namespace = Namespace::new().await;
    namespace.apply(CONNECTION).await;
    namespace.secret("tokens", &[("reader", "glpat-1")]).await;
    let before = namespace.api::<GitLabConnection>().get("acme").await.unwrap();
    let moment = namespace.cluster.moment();

    namespace.apply(CONNECTION).await;

    let same = |after: &GitLabConnection| after.metadata.resource_version == before.metadata.resource_version;
    namespace.until("acme", "unchanged", Duration::ZERO, same).await;
    let requests = namespace.cluster.requests_since(moment);
    let ours =
        |namespace: &str| requests.iter().filter(|one| one.object_ref.namespace == namespace).collect::<Vec<_>>();
    let ours = ours(&namespace.name);
    assert!(
        ours.iter().any(|one| one.object_ref.resource == "gitlabconnections" && one.user_agent.contains("kubectl"))
    );
    assert!(!ours.iter().any(|one| one.writes() && one.user.username == "admin"), "{ours:#?}");
}

#[tokio::test]
async fn the_url_can_be_corrected_until_something_came_of_it() {
    let namespace = Namespace::new().await;
    let at = |host: &str| CONNECTION.replace("gitlab.example.com", host);
    let change = async |host: &str| {
        let arguments = ["--namespace", &namespace.name, "apply", "-f", "-"];
        namespace.cluster.kubectl_with(&at(host), &arguments).await
    };
    namespace.apply(CONNECTION).await;

    assert_eq!(change("gitlab.example.org").await.code, Some(0));
    let status = json!({"status": {"webhooks": {"desired": 1, "ready": 1}}});
    let connections = namespace.api::<GitLabConnection>();
    connections.patch_status("acme", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();

    let refused = change("gitlab.example.net").await;
    assert!(refused.text().contains("spec.url cannot change once there are webhooks or rows"), "{}", refused.text());
    assert_eq!(change("gitlab.example.org").await.code, Some(0));
}

/// The first example in SECURITY.md, for one namespace only.
fn policy(namespace: &str) -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md")).unwrap();
    let example = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let name = "gitlabconnections-without-pod-template";
    assert_eq!(example.matches(name).count(), 3);
    let here = format!(
        "  matchResources: {{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {namespace}}}}}}}\n"
    );
    example.replace(name, &format!("{name}.{namespace}")) + &here
}

#[tokio::test]
async fn the_policy_that_is_advised_takes_the_pods_out_of_a_tenant_s_hands() {
    let namespace = Namespace::new().await;
    let policy = policy(&namespace.name);
    namespace.cluster.kubectl_with(&policy, &["apply", "-f", "-"]).await.says(0, &["created"]);
    let try_it = async |template: &str| {
        let manifest = format!("{CONNECTION}  import: {{podTemplate: {{{template}}}}}\n");
        let arguments = ["--namespace", &namespace.name, "create", "--dry-run=server", "-f", "-"];
        namespace.cluster.kubectl_with(&manifest, &arguments).await
    };

    until("the policy is in force", Duration::from_secs(60), async || {
        let ended = try_it("serviceAccountName: mighty").await;
        let refused = ended.text().contains("only spec.import.podTemplate.resources may be set here");
        if refused { Ok(()) } else { Err(ended.text()) }
    })
    .await;

    for more in ["annotations: {inject: me}", "labels: {a: b}", "tolerations: [{operator: Exists}]", "affinity: {}"] {
        try_it(more).await.says(1, &["only spec.import.podTemplate.resources"]);
    }
    for fine in ["", "resources: {limits: {memory: 2Gi}}"] {
        try_it(fine).await.says(0, &["created (server dry run)"]);
    }
    namespace.cluster.kubectl_with(&policy, &["delete", "-f", "-"]).await.says(0, &["deleted"]);
}
