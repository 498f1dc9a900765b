//! `sync`: the whole pipeline by one command.

use std::collections::BTreeSet;
use std::time::Duration;

use gitlab_simulator::world::{Hook, Scope, UserKind};
use gitlab_simulator::{Fault, FaultKind, Size, World};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::{OWNER, QUIET, READER, acme, manifest, serve, sync};
use crate::support::{
    acme::reader_of,
    binary::{self, Directory, Ended},
    ports::free_address,
    postgres,
};

const HOOKED: &str = "  scope: {groups: [acme]}
  webhooks:
    url: http://127.0.0.1:1/webhooks/gitlab
    credentialRef: {name: tokens, key: owner}
";

#[tokio::test]
async fn sync_verifies_ensures_hooks_imports_and_prints_the_conditions() {
    let gitlab = serve(acme()).await;

    let ended = sync(&Directory::new(), &manifest(gitlab.url(), READER, HOOKED), &[]).await;

    ended.says(
        0,
        &[
            "ACCESS",
            "read merge requests",
            "2 projects, 3 merge requests",
            "WebhooksReady     True",
            "ImportSucceeded   True",
            "Ready             True",
            "gitlab_merge_requests         3",
        ],
    );
    assert_eq!(gitlab.read(|world| world.hooks().count()), 1);
}

#[tokio::test]
async fn syncing_twice_makes_one_hook_and_the_same_rows() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    let given = manifest(gitlab.url(), READER, HOOKED);

    let first = sync(&directory, &given, &["-o", "json"]).await;
    let second = sync(&directory, &given, &["-o", "json"]).await;

    let rows = |ended: &Ended| serde_json::from_str::<Value>(&ended.stdout).unwrap()["rows"].clone();
    assert_eq!(rows(&first), rows(&second));
    assert_eq!(gitlab.read(|world| world.hooks().count()), 1);
}

#[tokio::test]
async fn remove_webhooks_takes_them_away_and_leaves_those_of_others() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    let given = manifest(gitlab.url(), READER, HOOKED);
    sync(&directory, &given, &[]).await.says(0, &[]);
    gitlab.world(|world| {
        let ours = world.hooks().next().unwrap().clone();
        let theirs = Hook { id: ours.id + 1, url: "https://elsewhere.example.com/".into(), description: None, ..ours };
        world.insert_hook(theirs);
    });

    let removed = sync(&directory, &given, &["--remove-webhooks"]).await;

    removed.says(0, &["1 webhook"]);
    let left: Vec<String> = gitlab.read(|world| world.hooks().map(|hook| hook.url.clone()).collect());
    assert_eq!(left, ["https://elsewhere.example.com/"]);
}

#[tokio::test]
async fn a_spec_that_asks_for_texts_later_has_everything_read_again() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    let given = manifest(gitlab.url(), READER, QUIET);
    let texts = "select count(*) from gitlab_notes where body is not null";
    sync(&directory, &given, &[]).await.says(0, &[]);
    crate::support::rows::until(&sqlite(&directory, "gitlab-connector.db"), texts, 0).await;

    sync(&directory, &format!("{given}  import: {{text: true}}\n"), &[]).await.says(0, &[]);

    let comments = "select (select count(*) from gitlab_notes where not system and body is null)";
    crate::support::rows::until(&sqlite(&directory, "gitlab-connector.db"), comments, 0).await;
    crate::support::rows::until(&sqlite(&directory, "gitlab-connector.db"), &format!("{texts} and not system"), 2)
        .await;
}

#[tokio::test]
async fn without_a_token_that_may_the_commands_are_shown_and_the_import_goes_on() {
    let gitlab = serve(acme()).await;
    let given = manifest(gitlab.url(), READER, &HOOKED.replace("key: owner", "key: reader"));

    let ended = sync(&Directory::new(), &given, &[]).await;

    ended.says(
        3,
        &[
            "ManualActionRequired",
            "$GITLAB_TOKEN",
            "$WEBHOOK_SECRET",
            "spec.webhooks.secretRef",
            "ImportSucceeded   True",
        ],
    );
}

#[tokio::test]
async fn webhooks_that_are_switched_off_go() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    let given = manifest(gitlab.url(), READER, HOOKED);
    sync(&directory, &given, &[]).await.says(0, &[]);
    assert_eq!(gitlab.read(|world| world.hooks().count()), 1);

    let off = given.replace("  webhooks:\n", "  webhooks:\n    mode: Disabled\n");
    sync(&directory, &off, &[]).await.says(0, &["switched off"]);

    assert_eq!(gitlab.read(|world| world.hooks().count()), 0);
}

#[tokio::test]
async fn a_suspended_connection_is_left_as_it_is() {
    let gitlab = serve(acme()).await;

    let all =
        sync(&Directory::new(), &manifest(gitlab.url(), READER, &format!("{HOOKED}  suspend: true\n")), &[]).await;
    all.says(0, &["Ready             Unknown  Suspended"]);
    assert_eq!(gitlab.requests().len(), 0);

    let import = sync(
        &Directory::new(),
        &manifest(gitlab.url(), READER, &format!("{HOOKED}  import: {{suspend: true}}\n")),
        &[],
    )
    .await;
    import.says(
        0,
        &["WebhooksReady     True", "ImportSucceeded   True     Suspended", "Ready             True     Succeeded"],
    );
}

#[tokio::test]
async fn the_final_status_in_json_is_that_of_the_resource() {
    let gitlab = serve(acme()).await;

    let ended = sync(&Directory::new(), &manifest(gitlab.url(), READER, HOOKED), &["-o", "json"]).await;

    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    let types: Vec<&str> =
        value["status"]["conditions"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        ["CredentialsValid", "AccessVerified", "WebhooksReady", "DeliveriesSeen", "ImportSucceeded", "Ready"]
    );
    assert_eq!(value["status"]["webhooks"]["summary"], "1/1 Group");
    assert_eq!(value["rows"]["gitlab_merge_requests"], 3);
}

#[tokio::test]
async fn a_manifest_is_read_from_standard_input_and_from_several_files() {
    let gitlab = serve(acme()).await;
    let directory = Directory::new();
    let given = manifest(gitlab.url(), READER, QUIET);
    let (secret, connection) = given.split_once("---\n").unwrap();
    directory.write("secret.yaml", secret);
    directory.write("acme.yaml", connection);

    let ended = binary::run(&directory, &["sync", "-f", "secret.yaml", "-f", "acme.yaml"]).await;

    ended.says(0, &["Ready             True"]);
}

#[tokio::test]
async fn killed_at_any_request_and_started_again_equals_not_killed() {
    let world = || {
        let size = Size { projects: 2, merge_requests: 120, notes: 3, commits: 2, ..Size::default() };
        let mut world = World::generate(5, size);
        reader_of(&mut world, "acme");
        world
    };
    for database in [None, Some(())] {
        let gitlab = serve(world()).await;
        let given = manifest(gitlab.url(), READER, QUIET);
        let undisturbed = Place::new(database).await;
        undisturbed.sync(&given).await.says(0, &[]);
        let expected = undisturbed.rows().await;
        // The questions before the import are no pages; what they find is not stored.
        let log = gitlab.requests();
        let first = log.iter().position(|request| request.path.ends_with("/graphql")).unwrap() + 1;

        for kill_at in first..=log.len() {
            let gitlab = serve(world()).await;
            let given = manifest(gitlab.url(), READER, QUIET);
            let place = Place::new(database).await;
            gitlab.faults().add(Fault::at("*", FaultKind::Hang).after(kill_at - 1));
            place.directory.write("connection.yaml", &given);
            let mut killed = binary::start(&place.directory, &place.arguments());
            while gitlab.requests().len() < kill_at - 1 && killed.try_wait().unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            killed.kill().await.unwrap();
            gitlab.faults().clear();

            place.sync(&given).await.says(0, &["Ready             True"]);

            assert_eq!(place.rows().await, expected, "killed at request {kill_at} of {}", log.len());
        }
    }
}

/// A directory and a database of its own.
struct Place {
    directory: Directory,
    url: String,
}

impl Place {
    async fn new(postgres: Option<()>) -> Place {
        let url = match postgres {
            Some(()) => secrecy::ExposeSecret::expose_secret(&postgres::database().await).to_owned(),
            None => "sqlite:rows.db".to_owned(),
        };
        Place { directory: Directory::new(), url }
    }

    fn arguments(&self) -> Vec<&str> {
        vec!["sync", "-f", "connection.yaml", "--database", &self.url]
    }

    async fn sync(&self, given: &str) -> Ended {
        sync(&self.directory, given, &["--database", &self.url]).await
    }

    /// The rows that analysts see, in the order of their keys.
    async fn rows(&self) -> BTreeSet<String> {
        let url = match self.url.strip_prefix("sqlite:") {
            Some(file) => format!("sqlite:{}", self.directory.path().join(file).display()),
            None => self.url.clone(),
        };
        crate::support::rows::dump(&url.into()).await
    }
}

#[tokio::test]
async fn ctrl_c_ends_while_a_database_does_not_answer() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://somebody@{}/rows", silent.local_addr().unwrap());
    let directory = Directory::new();
    directory.write("connection.yaml", &manifest("http://127.0.0.1:1/", READER, QUIET));
    let running = binary::start(&directory, &["sync", "-f", "connection.yaml", "--database", &url]);
    let _asked = silent.accept().await.unwrap();

    signal(&running, "INT");

    let ended = tokio::time::timeout(Duration::from_secs(5), running.wait_with_output()).await.unwrap();
    Ended::from(ended.unwrap()).says(130, &["stopped"]);
}

#[tokio::test]
async fn ctrl_c_ends_within_a_second_and_the_next_run_goes_on() {
    let mut world = World::generate(3, Size { projects: 4, merge_requests: 150, ..Size::default() });
    reader_of(&mut world, "acme");
    let gitlab = serve(world).await;
    let directory = Directory::new();
    let given = manifest(gitlab.url(), READER, QUIET);
    directory.write("connection.yaml", &given);
    gitlab.faults().add(Fault::at("POST /graphql*", FaultKind::Hang).after(4));
    let running = binary::start(&directory, &["sync", "-f", "connection.yaml"]);
    while gitlab.requests().iter().filter(|request| request.path.ends_with("/graphql")).count() < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    signal(&running, "INT");
    let ended: Ended =
        tokio::time::timeout(Duration::from_secs(5), running.wait_with_output()).await.unwrap().unwrap().into();
    gitlab.faults().clear();
    let next = sync(&directory, &given, &[]).await;

    ended.says(130, &["stopped", "goes on from there"]);
    next.says(0, &["gitlab_merge_requests         600"]);
}

fn signal(child: &tokio::process::Child, name: &str) {
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

#[tokio::test]
async fn while_watching_a_change_in_gitlab_arrives_by_webhook_and_metrics_tell() {
    let gitlab = serve(acme()).await;
    let metrics = free_address();
    let watching = Watching::start(&gitlab, &["--metrics-listen", &metrics]).await;

    let project = gitlab.read(|world| world.project_by_path("acme/api").unwrap().id);
    gitlab.world(|world| {
        let one = world.merge_requests_of(project).next().unwrap().id;
        world.merge(one, "grace").unwrap();
    });
    gitlab.settled().await;

    let merged = "select count(*) from gitlab_merge_requests where state = 'merged' and merge_user_id is not null";
    crate::support::rows::until(&watching.database(), merged, 2).await;
    let page = get(&metrics, "/metrics").await;
    for name in ["gitlab_connector_api_requests_total", "gitlab_connector_deliveries_total"] {
        assert!(page.contains(name), "{page}");
    }
    watching.stop().await;
}

#[tokio::test]
async fn while_watching_nothing_is_read_again_with_a_token_that_may_not_read_it() {
    let gitlab = serve(acme()).await;
    gitlab.world(|world| {
        let outsider = world.create_user("outsider", UserKind::Human);
        world.create_token("glpat-outsider", outsider, &[Scope::ReadApi]);
    });
    let tokens = format!("{READER}, outsider: glpat-outsider");
    let spec = format!("    - name: outsider\n      secretRef: {{name: tokens, key: outsider}}\n{HOOKED}");
    let watching = Watching::start_as(&gitlab, (&tokens, &spec), &[]).await;
    gitlab.forget_requests();

    let project = gitlab.read(|world| world.project_by_path("acme/api").unwrap().id);
    for comments in 1..=3 {
        gitlab.world(|world| {
            let one = world.merge_requests_of(project).next().unwrap().id;
            world.comment(one, "grace", "once more").unwrap();
        });
        gitlab.settled().await;
        let stored = format!(
            "select case when exists (select 1 from connector_refreshes) then 0 else min(count(*), {comments}) end
             from connector_deliveries"
        );
        crate::support::rows::until(&watching.database(), &stored, comments).await;
    }

    let readers: BTreeSet<_> = gitlab.requests().into_iter().filter_map(|request| request.user).collect();
    assert!(!readers.is_empty() && !readers.contains("outsider"), "{readers:?}");
    watching.stop().await;
}

#[tokio::test]
async fn a_body_of_25_mb_made_to_fill_the_memory_costs_little_more_than_itself() {
    let gitlab = serve(acme()).await;
    let watching = Watching::start(&gitlab, &[]).await;
    let hook = gitlab.read(|world| world.hooks().next().unwrap().clone());
    let before = watching.peak_memory();

    for filler in [r#"{"a":0},"#, "[0],", "0,", r#""x","#] {
        let project = gitlab.read(|world| world.project_by_path("acme/api").unwrap().id);
        let head = format!(r#"{{"object_kind":"merge_request","project":{{"id":{project}}},"assignees":["#);
        let body = head + &filler.repeat(8 * 1024 * 1024 / filler.len()) + r#"{}],"changes":["#;
        let body = body + &filler.repeat(16 * 1024 * 1024 / filler.len()) + "0]}";
        let request = reqwest::Client::new().post(&hook.url).header("x-gitlab-token", hook.token.clone().unwrap());
        let answer = request.header("x-gitlab-event", "Merge Request Hook").body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{filler}: {}", answer.status());
    }

    let grown = watching.peak_memory() - before;
    assert!(grown < 64 * 1024, "{grown} KiB more than {before}");
    watching.stop().await;
}

#[tokio::test]
async fn a_webhook_followed_by_an_import_equals_the_import_alone() {
    let gitlab = serve(acme()).await;
    let watching = Watching::start(&gitlab, &[]).await;

    let (web, api) =
        gitlab.read(|world| ["acme/web", "acme/api"].map(|path| world.project_by_path(path).unwrap().id)).into();
    gitlab.world(|world| {
        let ids: Vec<i64> =
            world.merge_requests_of(web).chain(world.merge_requests_of(api)).map(|one| one.id).collect();
        world.comment(ids[1], "grace", "once more").unwrap();
        world.approve(ids[1], "ada").unwrap();
        world.merge(ids[1], "ada").unwrap();
        world.retitle(ids[2], "ada", "Speak up").unwrap();
        world.close(ids[2], "grace").unwrap();
        world.open_merge_request(api, "grace", "Listen").unwrap();
    });
    gitlab.settled().await;
    crate::support::rows::until(&watching.database(), "select min(count(*), 6) from connector_deliveries", 6).await;
    let directory = watching.stop().await;
    let given = manifest(gitlab.url(), READER, QUIET);
    sync(&directory, &given, &[]).await.says(0, &[]);
    let alone = Directory::new();
    sync(&alone, &given, &[]).await.says(0, &[]);

    let rows = |directory: &Directory| sqlite(directory, "gitlab-connector.db");
    let (both, alone) = (rows(&directory), rows(&alone));
    assert_eq!(crate::support::rows::dump(&both).await, crate::support::rows::dump(&alone).await);
}

/// `sync --watch` that has come so far as to watch.
struct Watching {
    process: tokio::process::Child,
    directory: Directory,
}

impl Watching {
    async fn start(gitlab: &gitlab_simulator::Simulator, more: &[&str]) -> Watching {
        Watching::start_as(gitlab, (READER, HOOKED), more).await
    }

    async fn start_as(gitlab: &gitlab_simulator::Simulator, (tokens, spec): (&str, &str), more: &[&str]) -> Watching {
        let directory = Directory::new();
        let listen = free_address();
        let spec = spec.replace("127.0.0.1:1", &listen);
        directory.write("connection.yaml", &manifest(gitlab.url(), tokens, &spec));
        let arguments = ["sync", "-f", "connection.yaml", "--watch", "--listen", &listen];
        let mut process = binary::start(&directory, &[&arguments, more].concat());
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("watching") {
                return Watching { process, directory };
            }
        }
        panic!("it ended before it watched");
    }

    fn database(&self) -> secrecy::SecretString {
        sqlite(&self.directory, "gitlab-connector.db")
    }

    /// The most that it ever had in memory, in KiB.
    fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id().unwrap())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Ends it as a service manager would.
    async fn stop(self) -> Directory {
        signal(&self.process, "TERM");
        let output = self.process.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains(READER) && !text.contains(OWNER));
        self.directory
    }
}

fn sqlite(directory: &Directory, file: &str) -> secrecy::SecretString {
    format!("sqlite:{}", directory.path().join(file).display()).into()
}

async fn get(address: &str, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}
