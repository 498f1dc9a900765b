//! How the simulated GitLab fares with ten million merge requests in a thousand projects: starts, pages of both APIs, memory.
//!
//! `cargo build --release -p gitlab-simulator && cargo run --release -p gitlab-simulator --example ten_million`
//!
//! It measures the program that lies beside it in `target/release`, or the one whose path it is given. Pages are told in the
//! time that the program computed, which does not depend on what else the machine does. Linux only.

#![allow(clippy::print_stdout, reason = "a program that prints its figures")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const TEN_MILLION: [&str; 4] = ["--projects", "1000", "--merge-requests", "10000"];
const ADDRESS: &str = "127.0.0.1:18291";
const TOKEN: &str = "glpat-simulator-reader";

const FIELDS: &str = "nodes { id iid title state draft createdAt updatedAt webUrl sourceBranch targetBranch userNotesCount \
    mergedAt diffStatsSummary { additions deletions fileCount } author { username } mergeUser { username } \
    assignees { nodes { username } } reviewers { nodes { username } } labels { nodes { title } } \
    approvedBy { nodes { username } } commits(first: 10) { nodes { sha title authoredDate } } \
    notes(first: 10) { nodes { id body system createdAt author { username } } } } pageInfo { hasNextPage endCursor }";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // Nothing here is encrypted, but the client asks for somebody who could.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let beside = std::env::current_exe()?.parent().and_then(Path::parent).map(|folder| folder.join("gitlab-simulator"));
    let program = std::env::args().nth(1).map(PathBuf::from).or(beside).ok_or("no program")?;

    println!("start until the first answer, 10 times each, in ms    first  median  worst   median of CPU");
    for (name, arguments) in [("500 merge requests", &[][..]), ("10 million", &TEN_MILLION)] {
        for cold in [true, false] {
            let kept = if cold { "program not in the page cache" } else { "program in the page cache" };
            let (mut took, mut computed) = (Vec::new(), Vec::new());
            for _ in 0..10 {
                if cold {
                    drop_from_cache(&program)?;
                }
                let gitlab = Gitlab::start(&program, arguments).await?;
                took.push(gitlab.started);
                computed.push(gitlab.computed()?);
            }
            computed.sort_unstable();
            let computed = computed[5].as_secs_f64() * 1000.0;
            println!("{:<54}{} {computed:15.1}", format!("{name}, {kept}"), figures(&took));
        }
    }

    let gitlab = Gitlab::start(&program, &TEN_MILLION).await?;
    gitlab.tell_memory("after the start")?;
    println!("pages of 100, in ms of CPU                            first  median  worst");
    let paths = gitlab.projects().await?;
    let ids: Vec<String> = paths.iter().map(|path| path.replace('/', "%2F")).collect();

    let month_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 30);
    for (name, sort, since) in [
        ("the oldest changes", "UPDATED_ASC", None),
        ("changes of the last month", "UPDATED_ASC", Some(month_ago)),
        ("the latest changes", "UPDATED_DESC", None),
        ("the newest", "CREATED_DESC", None),
    ] {
        gitlab.walk(&format!("GraphQL, group, {name}"), sort, since).await?;
    }
    let mut took = Vec::new();
    for path in paths.iter().step_by(5) {
        let query = format!(
            "{{ project(fullPath: {path:?}) {{ mergeRequests(first: 100, sort: UPDATED_DESC) {{ {FIELDS} }} }} }}"
        );
        took.push(gitlab.graphql(&query, &json!({})).await?.0);
    }
    println!("{:<54}{}", "GraphQL, 200 projects, the latest changes", figures(&took));
    gitlab.tell_memory("after 400 pages of GraphQL")?;

    for (name, rest, every) in [
        ("REST, 200 projects", "merge_requests?per_page=100", 5),
        ("REST, 200 projects, by last change", "merge_requests?per_page=100&order_by=updated_at", 5),
        ("REST, 40 projects, open ones", "merge_requests?per_page=100&state=opened", 25),
        ("REST, 40 projects, by title", "merge_requests?per_page=100&order_by=title", 25),
        ("REST, 40 projects, pipelines", "pipelines?per_page=100", 25),
        ("REST, 40 projects, jobs", "jobs?per_page=100", 25),
        ("REST, 40 projects, deployments", "deployments?per_page=100&order_by=created_at&sort=desc", 25),
    ] {
        let mut took = Vec::new();
        for id in ids.iter().step_by(every) {
            took.push(gitlab.get(&format!("projects/{id}/{rest}")).await?);
        }
        println!("{name:<54}{}", figures(&took));
    }
    let mut took = Vec::new();
    for page in 1..=50 {
        took.push(gitlab.get(&format!("groups/acme/merge_requests?per_page=100&page={page}")).await?);
    }
    println!("{:<54}{}", "REST, group", figures(&took));
    gitlab.tell_memory("after 650 pages of REST")
}

/// The simulator, as a program that runs.
struct Gitlab {
    program: Child,
    client: reqwest::Client,
    started: Duration,
}

impl Drop for Gitlab {
    fn drop(&mut self) {
        // It has ended by itself where this fails.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Gitlab {
    async fn start(program: &Path, arguments: &[&str]) -> Result<Gitlab> {
        let client = reqwest::Client::builder().build()?;
        let begin = Instant::now();
        let mut command = Command::new(program);
        command.args(arguments).args(["--listen", ADDRESS]).stdout(Stdio::null());
        let mut gitlab = Gitlab { program: command.spawn()?, client, started: Duration::ZERO };
        while gitlab.get("version").await.is_err() {
            if gitlab.program.try_wait()?.is_some() {
                return Err("the program ended".into());
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        gitlab.started = begin.elapsed();
        Ok(gitlab)
    }

    /// How long all threads of the program were on a processor.
    fn computed(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.program.id()))? {
            let told = std::fs::read_to_string(task?.path().join("schedstat"))?;
            nanoseconds += told.split_whitespace().next().ok_or("no figure")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    async fn get(&self, path: &str) -> Result<Duration> {
        let begin = self.computed()?;
        let request = self.client.get(format!("http://{ADDRESS}/api/v4/{path}")).header("PRIVATE-TOKEN", TOKEN);
        request.send().await?.error_for_status()?.bytes().await?;
        Ok(self.computed()?.saturating_sub(begin))
    }

    async fn graphql(&self, query: &str, variables: &Value) -> Result<(Duration, Value)> {
        let begin = self.computed()?;
        let request = self.client.post(format!("http://{ADDRESS}/api/graphql")).header("PRIVATE-TOKEN", TOKEN);
        let body = json!({"query": query, "variables": variables});
        let answer = request.json(&body).send().await?.error_for_status()?.bytes().await?;
        let took = self.computed()?.saturating_sub(begin);
        let answer: Value = serde_json::from_slice(&answer)?;
        if answer.get("errors").is_some() {
            return Err(answer["errors"].to_string().into());
        }
        Ok((took, answer))
    }

    async fn projects(&self) -> Result<Vec<String>> {
        let mut paths = Vec::new();
        let mut after = Value::Null;
        loop {
            let query = "query($after: String) { projects(first: 100, after: $after, sort: \"id_asc\") \
                { nodes { fullPath } pageInfo { hasNextPage endCursor } } }";
            let (_, answer) = self.graphql(query, &json!({ "after": after })).await?;
            let page = &answer["data"]["projects"];
            let nodes = page["nodes"].as_array().ok_or("no projects")?;
            paths.extend(nodes.iter().filter_map(|node| node["fullPath"].as_str()).map(str::to_owned));
            if page["pageInfo"]["hasNextPage"] != true {
                return Ok(paths);
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    /// Pages through the merge requests of the group, and tells how long a page took.
    async fn walk(&self, name: &str, sort: &str, since: Option<jiff::Timestamp>) -> Result<()> {
        let query = format!(
            "query($since: Time, $after: String) {{ group(fullPath: \"acme\") {{ mergeRequests(includeSubgroups: true, \
             first: 100, sort: {sort}, updatedAfter: $since, after: $after) {{ {FIELDS} }} }} }}"
        );
        let mut after = Value::Null;
        let mut took = Vec::new();
        for _ in 0..50 {
            let (time, answer) = self.graphql(&query, &json!({ "since": since, "after": after })).await?;
            took.push(time);
            after = answer["data"]["group"]["mergeRequests"]["pageInfo"]["endCursor"].clone();
        }
        println!("{name:<54}{}", figures(&took));
        Ok(())
    }

    fn tell_memory(&self, when: &str) -> Result<()> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.id()))?;
        let megabytes = |name: &str| -> Result<u64> {
            let line = status.lines().find(|line| line.starts_with(name)).ok_or("no such line")?;
            Ok(line.split_whitespace().nth(1).ok_or("no figure")?.parse::<u64>()? / 1024)
        };
        println!("resident {when}: {} MB, at most {} MB", megabytes("VmRSS")?, megabytes("VmHWM")?);
        Ok(())
    }
}

/// What the system keeps of a file in memory goes, so that it has to be read again.
fn drop_from_cache(program: &Path) -> Result<()> {
    let mut command = Command::new("dd");
    command.arg(format!("if={}", program.display())).args(["iflag=nocache", "count=0"]).stderr(Stdio::null());
    if command.status()?.success() { Ok(()) } else { Err("dd failed".into()) }
}

/// The first, the median and the worst.
fn figures(took: &[Duration]) -> String {
    let mut sorted = took.to_vec();
    sorted.sort_unstable();
    let millis = |place: usize| sorted.get(place).map_or(0.0, |took| took.as_secs_f64() * 1000.0);
    let first = took.first().map_or(0.0, |took| took.as_secs_f64() * 1000.0);
    format!("{first:7.1} {:7.1} {:6.1}", millis(sorted.len() / 2), millis(sorted.len().saturating_sub(1)))
}
