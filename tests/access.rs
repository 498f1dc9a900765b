//! What tokens can do, as `verify` finds it out from a GitLab that behaves.

use std::path::Path;
use std::time::Duration;

use gitlab_connector::access::{Access, Needs, Outcome, What, verify};
use gitlab_connector::api::{NamedRef, Scope};
use gitlab_connector::gitlab::{Client, Deadlines, Instance, Metrics, Token};
use gitlab_simulator::world::{Edition, ProjectBuilder, Role, Scope as TokenScope, TokenBuilder};
use gitlab_simulator::{Fault, FaultKind, Options, Simulator, World};
use jiff::Timestamp;
use url::Url;

/// A private group with two projects, of which one has merge requests.
fn world() -> World {
    World::default().with_time("2026-11-25T12:00:00Z").with_group("acme", |group| {
        group
            .project("api", |project| project.merge_requests(2))
            .project("site", ProjectBuilder::without_merge_requests)
    })
}

fn member(world: World, user: &str, role: Role, scopes: &[TokenScope]) -> World {
    let world = world.with_group("acme", |group| group.member(user, role));
    world.with_token(&secret(user), |token| token.user(user).scopes(scopes))
}

fn secret(name: &str) -> String {
    format!("glpat-{name}")
}

fn scope(groups: &[&str], projects: &[&str]) -> Scope {
    let named = |names: &[&str]| names.iter().map(|name| NamedRef::from(*name)).collect();
    Scope {
        groups: named(groups),
        projects: named(projects),
        exclude_projects: Vec::new(),
        include_subgroups: true,
        include_archived: true,
    }
}

fn readers(names: &[&str]) -> Needs {
    Needs { readers: names.iter().map(|name| (*name).to_owned()).collect(), hook_managers: Vec::new() }
}

fn client(url: &str, names: &[&str]) -> Client {
    let token = |name: &&str| Token { name: (*name).to_owned(), secret: secret(name).into() };
    let deadlines = Deadlines { headers: Duration::from_millis(500), ..Deadlines::default() };
    let tokens = names.iter().map(token).collect();
    Client::with_deadlines(&Instance::at(Url::parse(url).unwrap()), tokens, &Metrics::default(), deadlines).unwrap()
}

async fn verified(world: World, scope: &Scope, names: &[&str]) -> Access {
    let simulator = Simulator::start(world, Options::default()).await.unwrap();
    verify(&client(simulator.url(), names), scope, &readers(names)).await
}

#[tokio::test]
async fn a_developer_with_read_api_can_do_all_that_imports_need() {
    let world = member(world(), "ann", Role::Developer, &[TokenScope::ReadApi]);

    let access = verified(world, &scope(&["acme"], &["acme/api"]), &["ann"]).await;

    assert_eq!(access.verdict().outcome, Outcome::Ok, "{:#?}", access.matrix);
    assert_eq!(access.usable_readers(), ["ann"]);
    assert!(access.instance.is_some());
    let token = &access.tokens[0];
    assert_eq!((token.user.as_deref(), token.valid), (Some("ann"), Some(true)));
    assert_eq!(token.scopes, ["read_api"]);
    assert_eq!((access.groups.len(), access.projects.len()), (1, 1));
}

#[tokio::test]
async fn a_guest_is_named_with_project_and_role() {
    let world = member(world(), "gus", Role::Guest, &[TokenScope::ReadApi]);

    let access = verified(world, &scope(&["acme"], &[]), &["gus"]).await;

    let verdict = access.verdict();
    assert_eq!((verdict.outcome, verdict.reason), (Outcome::Denied, "invalid_permissions"));
    assert!(verdict.message.starts_with("needs at least Reporter on project acme/api (id "), "{}", verdict.message);
    assert!(verdict.message.contains("; token 'gus' is Guest: "), "{}", verdict.message);
}

#[tokio::test]
async fn unknown_groups_and_projects_are_named() {
    let world = member(world(), "ann", Role::Developer, &[TokenScope::ReadApi]);

    let access = verified(world, &scope(&["acme", "acne"], &["acme/apy"]), &["ann"]).await;

    let verdict = access.verdict();
    assert_eq!((verdict.outcome, verdict.reason), (Outcome::Denied, "ScopeNotFound"));
    assert!(verdict.message.contains("group acne"), "{}", verdict.message);
    assert!(verdict.message.contains("GitLab hides"), "{}", verdict.message);
}

#[tokio::test]
async fn dead_tokens_are_invalid_credentials() {
    let dead =
        world().with_token(&secret("old"), TokenBuilder::expired).with_token(&secret("taken"), TokenBuilder::revoked);

    let access = verified(dead, &scope(&["acme"], &[]), &["old", "taken", "mistyped"]).await;

    let reasons: Vec<_> = access.matrix.iter().map(|entry| entry.finding.reason.unwrap_or_default()).collect();
    assert_eq!(reasons, ["TokenExpired", "invalid_credentials", "invalid_credentials"]);
    assert!(access.tokens.iter().all(|token| token.valid == Some(false)));
    assert_eq!(access.credentials().reason, "invalid_credentials");
    assert_eq!((access.reading().outcome, access.reading().reason), (Outcome::Unknown, "Waiting"));
}

#[tokio::test]
async fn a_token_without_read_api_is_told_which_scope_it_lacks() {
    for scopes in [TokenScope::ReadUser, TokenScope::ReadRepository] {
        let world = member(world(), "ann", Role::Developer, &[scopes]);

        let access = verified(world, &scope(&["acme"], &[]), &["ann"]).await;

        let verdict = access.verdict();
        assert_eq!((verdict.outcome, verdict.reason), (Outcome::Denied, "invalid_permissions"));
        assert!(verdict.message.contains("token 'ann' lacks the scope read_api"), "{}", verdict.message);
        assert_eq!(access.credentials().outcome, Outcome::Ok);
    }
}

#[tokio::test]
async fn nothing_to_see_is_no_resources() {
    let empty =
        member(World::default().with_group("acme", |group| group), "ann", Role::Developer, &[TokenScope::ReadApi]);

    let access = verified(empty, &scope(&["acme"], &[]), &["ann"]).await;
    assert_eq!((access.verdict().outcome, access.verdict().reason), (Outcome::Denied, "no_resources"));

    let stranger = world().with_token(&secret("bob"), |token| token.user("bob"));
    let access = verified(stranger, &scope(&[], &[]), &["bob"]).await;
    assert_eq!((access.verdict().outcome, access.verdict().reason), (Outcome::Denied, "no_resources"));
}

#[tokio::test]
async fn an_empty_group_beside_a_full_one_is_no_trouble() {
    let world = member(world(), "ann", Role::Developer, &[TokenScope::ReadApi])
        .with_group("attic", |group| group.member("ann", Role::Developer));

    let access = verified(world, &scope(&["acme", "attic"], &[]), &["ann"]).await;

    assert_eq!(access.verdict().outcome, Outcome::Ok, "{:#?}", access.matrix);
}

#[tokio::test]
async fn merge_requests_that_are_switched_off_are_no_trouble_of_the_token() {
    let world = member(world(), "ann", Role::Developer, &[TokenScope::ReadApi]);

    let access = verified(world, &scope(&[], &["acme/site"]), &["ann"]).await;

    assert_eq!(access.verdict().outcome, Outcome::Ok);
    let entry = access.matrix.iter().find(|entry| entry.what == What::MergeRequests).unwrap();
    assert!(entry.finding.message.contains("switched off"), "{entry:?}");
    assert_eq!(entry.finding.http_status, Some(403));
}

#[tokio::test]
async fn html_from_a_proxy_is_not_gitlab() {
    let world = member(world(), "ann", Role::Developer, &[TokenScope::ReadApi]);
    let simulator = Simulator::start(world, Options::default()).await.unwrap();
    simulator.faults().add(Fault::at("*", FaultKind::Html { status: 200 }));

    let access = verify(&client(simulator.url(), &["ann"]), &scope(&["acme"], &[]), &readers(&["ann"])).await;

    assert_eq!((access.verdict().outcome, access.verdict().reason), (Outcome::Denied, "NotGitLab"));
}

#[tokio::test]
async fn trouble_that_passes_is_unknown_and_never_denied() {
    for fault in
        [FaultKind::Status { status: 503 }, FaultKind::Hang, FaultKind::CutBody, FaultKind::RetryLater { seconds: 300 }]
    {
        let world = member(world(), "ann", Role::Developer, &[TokenScope::ReadApi]);
        let simulator = Simulator::start(world, Options::default()).await.unwrap();
        simulator.faults().add(Fault::at("GET /groups*", fault.clone()));

        let access =
            verify(&client(simulator.url(), &["ann"]), &scope(&["acme"], &["acme/api"]), &readers(&["ann"])).await;

        let denied = access.matrix.iter().filter(|entry| entry.finding.outcome == Outcome::Denied).count();
        assert_eq!((denied, access.verdict().outcome), (0, Outcome::Unknown), "{fault:?}: {:#?}", access.matrix);
        let expected = if matches!(fault, FaultKind::RetryLater { .. }) { "RateLimited" } else { "GitLabUnreachable" };
        assert_eq!(access.verdict().reason, expected);
    }
}

#[tokio::test]
async fn one_good_token_is_enough_to_read_and_the_others_are_named() {
    let world = member(world(), "ann", Role::Developer, &[TokenScope::ReadApi]);
    let world = member(world, "gus", Role::Guest, &[TokenScope::ReadApi]);

    let access = verified(world, &scope(&["acme"], &[]), &["ann", "gus"]).await;

    assert_eq!(access.verdict().outcome, Outcome::Ok, "{:#?}", access.matrix);
    assert_eq!(access.usable_readers(), ["ann"]);
    assert!(access.warnings[0].contains("'gus' is left out of imports"), "{:?}", access.warnings);
}

#[tokio::test]
async fn two_tokens_of_one_user_are_pointed_out() {
    let world = member(world(), "ann", Role::Developer, &[TokenScope::ReadApi])
        .with_token(&secret("ann-too"), |token| token.user("ann").scopes(&[TokenScope::ReadApi]));

    let access = verified(world, &scope(&["acme"], &[]), &["ann", "ann-too"]).await;

    assert_eq!(access.verdict().outcome, Outcome::Ok);
    assert!(access.warnings[0].contains("'ann' and 'ann-too' belong to the same user (ann)"), "{:?}", access.warnings);
}

#[tokio::test]
async fn expiry_within_thirty_days_is_flagged() {
    let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
    let world = member(world(), "ann", Role::Developer, &[TokenScope::ReadApi])
        .with_token(&secret("soon"), |token| token.user("bob").expires("2026-12-25"))
        .with_token(&secret("later"), |token| token.user("cas").expires("2026-12-26"));

    let access = verified(world, &scope(&["acme"], &[]), &["ann", "soon", "later"]).await;

    let message = access.expiring(now).unwrap().message;
    assert!(message.contains("token 'soon' expires on 2026-12-25"), "{message}");
    assert!(!message.contains("later"), "{message}");
}

#[tokio::test]
async fn an_old_server_is_verified_too() {
    old_server_is_verified("15.0").await;
}

/// From 15.1 to 15.4 `self` is the id of a token that does not exist, which GitLab answers with 401.
#[tokio::test]
async fn a_server_that_takes_self_for_an_id_is_verified_too() {
    old_server_is_verified("15.4").await;
}

async fn old_server_is_verified(version: &str) {
    let world = member(world(), "ann", Role::Developer, &[TokenScope::ReadApi]).with_version(version);

    let access = verified(world, &scope(&["acme"], &[]), &["ann"]).await;

    assert_eq!(access.verdict().outcome, Outcome::Ok, "{:#?}", access.matrix);
    assert_eq!(access.tokens[0].user.as_deref(), Some("ann"));
}

#[tokio::test]
async fn the_curl_of_every_line_asks_the_same_question() {
    let world = member(world(), "ann", Role::Developer, &[TokenScope::ReadApi]);
    let simulator = Simulator::start(world, Options::root("/gitlab")).await.unwrap();

    let access = verify(&client(simulator.url(), &["ann"]), &scope(&["acme"], &[]), &readers(&["ann"])).await;

    let asked = simulator.requests();
    for entry in &access.matrix {
        assert!(entry.curl.contains("$GITLAB_TOKEN") && !entry.curl.contains("glpat"), "{}", entry.curl);
        let url = Url::parse(entry.curl.split('\'').nth(1).unwrap()).unwrap();
        let path = url.path().trim_start_matches("/gitlab/api/v4");
        assert!(asked.iter().any(|asked| asked.path.ends_with(path)), "{path} of {asked:?}");
    }
}

/// Roles × scopes × editions, for a token that reads and manages hooks. `UPDATE=1` rewrites the file.
#[tokio::test]
async fn the_matrix_of_roles_scopes_and_editions_is_as_recorded() {
    let mut matrix = String::new();
    for edition in [Edition::Community, Edition::Unlicensed, Edition::Licensed] {
        for role in [Role::None, Role::Guest, Role::Reporter, Role::Developer, Role::Maintainer, Role::Owner] {
            for token_scope in [TokenScope::ReadApi, TokenScope::Api] {
                let world = member(world().with_edition(edition), "ann", role, &[token_scope]);
                let simulator = Simulator::start(world, Options::default()).await.unwrap();
                let needs = Needs { readers: vec!["ann".into()], hook_managers: vec!["ann".into()] };
                let access = verify(&client(simulator.url(), &["ann"]), &scope(&["acme"], &[]), &needs).await;

                let verdict = access.verdict();
                matrix += &format!("{edition:?} {role:?} {token_scope:?}: {:?} {}\n", verdict.outcome, verdict.reason);
                for entry in &access.matrix {
                    let finding = &entry.finding;
                    let status = finding.http_status.unwrap_or_default();
                    let reason = finding.reason.unwrap_or("-");
                    matrix += &format!("  {:<26} {status} {:?} {reason}\n", entry.what.as_str(), finding.outcome);
                }
            }
        }
    }

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/access-matrix.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &matrix).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(matrix == recorded, "the matrix has changed: run UPDATE=1 cargo test access:: and read the diff\n{matrix}");
}
