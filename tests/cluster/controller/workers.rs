//! Workers are pods: they may die in the middle, and their database may go away.

use std::net::SocketAddr;
use std::time::Duration;

use gitlab_connector::api::GitLabConnection;
use gitlab_simulator::{Fault, FaultKind, Size, World};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use secrecy::ExposeSecret;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

use super::scene::{NO_HOOKS, Scene};
use crate::harness::until;
use crate::support::acme::{READER, reader_of};
use crate::support::{binary, binary::Directory, postgres, rows};

#[tokio::test]
async fn workers_killed_in_the_middle_of_an_import_leave_the_same_rows() {
    let scene = Scene::of(company(), &[]).await;
    let undisturbed = postgres::database().await;
    let files = Directory::new();
    let secret = format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: tokens}}, stringData: {{reader: {READER}}}}}\n---\n{}",
        scene.manifest("acme", NO_HOOKS).replace("  store: {secretRef: {name: database, key: url}}\n", "")
    );
    files.write("acme.yaml", &secret);
    binary::run(&files, &["sync", "-f", "acme.yaml", "--database", undisturbed.expose_secret()]).await.says(0, &[]);
    let pages = || scene.gitlab.requests().iter().filter(|one| one.path.ends_with("/graphql")).count();
    let before = pages();
    scene.gitlab.faults().add(Fault::at("POST /graphql*", FaultKind::Hang).after(4));

    scene.apply(&format!("{NO_HOOKS}\n  import: {{parallelism: 2}}")).await;
    let hangs = async || if pages() >= before + 4 { Ok(()) } else { Err(format!("{} pages", pages() - before)) };
    until("the workers are in the middle", Duration::from_secs(60), hangs).await;
    let kubelet = scene.namespace.cluster.kubelet.as_ref().expect("this test kills pods");
    for pod in scene.namespace.api::<Pod>().list(&ListParams::default()).await.unwrap() {
        kubelet.kill(&scene.namespace.name, &pod.metadata.name.unwrap()).await;
    }
    scene.gitlab.faults().clear();

    let ready = scene.until(("Ready", "True", "Succeeded")).await;
    assert_eq!(rows::dump(&scene.database).await, rows::dump(&undisturbed).await);
    let import = ready.status.unwrap().import.unwrap();
    assert_eq!(import.last_run.unwrap().merge_requests, 240);
}

#[tokio::test]
async fn an_import_waits_for_a_database_that_is_away_and_nothing_flaps() {
    let scene = Scene::new().await;
    let way = Way::to(&scene.database).await;
    scene.namespace.secret("database", &[("url", &way.url)]).await;
    scene.apply(NO_HOOKS).await;
    let first = key(&scene.until(("Ready", "True", "Succeeded")).await);

    way.open.send_replace(false);
    scene.annotate("gitlab-connector.dev/import-requested-at=now").await;
    let turned_away = async || match way.turned_away.borrow().to_owned() {
        0 => Err("nobody asked for the database".to_owned()),
        _ => Ok(()),
    };
    until("a worker finds the database away", Duration::from_secs(60), turned_away).await;
    let away = scene.look().await;
    way.open.send_replace(true);

    let ready = away.status.as_ref().unwrap().conditions.iter().find(|one| one.type_ == "Ready").unwrap();
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("True", "Succeeded"), "{away:#?}");
    let again = scene.until_it("imported again", |connection| key(connection) != first && !runs(connection)).await;
    let status = again.status.unwrap();
    let since = |status: &gitlab_connector::api::GitLabConnectionStatus| {
        status.conditions.iter().map(|one| (one.type_.clone(), one.last_transition_time.clone())).collect::<Vec<_>>()
    };
    assert_eq!(since(&status), since(&away.status.unwrap()));
    assert_eq!(status.import.unwrap().failed_runs, 0);
}

/// Two projects with 240 merge requests, and a token that reads them.
fn company() -> World {
    let size = Size { projects: 2, merge_requests: 120, notes: 3, commits: 2, ..Size::default() };
    let mut world = World::generate(5, size);
    reader_of(&mut world, "acme");
    world
}

fn import(connection: &GitLabConnection) -> Option<&gitlab_connector::api::ImportStatus> {
    connection.status.as_ref()?.import.as_ref()
}

/// Key of the last import that succeeded.
fn key(connection: &GitLabConnection) -> Option<String> {
    import(connection)?.last_success.as_ref().map(|run| run.key.clone())
}

fn runs(connection: &GitLabConnection) -> bool {
    import(connection).is_some_and(|import| import.running.is_some())
}

/// A way to a PostgreSQL that can be closed and opened again.
struct Way {
    url: String,
    open: watch::Sender<bool>,
    turned_away: watch::Receiver<usize>,
}

impl Way {
    async fn to(database: &secrecy::SecretString) -> Way {
        let mut url = Url::parse(postgres::by_network(database).expose_secret()).unwrap();
        let server: SocketAddr = format!("127.0.0.1:{}", url.port().unwrap()).parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let (open, state) = watch::channel(true);
        let (count, turned_away) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if !*state.borrow() {
                    count.send_modify(|count| *count += 1);
                    continue;
                }
                let mut closed = state.clone();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = closed.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Way { url: url.to_string(), open, turned_away }
    }
}
