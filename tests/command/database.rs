//! A database that refuses, is full, is read-only, or goes away in the middle.

use std::net::SocketAddr;
use std::time::Duration;

use gitlab_simulator::{Fault, FaultKind};
use secrecy::ExposeSecret;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{QUIET, READER, acme, manifest, serve, sync};
use crate::support::acme::reader_of;
use crate::support::binary::{self, Directory, Ended};
use crate::support::postgres;

#[tokio::test]
async fn a_wrong_password_is_said_and_not_printed() {
    let gitlab = serve(acme()).await;
    let url = postgres::url_with_wrong_password().await;

    let ended =
        sync(&Directory::new(), &manifest(gitlab.url(), READER, QUIET), &["--database", url.expose_secret()]).await;

    ended.says(1, &["StoreUnavailable", "refuses access"]);
    assert!(!ended.text().contains(postgres::PASSWORD), "{}", ended.text());
}

/// Rows in a file that nobody asked for would be missed elsewhere.
#[tokio::test]
async fn a_store_whose_secret_is_not_there_is_named_and_no_other_database_is_filled() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    let given =
        manifest(gitlab.url(), READER, &format!("{QUIET}  store: {{secretRef: {{name: nowhere, key: url}}}}\n"));

    let ended = sync(&directory, &given, &[]).await;

    ended.says(3, &["spec.store", "Secret 'nowhere'"]);
    assert!(!directory.path().join("gitlab-connector.db").exists());
}

#[tokio::test]
async fn a_database_url_of_another_kind_is_told_what_may_be_there() {
    let ended = binary::run(&Directory::new(), &["migrate", "--database", "mysql://root@localhost/x"]).await;

    ended.says(1, &["postgres://", "sqlite:"]);
}

/// Managed databases hand out URLs with parameters of other drivers, and some of their values are secrets.
#[tokio::test]
async fn parameters_of_other_drivers_are_named_and_their_values_are_not_printed() {
    let url = postgres::database().await;
    let mut url = Url::parse(url.expose_secret()).unwrap();
    url.query_pairs_mut().extend_pairs([("channel_binding", "prefer"), ("sslpassword", "hunter2-in-the-url")]);

    let ended = binary::run(&Directory::new(), &["migrate", "--database", url.as_str()]).await;

    ended.says(0, &["channel_binding", "sslpassword"]);
    assert!(!ended.text().contains("hunter2-in-the-url"), "{}", ended.text());
}

#[tokio::test]
async fn the_authority_of_a_database_is_named_in_the_manifest() {
    let gitlab = serve(acme()).await;
    let url = postgres::by_network(&postgres::database().await);
    let indented = postgres::authority().replace('\n', "\n    ");
    let store = "  store:
    secretRef: {name: database, key: url}
    caBundle: {configMapRef: {name: authority, key: pem}}
";
    let objects = format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: database, namespace: metrics}}\nstringData: {{url: '{}'}}\n\
         ---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: authority, namespace: metrics}}\ndata:\n  pem: |\n    {indented}\n",
        url.expose_secret()
    );
    let given = format!("{}{objects}", manifest(gitlab.url(), READER, &format!("{QUIET}{store}")));

    let trusted = sync(&Directory::new(), &given, &[]).await;
    let unnamed = sync(&Directory::new(), &given.replace("key: pem", "key: other"), &[]).await;

    trusted.says(0, &["gitlab_merge_requests         3"]);
    unnamed.says(3, &["spec.store.caBundle.configMapRef", "other"]);
}

#[tokio::test]
async fn a_disk_that_is_full_is_said_and_what_was_stored_stays() {
    let gitlab = serve(gitlab_simulator::World::generate(
        1,
        gitlab_simulator::Size { projects: 3, merge_requests: 200, ..gitlab_simulator::Size::default() },
    ))
    .await;
    gitlab.world(|world| reader_of(world, "acme"));

    let ended = on_a_disk("size=700k", "", &manifest(gitlab.url(), READER, QUIET)).await;

    ended.says(1, &["StoreUnavailable", "no room left"]);
}

#[tokio::test]
async fn a_disk_that_is_read_only_is_said() {
    let gitlab = serve(acme()).await;
    let prepare = "\"$BINARY\" migrate --database sqlite:disk/rows.db >/dev/null && mount -o remount,ro disk &&";

    let ended = on_a_disk("size=4m", prepare, &manifest(gitlab.url(), READER, QUIET)).await;

    ended.says(1, &["StoreUnavailable", "read-only"]);
}

/// Runs `sync` in a mount namespace of its own, with a small disk for the database that goes with it.
async fn on_a_disk(options: &str, prepare: &str, manifest: &str) -> Ended {
    let directory = Directory::new();
    directory.write("connection.yaml", manifest);
    std::fs::create_dir(directory.path().join("disk")).unwrap();
    let script = format!(
        "mount -t tmpfs -o {options} none disk && {prepare} \
         exec \"$BINARY\" sync -f connection.yaml --database sqlite:disk/rows.db --patience 1s"
    );
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", &script])
        .env("BINARY", env!("CARGO_BIN_EXE_gitlab-connector"))
        .current_dir(directory.path())
        .output()
        .await
        .unwrap();
    output.into()
}

#[tokio::test]
async fn a_database_that_goes_away_ends_the_run_after_its_patience_and_the_next_goes_on() {
    let gitlab = serve(acme()).await;
    let proxy = Proxy::start().await;
    let directory = Directory::new();
    let given = manifest(gitlab.url(), READER, QUIET);
    // The first page of merge requests waits until the database is gone.
    gitlab.faults().add(Fault::at("POST /graphql*", FaultKind::Latency { millis: 500 }).after(1));
    directory.write("connection.yaml", &given);

    let running =
        binary::start(&directory, &["sync", "-f", "connection.yaml", "--database", &proxy.url, "--patience", "1s"]);
    while gitlab.requests().iter().filter(|request| request.path.ends_with("/graphql")).count() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    proxy.cut();
    let cut: Ended = running.wait_with_output().await.unwrap().into();
    let proxy = proxy.again().await;
    let whole = sync(&directory, &given, &["--database", &proxy.url]).await;

    cut.says(1, &["StoreUnavailable", "cannot be reached"]);
    whole.says(0, &["gitlab_merge_requests         3"]);
}

/// A way to a PostgreSQL database that can be cut.
struct Proxy {
    url: String,
    server: SocketAddr,
    database: String,
    cut: CancellationToken,
}

impl Proxy {
    async fn start() -> Proxy {
        let url = Url::parse(postgres::by_network(&postgres::database().await).expose_secret()).unwrap();
        let server = SocketAddr::new(url.host_str().unwrap().parse().unwrap(), url.port().unwrap());
        Proxy::to(server, url.path().to_owned()).await
    }

    async fn to(server: SocketAddr, database: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://postgres@{}{database}?sslmode=disable", listener.local_addr().unwrap());
        let cut = CancellationToken::new();
        let until = cut.clone();
        tokio::spawn(async move {
            while let Some(Ok((mut client, _))) = until.run_until_cancelled(listener.accept()).await {
                let until = until.clone();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    let _ = until.run_until_cancelled(tokio::io::copy_bidirectional(&mut client, &mut server)).await;
                });
            }
        });
        Proxy { url, server, database, cut }
    }

    fn cut(&self) {
        self.cut.cancel();
    }

    async fn again(self) -> Proxy {
        Proxy::to(self.server, self.database).await
    }
}
