//! Whatever is wrong with credentials, scope or GitLab is a condition, and gone once it is mended.

use std::time::Duration;

use gitlab_connector::api::GitLabConnection;
use gitlab_simulator::world::{Role, Scope as TokenScope, TokenBuilder};
use gitlab_simulator::{Fault, FaultKind, Options, Simulator};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;

use super::onlooker::{Health, Onlooker};
use super::scene::{NO_HOOKS, Scene};
use crate::harness::{Namespace, until};
use crate::support::acme::{OWNER, READER, acme, serve};

/// The lines of a spec by which neither webhooks nor imports are wanted.
const QUIET: &str = "  webhooks: {mode: Disabled}\n  import: {schedule: \"\"}";
/// The wanted end of all of it.
const READY: (&str, &str, &str) = ("Ready", "True", "Succeeded");

/// A connection with a Secret of its name, which holds one token.
fn connection(name: &str, url: &str, group: &str, more: &str) -> String {
    format!(
        "---
apiVersion: gitlab-connector.dev/v1alpha1
kind: GitLabConnection
metadata: {{name: {name}}}
spec:
  url: {url}
  credentials: [{{name: primary, secretRef: {{name: {name}, key: token}}}}]
  scope: {{groups: [{group}]}}
  store: {{secretRef: {{name: database, key: url}}}}
{QUIET}
{more}
"
    )
}

fn secret(name: &str, key: &str, token: &str) -> String {
    format!(
        "---
apiVersion: v1
kind: Secret
metadata: {{name: {name}, annotations: {{gitlab-connector.dev/use: credential}}}}
stringData: {{{key}: {token}}}
"
    )
}

/// A connection goes wrong so.
struct Row {
    name: &'static str,
    token: Option<(&'static str, &'static str)>,
    group: &'static str,
    says: (&'static str, &'static str, &'static str),
    words: &'static str,
}

const fn row(
    name: &'static str,
    token: Option<(&'static str, &'static str)>,
    says: (&'static str, &'static str, &'static str),
    words: &'static str,
) -> Row {
    Row { name, token, group: "acme", says, words }
}

const CREDENTIALS: &str = "CredentialsValid";
const ACCESS: &str = "AccessVerified";

/// Each of them is mended by a good token in its Secret.
const BAD_TOKENS: [Row; 8] = [
    row("absent-secret", None, (CREDENTIALS, "False", "SecretNotFound"), "absent-secret"),
    row("absent-key", Some(("tokn", READER)), (CREDENTIALS, "False", "SecretKeyMissing"), "'token'"),
    row("unknown", Some(("token", "glpat-unheard-of")), (CREDENTIALS, "False", "invalid_credentials"), "'primary'"),
    row("revoked", Some(("token", "glpat-revoked")), (CREDENTIALS, "False", "invalid_credentials"), "'primary'"),
    row("expired", Some(("token", "glpat-expired")), (CREDENTIALS, "False", "TokenExpired"), "invalid_credentials"),
    row("scopeless", Some(("token", "glpat-small")), (ACCESS, "False", "invalid_permissions"), "read_api"),
    row("guest", Some(("token", "glpat-guest")), (ACCESS, "False", "invalid_permissions"), "Guest"),
    row("fine-grained", Some(("token", "glpat-fine")), (ACCESS, "False", "invalid_permissions"), "a legacy token"),
];

/// These are mended elsewhere: the first in its spec, the other in GitLab.
const BAD_SCOPES: [Row; 2] = [
    Row { group: "ghosts", ..row("ghosts", Some(("token", READER)), (ACCESS, "False", "ScopeNotFound"), "ghosts") },
    Row {
        group: "attic",
        ..row("attic", Some(("token", "glpat-attic")), (ACCESS, "False", "no_resources"), "group attic")
    },
];

#[tokio::test]
async fn each_error_of_tokens_and_scope_is_a_condition_and_goes_when_it_is_mended() {
    let world = acme()
        .with_group("attic", |group| group)
        .with_group_token("glpat-attic", "attic", Role::Developer, &[TokenScope::ReadApi])
        .with_group_token("glpat-guest", "acme", Role::Guest, &[TokenScope::ReadApi])
        .with_group_token("glpat-fine", "acme", Role::Developer, &[TokenScope::Granular])
        .with_group_token("glpat-small", "acme", Role::Developer, &[TokenScope::ReadUser])
        .with_token("glpat-expired", |token| token.user("ada").scopes(&[TokenScope::ReadApi]).expired())
        .with_token("glpat-revoked", |token| token.user("ada").scopes(&[TokenScope::ReadApi]).revoked());
    let scene = Scene::of(world, &[]).await;
    let onlooker = Onlooker::of(&scene.namespace);
    let rows: Vec<&Row> = BAD_TOKENS.iter().chain(&BAD_SCOPES).collect();
    let url = scene.gitlab.url();
    let mut manifests = String::new();
    for Row { name, token, group, .. } in &rows {
        manifests += &token.map(|(key, token)| secret(name, key, token)).unwrap_or_default();
        manifests += &connection(name, url, group, "  interval: 3s");
    }
    scene.namespace.apply(&manifests).await;

    let mut told = Vec::new();
    for Row { name, says, words, .. } in &rows {
        let bad = scene.namespace.until_condition(name, *says).await;
        assert!(condition(&bad, says.0).message.contains(words), "{name}: {:?}", condition(&bad, says.0));
        assert_eq!(
            (condition(&bad, "Ready").status.as_str(), condition(&bad, "Ready").reason.as_str()),
            ("False", says.2)
        );
        told.push(bad);
    }
    // What it says is constant, however often it is found out.
    look_again(&scene.namespace, &rows).await;
    for before in &told {
        let after: GitLabConnection = scene.namespace.api().get(&before.name_any()).await.unwrap();
        assert_eq!(conditions(&after), conditions(before), "{}", before.name_any());
    }

    let good: Vec<String> = BAD_TOKENS.iter().map(|Row { name, .. }| secret(name, "token", READER)).collect();
    scene.namespace.apply(&good.concat()).await;
    scene.namespace.apply(&connection("ghosts", url, "acme", "")).await;
    scene.gitlab.world(|world| {
        let attic = world.group_by_path("attic").unwrap().id;
        world.add_project(attic, "chest");
    });

    for Row { name, .. } in &rows {
        scene.namespace.until_condition(name, READY).await;
        let healths = onlooker.healths(name);
        assert_eq!(healths.last(), Some(&Health::Current), "{name}: {healths:?}");
        assert!(healths.contains(&Health::Failed), "{name}: {healths:?}");
    }
}

/// Asks for a look at each of them and waits until it was done.
async fn look_again(namespace: &Namespace, rows: &[&Row]) {
    let names: Vec<String> = rows.iter().map(|row| format!("glconn/{}", row.name)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let request = ["gitlab-connector.dev/reconcile-requested-at=again"];
    namespace.kubectl(&[&["annotate"], names.as_slice(), &request].concat()).await.says(0, &[]);
    for row in rows {
        let handled = |connection: &GitLabConnection| {
            connection.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref()) == Some("again")
        };
        namespace.until(row.name, "looked at again", Duration::from_secs(60), handled).await;
    }
}

#[tokio::test]
async fn each_trouble_with_gitlab_itself_is_a_condition_and_goes_when_it_is_over() {
    let scene = Scene::new().await;
    let onlooker = Onlooker::of(&scene.namespace);
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
    let foreign = Options::tls(&cert.pem(), &signing_key.serialize_pem());
    let foreign = Simulator::start(acme(), foreign).await.unwrap();
    let [page, ill, busy] = [serve(acme()).await, serve(acme()).await, serve(acme()).await];
    let [walled, old] = [serve(acme()).await, serve(acme().with_version("13.12.15")).await];
    walled.faults().add(Fault::at("POST /graphql", FaultKind::Status { status: 404 }));
    page.faults().add(Fault::at("*", FaultKind::Html { status: 200 }));
    ill.faults().add(Fault::at("*", FaultKind::Status { status: 503 }));
    busy.faults().add(Fault::at("*", FaultKind::RetryLater { seconds: 300 }));
    let rows = [
        ("page", page.url(), (CREDENTIALS, "False", "NotGitLab")),
        ("ill", ill.url(), (CREDENTIALS, "Unknown", "GitLabUnreachable")),
        ("nobody", "http://127.0.0.1:9/", (CREDENTIALS, "Unknown", "GitLabUnreachable")),
        ("busy", busy.url(), (CREDENTIALS, "Unknown", "RateLimited")),
        ("foreign", foreign.url(), (CREDENTIALS, "False", "TLSFailure")),
        ("walled", walled.url(), (ACCESS, "False", "GraphQLUnavailable")),
        ("old", old.url(), (ACCESS, "False", "UnsupportedVersion")),
    ];
    let each = |(name, url, _): &(&str, &str, _)| {
        secret(name, "token", READER) + &connection(name, url, "acme", "  interval: 3s")
    };
    scene.namespace.apply(&rows.iter().map(each).collect::<String>()).await;

    for (name, _, says) in rows {
        let bad = scene.namespace.until_condition(name, says).await;
        assert_eq!(
            (condition(&bad, "Ready").status.as_str(), condition(&bad, "Ready").reason.as_str()),
            (says.1, says.2)
        );
    }

    for gitlab in [&page, &ill, &busy, &walled] {
        gitlab.faults().clear();
    }
    old.world(|world| world.settings.version = acme().settings.version);
    let authority = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "authority"},
                           "data": {"ca.crt": cert.pem()}});
    scene.namespace.apply(&authority.to_string()).await;
    let trusting = "  tls: {caBundle: {configMapRef: {name: authority, key: ca.crt}}}";
    scene.namespace.apply(&connection("foreign", foreign.url(), "acme", trusting)).await;
    scene.namespace.apply(&connection("nobody", scene.gitlab.url(), "acme", "")).await;

    for (name, _, says) in rows {
        scene.namespace.until_condition(name, READY).await;
        // Trouble that may pass is no failure: nobody has to act.
        let failed = onlooker.healths(name).contains(&Health::Failed);
        assert_eq!(failed, says.1 == "False", "{name}: {:?}", onlooker.healths(name));
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_or_expires_makes_a_ready_connection_unready() {
    let world = acme().with_token("glpat-mortal", |token: TokenBuilder| {
        token.user("ada").scopes(&[TokenScope::ReadApi]).expires("2999-01-01")
    });
    let scene = Scene::of(world, &[]).await;
    scene.namespace.secret("tokens", &[("reader", READER)]).await;
    scene.namespace.secret("other", &[("token", "glpat-mortal")]).await;
    scene.apply(&format!("{QUIET}\n  interval: 2s")).await;
    scene.namespace.apply(&connection("other", scene.gitlab.url(), "acme", "  interval: 2s")).await;
    for name in ["acme", "other"] {
        scene.namespace.until_condition(name, READY).await;
    }

    scene.gitlab.world(|world| {
        let [reader, mortal] = [READER, "glpat-mortal"].map(|secret| world.token_by_secret(secret).unwrap().id);
        world.token_mut(reader).unwrap().revoked = true;
        world.token_mut(mortal).unwrap().expires_at = Some("2020-01-01".parse().unwrap());
    });

    scene.until(("Ready", "False", "invalid_credentials")).await;
    scene.namespace.until_condition("other", ("Ready", "False", "TokenExpired")).await;
}

#[tokio::test]
async fn a_labelled_secret_joins_by_the_selector_and_leaves_with_its_label() {
    let scene = Scene::new().await;
    let manifest = scene.manifest("acme", QUIET).replace(
        "credentials: [{name: primary, secretRef: {name: tokens, key: reader}}]",
        "credentialSelector: {matchLabels: {gitlab: acme}}",
    );
    scene.namespace.apply(&manifest).await;
    let lonely = scene.until((CREDENTIALS, "False", "SecretNotFound")).await;
    let labelled = |name: &str, token: &str| {
        let annotations = json!({"gitlab-connector.dev/use": "credential"});
        let metadata = json!({"name": name, "labels": {"gitlab": "acme"}, "annotations": annotations});
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"token": token}}).to_string()
    };

    scene.namespace.apply(&labelled("first", READER)).await;
    let one = scene.until(READY).await;
    scene.namespace.apply(&labelled("second", OWNER)).await;
    let two = scene.until_it("has two tokens", |connection| names(connection).len() == 2).await;
    scene.namespace.kubectl(&["label", "secret", "first", "gitlab-"]).await.says(0, &[]);
    let rest = scene.until_it("has one token", |connection| names(connection).len() == 1).await;

    assert!(condition(&lonely, CREDENTIALS).message.contains("gitlab=acme"), "{:#?}", lonely.status);
    assert_eq!((names(&one), names(&two), names(&rest)), (vec!["first"], vec!["first", "second"], vec!["second"]));
    scene.until(READY).await;
}

#[tokio::test]
async fn a_connection_can_be_waited_for_at_every_moment_of_its_life() {
    let scene = Scene::new().await;
    let onlooker = Onlooker::of(&scene.namespace);

    scene.apply(NO_HOOKS).await;
    scene.until(READY).await;
    scene.apply(&format!("{NO_HOOKS}\n  suspend: true")).await;
    scene.until(("Ready", "Unknown", "Suspended")).await;
    scene.namespace.secret("tokens", &[("reader", "glpat-unheard-of")]).await;
    scene.apply(NO_HOOKS).await;
    scene.until(("Ready", "False", "invalid_credentials")).await;
    scene.namespace.secret("tokens", &[("reader", READER)]).await;
    scene.until(READY).await;
    scene.namespace.kubectl(&["delete", "glconn/acme"]).await.says(0, &[]);

    // Suspended, it is on its way for as long as that lasts.
    let life =
        [Health::InProgress, Health::Current, Health::InProgress, Health::Failed, Health::Current, Health::Terminating];
    until("the onlooker saw it all", Duration::from_secs(10), async || {
        let healths = onlooker.healths("acme");
        if healths == life { Ok(()) } else { Err(format!("{healths:?}")) }
    })
    .await;
}

fn conditions(connection: &GitLabConnection) -> Vec<Condition> {
    connection.status.clone().unwrap_or_default().conditions
}

/// A condition; one that is not there is as unknown as can be.
fn condition(connection: &GitLabConnection, kind: &str) -> Condition {
    let found = conditions(connection).into_iter().find(|one| one.type_ == kind);
    found.unwrap_or_else(|| Condition {
        type_: kind.to_owned(),
        status: "Unknown".to_owned(),
        reason: String::new(),
        message: String::new(),
        observed_generation: None,
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
    })
}

/// The names of the tokens that the status tells of.
fn names(connection: &GitLabConnection) -> Vec<&str> {
    let credentials = connection.status.iter().flat_map(|status| &status.credentials);
    credentials.map(|credential| credential.name.as_str()).collect()
}
