//! How long an import and a whole `sync` take, what they use, and how many requests they make, beside a bare client that
//! stores nothing.
//!
//! `cargo bench --bench import` measures the promise: 10 projects × 500 merge requests × 5 notes × 3 commits, 50 ms a request.
//! `cargo bench --bench import -- --times 10` makes every project ten times as large. Each run is a process of its own.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a program that prints figures and may stop at the first surprise"
)]

mod bare;
mod measure;
#[path = "../../tests/support/ports.rs"]
#[allow(dead_code, reason = "tests need more of it")]
mod ports;
#[path = "../../tests/support/postgres.rs"]
#[allow(dead_code, reason = "tests need more of it")]
mod postgres;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use gitlab_simulator::{
    Options, Simulator, World,
    world::{Role, Scope, Size},
};
use measure::Usage;
use secrecy::ExposeSecret;

const TOKEN: &str = "glpat-benchmark";
const LATENCY: Duration = Duration::from_millis(50);
const ROUNDS: usize = 5;
/// What belongs to merge requests: the bare client asks for nothing else either.
const RESOURCES: &str = "mergeRequests,reviews,commits,labels,members,users";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["bare", url] => bare::fetch(url, TOKEN),
        [] => compare(1),
        ["--times", times] => compare(times.parse().expect("--times takes a number")),
        other => panic!("not known: {other:?}"),
    }
}

fn compare(times: usize) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let size =
        Size { projects: 10, merge_requests: 500 * times, notes: 5, commits: 3, pipelines: 0, ..Size::default() };
    let gitlab = runtime.block_on(serve(size));
    let place = std::env::temp_dir().join(format!("gitlab-connector-bench-{}", std::process::id()));
    fs::create_dir_all(&place).expect("a directory");
    println!(
        "{} projects x {} merge requests x {} notes x {} commits, {} ms a request, median of {ROUNDS}\n",
        size.projects,
        size.merge_requests,
        size.notes,
        size.commits,
        LATENCY.as_millis()
    );
    println!("{:<22} {:>8} {:>8} {:>9} {:>9}", "", "wall s", "cpu s", "peak MiB", "requests");

    let bare = || {
        let mut command = Command::new(std::env::current_exe().expect("our own path"));
        command.args(["bare", gitlab.url()]);
        command
    };
    let counts = row("bare client", &gitlab, bare);
    let mut number = 0;
    let mut sqlite = || {
        number += 1;
        format!("sqlite:{}", place.join(format!("{number}.db")).display())
    };
    row("import into SQLite", &gitlab, || import(gitlab.url(), &place, &sqlite()));
    let whole = row("sync into SQLite", &gitlab, || sync(gitlab.url(), &place, &sqlite()));
    let postgres = || runtime.block_on(postgres::database());
    let requests = row("import into PostgreSQL", &gitlab, || import(gitlab.url(), &place, postgres().expose_secret()));
    row("sync into PostgreSQL", &gitlab, || sync(gitlab.url(), &place, postgres().expose_secret()));

    println!("\nrequests of the bare client: {counts:?}\nof an import: {requests:?}\nof a sync: {whole:?}");
    let _ = fs::remove_dir_all(place);
}

async fn serve(size: Size) -> Simulator {
    let mut world = World::generate(1, size);
    let group = world.group_by_path("acme").expect("the group").id;
    world.create_group_token(TOKEN, group, Role::Developer, &[Scope::ReadApi]);
    Simulator::start(world, Options::latency(LATENCY)).await.expect("the simulator starts")
}

/// One worker of an import, with what a Job would mount in files.
fn import(url: &str, place: &Path, database: &str) -> Command {
    let file = |name: &str, text: &str| -> PathBuf {
        let file = place.join(name);
        fs::write(&file, text).expect("a file");
        file
    };
    let database = file("database", database);
    let migrated = Command::new(env!("CARGO_BIN_EXE_gitlab-connector"))
        .args(["migrate", "--database-url-file"])
        .arg(&database)
        .output()
        .expect("migrate runs");
    assert!(migrated.status.success(), "{migrated:?}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitlab-connector"));
    command
        .args(["import", "--url", url, "--name", "acme", "--run", "benchmark", "--group", "acme"])
        .args(["--resources", RESOURCES])
        .args(["--token-file", &format!("primary={}", file("token", TOKEN).display())])
        .arg("--termination-message-file")
        .arg(place.join("verdict"))
        .arg("--database-url-file")
        .arg(database);
    command
}

/// All that a user waits for: verifying, creating the tables, importing, and the report.
fn sync(url: &str, place: &Path, database: &str) -> Command {
    let manifest = place.join("connection.yaml");
    let text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: tokens}}\nstringData: {{token: {TOKEN}}}\n---\n\
         apiVersion: gitlab-connector.dev/v1alpha1\nkind: GitLabConnection\nmetadata: {{name: acme}}\nspec:\n  url: {url}\n\
         \u{20} credentials: [{{name: primary, secretRef: {{name: tokens, key: token}}}}]\n\
         \u{20} scope: {{groups: [acme]}}\n  webhooks: {{mode: Disabled}}\n  import: {{resources: [{RESOURCES}]}}\n"
    );
    fs::write(&manifest, text).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitlab-connector"));
    command.arg("sync").arg("-f").arg(manifest).env("DATABASE_URL", database).stdout(Stdio::null());
    command
}

/// Runs a command several times, prints its medians, and returns its requests by endpoint.
fn row(name: &str, gitlab: &Simulator, mut command: impl FnMut() -> Command) -> BTreeMap<String, usize> {
    let mut usages: Vec<Usage> = Vec::new();
    for _ in 0..ROUNDS {
        let mut command = command();
        gitlab.forget_requests();
        usages.push(measure::run(&mut command));
    }
    let counts = gitlab.counts();
    println!(
        "{name:<22} {:>8.2} {:>8.2} {:>9.1} {:>9}",
        median(usages.iter().map(|usage| usage.wall.as_secs_f64())),
        median(usages.iter().map(|usage| usage.cpu.as_secs_f64())),
        median(usages.iter().map(measure::Usage::peak_mib)),
        counts.values().sum::<usize>()
    );
    counts
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
