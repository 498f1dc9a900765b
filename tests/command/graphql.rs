//! What lets REST pass does not always let GraphQL pass: it is said before an import runs into it.

use gitlab_simulator::world::{Role, Scope};
use gitlab_simulator::{Fault, FaultKind, Simulator, World};

use super::{QUIET, READER, acme, manifest, serve, sync};
use crate::support::binary::{self, Directory, Ended};

/// A token of the new kind, which reads all of the group by REST.
const FINE_GRAINED: &str = "glpat-fine-grained-7890";

/// The group's reader has a token of the new kind beside the usual one.
fn fine_grained() -> World {
    acme().with_group_token(FINE_GRAINED, "acme", Role::Developer, &[Scope::Granular])
}

async fn check(gitlab: &Simulator, token: &str) -> Ended {
    let arguments = ["check", "--url", gitlab.url(), "--group", "acme"];
    let ended = binary::run_with(&Directory::new(), ("GITLAB_TOKEN", token), &arguments).await;
    assert!(!ended.text().contains(token), "{}", ended.text());
    ended
}

/// Something before GitLab answers in its place, but for REST.
async fn behind(answer: FaultKind) -> Simulator {
    let gitlab = serve(acme()).await;
    gitlab.faults().add(Fault::at("POST /graphql", answer));
    gitlab
}

/// `sync` says the same as `check`, and begins no import that would fail.
async fn agrees(gitlab: &Simulator, token: &str, code: i32, (status, reason): (&str, &str)) {
    let ended = sync(&Directory::new(), &manifest(gitlab.url(), token, QUIET), &[]).await;

    ended.says(code, &["waits until the scope can be read"]);
    let line = ended.stdout.lines().find(|line| line.starts_with("AccessVerified")).unwrap();
    assert!(line.split_whitespace().skip(1).take(2).eq([status, reason]), "{line}");
}

#[tokio::test]
async fn a_page_in_the_place_of_graphql_is_named_with_its_path_and_is_nobodys_permission() {
    for status in [403, 200] {
        let gitlab = behind(FaultKind::Html { status }).await;
        let page = format!("a page instead of an answer (status {status}, text/html at /api/graphql)");

        let checked = check(&gitlab, READER).await;

        checked.says(1, &["GraphQLUnavailable", &page, "let POST /api/graphql pass the firewall or proxy"]);
        assert!(!checked.text().contains("invalid_permissions"), "{}", checked.text());
        agrees(&gitlab, READER, 1, ("Unknown", "GraphQLUnavailable")).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_none_of_graphql_is_no_group_that_is_missing_and_no_role_that_is_small() {
    for status in [403, 404, 405] {
        let gitlab = behind(FaultKind::Status { status }).await;
        let answered = format!("/api/graphql answers {status}");

        let checked = check(&gitlab, READER).await;

        checked.says(3, &["GraphQLUnavailable", &answered, "let POST /api/graphql pass the firewall or proxy"]);
        for wrong in ["invalid_permissions", "ScopeNotFound"] {
            assert!(!checked.text().contains(wrong), "{}", checked.text());
        }
        agrees(&gitlab, READER, 3, ("False", "GraphQLUnavailable")).await;
    }
}

#[tokio::test]
async fn a_proxy_that_keeps_the_token_from_graphql_is_found_out() {
    let gitlab = behind(FaultKind::Body { text: r#"{"data": {"currentUser": null}}"#.into() }).await;

    let checked = check(&gitlab, READER).await;

    checked.says(3, &["GraphQLUnavailable", "does not know token 'token'", "Authorization"]);
}

#[tokio::test]
async fn a_graphql_that_is_away_for_a_moment_is_unknown() {
    for answer in [FaultKind::Status { status: 503 }, FaultKind::Reset] {
        let gitlab = behind(answer).await;

        let checked = check(&gitlab, READER).await;

        checked.says(1, &["GitLabUnreachable", "/api/graphql"]);
    }
}

#[tokio::test]
async fn a_fine_grained_token_is_told_to_be_a_legacy_one() {
    let gitlab = serve(fine_grained()).await;
    let words = [
        "invalid_permissions",
        "/api/graphql",
        "doesn't support fine-grained personal access tokens",
        "a legacy token (not a fine-grained one) with the scope read_api",
    ];

    check(&gitlab, FINE_GRAINED).await.says(3, &words);
    agrees(&gitlab, FINE_GRAINED, 3, ("False", "invalid_permissions")).await;
}

#[tokio::test]
async fn a_legacy_token_beside_a_fine_grained_one_imports_alone() {
    let gitlab = serve(fine_grained()).await;
    let two = manifest(gitlab.url(), READER, QUIET)
        .replace("stringData: {", &format!("stringData: {{fine: {FINE_GRAINED}, "))
        .replace("credentials:\n", "credentials:\n    - name: fine\n      secretRef: {name: tokens, key: fine}\n");

    let ended = sync(&Directory::new(), &two, &[]).await;

    ended.says(0, &["token 'fine' is left out of imports", "fine-grained", "gitlab_merge_requests         3"]);
}

#[tokio::test]
async fn a_gitlab_that_is_too_old_is_refused_by_name() {
    let gitlab = serve(acme().with_version("13.12.15")).await;

    let checked = check(&gitlab, READER).await;

    checked.says(3, &["UnsupportedVersion", "GitLab 13.12.15", "upgrade GitLab to 15.0 or newer"]);
    agrees(&gitlab, READER, 3, ("False", "UnsupportedVersion")).await;
}

#[tokio::test]
async fn a_server_that_does_not_understand_is_too_old_whatever_it_says_of_itself() {
    let gitlab = behind(FaultKind::UnknownField { name: "Query.queryComplexity".into() }).await;

    let checked = check(&gitlab, READER).await;

    checked.says(3, &["UnsupportedVersion", "/api/graphql", "upgrade GitLab to 15.0 or newer"]);
}

#[tokio::test]
async fn the_question_to_graphql_is_shown_for_curl() {
    let gitlab = serve(acme()).await;

    let checked = check(&gitlab, READER).await;

    let url = format!("'{}/api/graphql'", gitlab.url());
    checked.says(0, &["ask GraphQL", &url, "--data '{\"query\":"]);
}

#[tokio::test]
async fn a_version_that_nobody_may_read_keeps_no_import_from_running() {
    let gitlab = serve(acme()).await;
    for route in ["GET /metadata", "GET /version"] {
        gitlab.faults().add(Fault::at(route, FaultKind::Status { status: 404 }));
    }

    check(&gitlab, READER).await.says(0, &[]);
    let ended = sync(&Directory::new(), &manifest(gitlab.url(), READER, QUIET), &[]).await;

    ended.says(0, &["gitlab_merge_requests         3"]);
}
