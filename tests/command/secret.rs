//! Where the webhooks' secret is kept: in a file of its owner's, and in nothing that analysts read.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use gitlab_simulator::Simulator;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::Connection as _;

use super::{READER, acme, manifest, serve, sync};
use crate::support::binary::Directory;
use crate::support::{postgres, rows};

const HOOKED: &str = "  scope: {groups: [acme]}
  webhooks:
    url: http://127.0.0.1:1/webhooks/gitlab
    credentialRef: {name: tokens, key: owner}
";

/// What GitLab sends along with each delivery.
fn sent(gitlab: &Simulator) -> String {
    gitlab.read(|world| world.hooks().next().unwrap().token.clone().unwrap())
}

fn database(directory: &Directory) -> SecretString {
    format!("sqlite:{}", directory.path().join("gitlab-connector.db").display()).into()
}

/// The only file below a directory, which nobody else may read.
fn kept_in(directory: &Path) -> PathBuf {
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!((mode(directory), mode(file)), (0o700, 0o600));
    file.clone()
}

/// The database with what lies beside it, byte by byte.
fn holds(directory: &Directory, secret: &str) -> bool {
    let file = directory.path().join("gitlab-connector.db").display().to_string();
    let parts = ["", "-wal"].map(|suffix| std::fs::read(format!("{file}{suffix}")).unwrap_or_default());
    parts.iter().any(|bytes| bytes.windows(secret.len()).any(|window| window == secret.as_bytes()))
}

async fn execute(url: &SecretString, sql: &str) {
    let mut connection = sqlx::SqliteConnection::connect(url.expose_secret()).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn the_secret_of_webhooks_is_in_a_file_of_its_owner_and_not_in_sqlite() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();

    sync(&directory, &manifest(gitlab.url(), READER, HOOKED), &[]).await.says(0, &["WebhooksReady     True"]);

    let secret = sent(&gitlab);
    let file = kept_in(&directory.path().join("gitlab-connector.db-secrets"));
    assert_eq!(std::fs::read_to_string(file).unwrap().trim(), secret);
    assert!(!holds(&directory, &secret));
}

#[tokio::test]
async fn the_secret_of_webhooks_is_in_the_users_state_and_not_in_postgresql() {
    let gitlab = serve(acme()).await;
    let (directory, url) = (Directory::new(), postgres::database().await);
    let given = manifest(gitlab.url(), READER, HOOKED);

    for _ in 0..2 {
        sync(&directory, &given, &["--database", url.expose_secret()]).await.says(0, &["WebhooksReady     True"]);
    }

    let secret = sent(&gitlab);
    let file = kept_in(&directory.path().join("state/gitlab-connector/secrets"));
    assert_eq!(std::fs::read_to_string(file).unwrap().trim(), secret);
    let found = format!("select cast(count(*) as text) from connector_state s where s::text like '%{secret}%'");
    assert_eq!(rows::query(&url, &found).await, [["0"]]);
}

#[tokio::test]
async fn a_secret_that_was_in_the_database_moves_out_and_webhooks_stay_as_they_are() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    let given = manifest(gitlab.url(), READER, HOOKED);
    sync(&directory, &given, &[]).await.says(0, &[]);
    let secret = sent(&gitlab);
    std::fs::remove_dir_all(directory.path().join("gitlab-connector.db-secrets")).unwrap();
    let before = format!(
        "insert into connector_state select distinct source, 'webhook-secret', '{secret}' from connector_state;
         create table gone (text text);
         insert into gone select value from connector_state where key = 'webhook-secret';
         drop table gone;"
    );
    execute(&database(&directory), &before).await;
    assert!(holds(&directory, &secret));
    let asked = gitlab.requests().len();

    sync(&directory, &given, &[]).await.says(0, &["WebhooksReady     True"]);

    let file = kept_in(&directory.path().join("gitlab-connector.db-secrets"));
    assert_eq!((std::fs::read_to_string(file).unwrap().trim(), sent(&gitlab)), (secret.as_str(), secret.clone()));
    assert!(gitlab.requests()[asked..].iter().all(|one| !["PUT", "DELETE"].contains(&one.method.as_str())));
    assert!(!holds(&directory, &secret), "the database still holds it");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_stops_webhooks_alone_and_is_named() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    directory.write("gitlab-connector.db-secrets", "in the way");

    let ended = sync(&directory, &manifest(gitlab.url(), READER, HOOKED), &[]).await;

    ended.says(
        3,
        &["HookSecretRefused", "gitlab-connector.db-secrets/", "spec.webhooks.secretRef", "ImportSucceeded   True"],
    );
    assert_eq!(gitlab.read(|world| world.hooks().count()), 0);
}

#[tokio::test]
async fn no_file_is_made_where_the_manifest_names_a_secret_or_wants_no_webhooks() {
    let gitlab = serve(acme()).await;
    for rest in [super::QUIET.to_owned(), format!("{HOOKED}    secretRef: {{name: tokens, key: reader}}\n")] {
        let directory = Directory::new();

        sync(&directory, &manifest(gitlab.url(), READER, &rest), &[]).await.says(0, &[]);

        assert!(!directory.path().join("gitlab-connector.db-secrets").exists(), "{rest}");
    }
}
