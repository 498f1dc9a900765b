//! Each trouble is a condition, and once it is mended the connection is Ready again, without a restart.

use std::time::Duration;

use gitlab_connector::api::GitLabConnection;
use gitlab_simulator::{Fault, FaultKind};

use super::scene::{HOOKS, NO_HOOKS, Scene};
use crate::support::acme::{OWNER, READER};
use crate::support::postgres::PASSWORD;

fn of<'a>(connection: &'a GitLabConnection, kind: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let conditions = &connection.status.as_ref()?.conditions;
    let condition = conditions.iter().find(|condition| condition.type_ == kind)?;
    Some((&condition.status, &condition.reason, &condition.message))
}

#[tokio::test]
async fn a_wrong_token_is_noticed_and_a_right_one_within_five_seconds() {
    let scene = Scene::new().await;
    scene.namespace.secret("tokens", &[("reader", "glpat-mistyped")]).await;
    scene.apply(NO_HOOKS).await;
    let refused = scene.until(("CredentialsValid", "False", "invalid_credentials")).await;
    assert_eq!(of(&refused, "Ready").unwrap().1, "invalid_credentials");
    assert_eq!(of(&refused, "Stalled").unwrap().0, "True");
    assert!(of(&refused, "Reconciling").is_none());

    scene.namespace.secret("tokens", &[("reader", READER)]).await;

    let valid = |connection: &GitLabConnection| of(connection, "CredentialsValid").is_some_and(|one| one.0 == "True");
    scene.namespace.until("acme", "valid again", Duration::from_secs(5), valid).await;
    let ready = scene.until(("Ready", "True", "Succeeded")).await;
    assert!(of(&ready, "Stalled").is_none() && of(&ready, "Reconciling").is_none());
}

#[tokio::test]
async fn a_missing_secret_or_key_is_named_and_found_once_it_is_there() {
    let scene = Scene::new().await;
    scene.namespace.kubectl(&["delete", "secret/tokens"]).await.says(0, &["deleted"]);
    scene.apply(NO_HOOKS).await;
    let missing = scene.until(("CredentialsValid", "False", "SecretNotFound")).await;
    assert!(of(&missing, "CredentialsValid").unwrap().2.contains("'tokens'"));

    scene.namespace.secret("tokens", &[("raeder", READER)]).await;
    let missing = scene.until(("CredentialsValid", "False", "SecretKeyMissing")).await;
    assert!(of(&missing, "CredentialsValid").unwrap().2.contains("'reader'"));
    scene.namespace.secret("tokens", &[("reader", READER)]).await;

    scene.until(("Ready", "True", "Succeeded")).await;
}

#[tokio::test]
async fn a_group_that_is_not_there_is_named_and_a_corrected_scope_is_imported() {
    let scene = Scene::new().await;
    let wrong = scene.manifest("acme", NO_HOOKS).replace("groups: [acme]", "groups: [amce]");
    scene.namespace.apply(&wrong).await;
    let missing = scene.until(("AccessVerified", "False", "ScopeNotFound")).await;
    assert!(of(&missing, "AccessVerified").unwrap().2.contains("amce"));

    scene.apply(NO_HOOKS).await;

    scene.until(("Ready", "True", "Succeeded")).await;
}

#[tokio::test]
async fn without_a_database_no_import_starts_and_the_remedy_is_said() {
    let scene = Scene::new().await;
    let without: String = scene
        .manifest("acme", NO_HOOKS)
        .lines()
        .filter(|line| !line.contains("store:"))
        .map(|l| format!("{l}\n"))
        .collect();

    scene.namespace.apply(&without).await;

    let invalid = scene.until(("ImportSucceeded", "False", "InvalidSpec")).await;
    assert!(of(&invalid, "ImportSucceeded").unwrap().2.contains("spec.store"));
    assert_eq!(of(&invalid, "Stalled").unwrap().1, "InvalidSpec");
    scene.namespace.secret("database", &[("url", "sqlite:/tmp/x.db")]).await;
    scene.apply(NO_HOOKS).await;
    let sqlite = scene
        .until_it("SQLite is refused", |connection| {
            of(connection, "ImportSucceeded").is_some_and(|one| one.2.contains("SQLite"))
        })
        .await;
    assert_eq!(of(&sqlite, "ImportSucceeded").unwrap().1, "InvalidSpec");
}

#[tokio::test]
async fn a_gitlab_that_is_away_for_a_while_flips_nothing_not_even_across_a_restart() {
    let mut scene = Scene::new().await;
    scene.apply(&format!("{HOOKS}\n  interval: 2s\n  import: {{schedule: \"@monthly\"}}")).await;
    let before = scene.until(("Ready", "True", "Succeeded")).await;
    scene.gitlab.forget_requests();

    scene.gitlab.faults().add(Fault::at("*", FaultKind::Status { status: 503 }));
    let looked = scene.look().await;
    scene.controller.kill().await;
    scene.controller = scene.another().await;
    let away = scene.look().await;

    assert!(!scene.gitlab.requests().is_empty(), "it was asked");
    let conditions = |connection: &GitLabConnection| connection.status.clone().unwrap().conditions;
    assert_eq!(conditions(&looked), conditions(&before));
    assert_eq!(conditions(&away), conditions(&before));
    scene.gitlab.faults().clear();
    let back = scene.look().await;
    assert_eq!(conditions(&back), conditions(&before));
}

#[tokio::test]
async fn a_suspended_connection_is_left_as_it_is_until_it_is_resumed() {
    let scene = Scene::new().await;
    scene.apply(&format!("{HOOKS}\n  suspend: true")).await;
    let suspended = scene.until(("Ready", "Unknown", "Suspended")).await;
    assert!(of(&suspended, "Stalled").is_none() && of(&suspended, "Reconciling").is_none());
    assert!(scene.gitlab.requests().is_empty() && scene.hooks().is_empty());

    scene.apply(HOOKS).await;

    scene.until(("Ready", "True", "Succeeded")).await;
    assert_eq!(scene.hooks().len(), 1);
}

#[tokio::test]
async fn no_secret_shows_in_logs_events_or_status() {
    let scene = Scene::new().await;
    scene.apply(HOOKS).await;
    scene.until(("Ready", "True", "Succeeded")).await;
    scene.namespace.secret("tokens", &[("reader", "glpat-mistyped-9876"), ("owner", OWNER)]).await;
    scene.until(("CredentialsValid", "False", "invalid_credentials")).await;

    let kinds = "gitlabconnections,jobs,pods,events,leases";
    let objects = scene.namespace.kubectl(&["get", kinds, "-o", "yaml"]).await.stdout;
    let token = scene.hooks()[0].token.clone().unwrap();
    for text in [scene.controller.log(), objects, scene.namespace.logs("")] {
        assert!(text.len() > 100, "{text}");
        for secret in [READER, OWNER, "glpat-mistyped-9876", token.as_str(), PASSWORD] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}
