//! Bad input gets a sentence that names the subject and the remedy, and a code.

use gitlab_simulator::world::{Role, Scope};
use gitlab_simulator::{Fault, FaultKind, Options, World};
use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::{QUIET, READER, acme, manifest, serve, sync};
use crate::support::binary::Directory;

#[tokio::test]
async fn an_unknown_group_is_named_and_the_rest_is_imported() {
    let gitlab = serve(acme()).await;
    let spec = "  scope: {groups: [acme, ghosts/town]}\n  webhooks: {mode: Disabled}\n";

    let ended = sync(&Directory::new(), &manifest(gitlab.url(), READER, spec), &[]).await;

    ended.says(3, &["ScopeNotFound", "ghosts/town", "gitlab_merge_requests         3"]);
}

#[tokio::test]
async fn a_guest_is_told_project_role_and_token() {
    let world = acme().with_group_token("glpat-guest", "acme", Role::Guest, &[Scope::ReadApi]);
    let gitlab = serve(world).await;

    let ended = sync(&Directory::new(), &manifest(gitlab.url(), "glpat-guest", QUIET), &[]).await;

    ended.says(3, &["invalid_permissions", "acme/", "Guest", "'primary'", "Reporter"]);
}

#[tokio::test]
async fn expired_and_revoked_tokens_are_invalid_credentials() {
    let world = acme()
        .with_token("glpat-expired", |token| token.user("ada").scopes(&[Scope::ReadApi]).expired())
        .with_token("glpat-revoked", |token| token.user("ada").scopes(&[Scope::ReadApi]).revoked());
    let gitlab = serve(world).await;

    for token in ["glpat-expired", "glpat-revoked", "glpat-unheard-of"] {
        let ended = sync(&Directory::new(), &manifest(gitlab.url(), token, QUIET), &[]).await;

        ended.says(3, &["invalid_credentials", "'primary'"]);
        assert!(!ended.text().contains(token), "{}", ended.text());
    }
}

#[tokio::test]
async fn a_token_without_read_api_is_told_the_scope() {
    let world = acme().with_group_token("glpat-small", "acme", Role::Developer, &[Scope::ReadUser]);
    let gitlab = serve(world).await;

    let ended = sync(&Directory::new(), &manifest(gitlab.url(), "glpat-small", QUIET), &[]).await;

    ended.says(3, &["invalid_permissions", "read_api", "'primary'"]);
}

#[tokio::test]
async fn a_scope_with_nothing_in_it_is_no_resources() {
    let world = World::new().with_group("acme", |group| group).with_group_token(
        READER,
        "acme",
        Role::Developer,
        &[Scope::ReadApi],
    );
    let gitlab = serve(world).await;

    let ended = sync(&Directory::new(), &manifest(gitlab.url(), READER, QUIET), &[]).await;

    ended.says(3, &["no_resources", "acme"]);
}

#[tokio::test]
async fn a_missing_secret_and_a_missing_key_are_named() {
    let gitlab = serve(acme()).await;
    let given = manifest(gitlab.url(), READER, QUIET);

    let no_secret = sync(&Directory::new(), &given.replace("{name: tokens, key", "{name: tokns, key"), &[]).await;
    let no_key = sync(&Directory::new(), &given.replace("key: reader}", "key: raeder}"), &[]).await;

    no_secret.says(3, &["SecretNotFound", "tokns", "spec.credentials[primary]"]);
    no_key.says(3, &["SecretKeyMissing", "raeder", "owner, reader"]);
}

#[tokio::test]
async fn a_malformed_manifest_is_told_field_rule_and_remedy() {
    let directory = Directory::new();
    let good = manifest("https://gitlab.example.com/", READER, QUIET);
    for (from, to, words) in [
        (
            "url: https://gitlab.example.com/",
            "url: https://gitlab.example.com/api/v4",
            "spec.url must be the root of the GitLab, not its API",
        ),
        ("scope: {groups: [acme]}", "scope: {}", "spec.scope is empty: name at least one group"),
        ("scope: {groups: [acme]}", "scope: {gruops: [acme]}", "gruops"),
        ("mode: Disabled", "mode: Sometimes", "spec.webhooks.mode"),
        ("webhooks:", "import: {parallelism: 0}\n  webhooks:", "spec.import.parallelism"),
        ("webhooks:", "import: {schedule: hourly}\n  webhooks:", "spec.import.schedule"),
        ("webhooks:", "import: {since: 2025-01-01, lookback: 3d}\n  webhooks:", "keep one of them"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);

        let ended = sync(&directory, &bad, &[]).await;

        ended.says(2, &["connection.yaml:", "GitLabConnection", words]);
    }
}

#[tokio::test]
async fn a_certificate_of_a_foreign_authority_is_a_tls_failure_until_the_authority_is_named() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["127.0.0.1".into(), "localhost".into()]).unwrap();
    let options = Options::tls(&cert.pem(), &signing_key.serialize_pem());
    let gitlab = gitlab_simulator::Simulator::start(acme(), options).await.unwrap();
    let bundle = cert.pem().replace('\n', "\n    ");
    let given = manifest(gitlab.url(), READER, QUIET);
    let trusting = format!(
        "{}  tls: {{caBundle: {{configMapRef: {{name: ca, key: ca.crt}}}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: ca, namespace: metrics}}
data:
  ca.crt: |
    {bundle}
",
        given
    );

    let distrusted = sync(&Directory::new(), &given, &[]).await;
    let trusted = sync(&Directory::new(), &trusting, &[]).await;

    distrusted.says(1, &["TLSFailure", "tls.caBundle"]);
    trusted.says(0, &["Ready"]);
}

#[tokio::test]
async fn a_login_page_in_front_is_not_gitlab() {
    let gitlab = serve(acme()).await;
    gitlab.faults().add(Fault::at("*", FaultKind::Html { status: 200 }));

    let ended = sync(&Directory::new(), &manifest(gitlab.url(), READER, QUIET), &[]).await;

    ended.says(1, &["NotGitLab"]);
}

#[tokio::test]
async fn nobody_at_the_address_is_unreachable() {
    let ended = sync(&Directory::new(), &manifest("http://127.0.0.1:9/", READER, QUIET), &[]).await;

    ended.says(1, &["GitLabUnreachable"]);
}

#[tokio::test]
async fn a_file_that_is_not_there_and_one_that_is_no_yaml_are_named() {
    let directory = Directory::new();
    directory.write("broken.yaml", "spec: [never closed");

    let missing = crate::support::binary::run(&directory, &["sync", "-f", "absent.yaml"]).await;
    let broken = crate::support::binary::run(&directory, &["sync", "-f", "broken.yaml"]).await;

    missing.says(2, &["absent.yaml"]);
    broken.says(2, &["broken.yaml:1", "YAML"]);
}
