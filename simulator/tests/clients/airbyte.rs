//! Airbyte's connector for GitLab, which copies whole groups into warehouses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gitlab_simulator::world::{Owner, Project};
use gitlab_simulator::{Size, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::install::from_pypi;
use crate::support::{TOKEN, furnished, run, serve};

/// The records of each stream by their keys, sorted.
type Records = BTreeMap<String, Vec<String>>;

/// The fields that tell the records of a stream apart.
fn key(stream: &str) -> &'static [&'static str] {
    match stream {
        "group_members" | "group_labels" => &["group_id", "id"],
        "project_members" | "project_labels" | "merge_request_commits" => &["project_id", "id"],
        "branches" | "tags" => &["project_id", "name"],
        "releases" => &["project_id", "tag_name"],
        _ => &["id"],
    }
}

/// What was read: a message a line, as Airbyte's protocol has it.
fn read(lines: &str) -> Records {
    let mut records = Records::new();
    let messages = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for record in messages.filter(|message| message["type"] == "RECORD") {
        let stream = record["record"]["stream"].as_str().unwrap();
        let data = &record["record"]["data"];
        let fields = key(stream).iter().map(|field| text(&data[field]));
        records.entry(stream.to_owned()).or_default().push(fields.collect::<Vec<_>>().join(" "));
    }
    sorted(records)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What there is to read.
fn expected(world: &World) -> Records {
    let mut records = Records::new();
    let mut put = |stream: &str, key: String| {
        records.entry(stream.to_owned()).or_default().push(key);
    };
    for group in world.groups() {
        let id = group.id;
        put("groups", id.to_string());
        group.members.iter().for_each(|member| put("group_members", format!("{id} {}", member.user)));
        let above = world.ancestry(Some(id));
        let labels = world.labels().filter(|label| above.iter().any(|above| label.owner == Owner::Group(*above)));
        let milestones = world.milestones_of(Owner::Group(id));
        milestones.for_each(|milestone| put("group_milestones", milestone.id.to_string()));
        labels.for_each(|label| put("group_labels", format!("{id} {}", label.id)));
    }
    for project in world.projects() {
        let id = project.id;
        put("projects", id.to_string());
        project.members.iter().for_each(|member| put("project_members", format!("{id} {}", member.user)));
        world.labels_of_project(project).for_each(|label| put("project_labels", format!("{id} {}", label.id)));
        everybody(world, project).iter().for_each(|user| put("users", user.to_string()));
        project.commits.iter().for_each(|commit| put("commits", commit.sha.to_string()));
        let milestones = world.milestones_of(Owner::Project(id));
        milestones.for_each(|milestone| put("project_milestones", milestone.id.to_string()));
        world.issues_of(id).for_each(|issue| put("issues", issue.id.to_string()));
        world.branches_of(project).iter().for_each(|branch| put("branches", format!("{id} {}", branch.name)));
        project.tags.iter().for_each(|tag| put("tags", format!("{id} {}", tag.name)));
        project.releases.iter().for_each(|release| put("releases", format!("{id} {}", release.tag)));
        for found in world.merge_requests_of(project.id) {
            put("merge_requests", found.id.to_string());
            found.commits.iter().for_each(|commit| put("merge_request_commits", format!("{id} {}", commit.sha)));
        }
        for pipeline in world.pipelines_of(project.id) {
            put("pipelines", pipeline.id.to_string());
            put("pipelines_extended", pipeline.id.to_string());
            pipeline.jobs.iter().filter(|job| !job.retried).for_each(|job| put("jobs", job.id.to_string()));
        }
        world.deployments_of(project.id).for_each(|deployment| put("deployments", deployment.id.to_string()));
    }
    sorted(records)
}

fn sorted(mut records: Records) -> Records {
    records.values_mut().for_each(|keys| keys.sort_unstable());
    records
}

/// Members of the project and of the groups above it.
fn everybody(world: &World, project: &Project) -> BTreeSet<i64> {
    let above = world.ancestry(project.group()).into_iter().filter_map(|group| world.group(group));
    above.flat_map(|group| &group.members).chain(&project.members).map(|member| member.user).collect()
}

fn connector(home: &Path, programs: &Path, words: &[&str]) -> Command {
    let mut program = Command::new(programs.join("source-gitlab"));
    program.args(words).current_dir(home);
    program
}

#[tokio::test]
async fn it_copies_every_row_of_every_stream_once() {
    let now = Timestamp::now();
    // Small, because the connector asks once for every pipeline, for its jobs, and for the commits of every merge request.
    let size = Size { projects: 3, merge_requests: 6, pipelines: 3, days: 90, until: now, ..Size::default() };
    let simulator = serve(furnished(size)).await;
    let before = now - SignedDuration::from_hours(24 * 170);
    let programs = tokio::task::spawn_blocking(|| from_pypi("airbyte")).await.unwrap();
    let home: PathBuf = programs.parent().unwrap().join("copy");
    fs::create_dir_all(&home).unwrap();
    let config = json!({
        "credentials": { "auth_type": "access_token", "access_token": TOKEN },
        "api_url": simulator.url(),
        "groups_list": ["acme"],
        "start_date": before.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    fs::write(home.join("config.json"), config.to_string()).unwrap();

    let checked = run(connector(&home, &programs, &["check", "--config", "config.json"]), String::new()).await;
    assert!(checked.contains(r#""status":"SUCCEEDED""#), "{checked}");

    let discovered = run(connector(&home, &programs, &["discover", "--config", "config.json"]), String::new()).await;
    fs::write(home.join("catalog.json"), catalog(&discovered).to_string()).unwrap();
    let copied = run(
        connector(&home, &programs, &["read", "--config", "config.json", "--catalog", "catalog.json"]),
        String::new(),
    )
    .await;

    let (copied, there) = (read(&copied), simulator.read(expected));
    assert!(copied.keys().eq(there.keys()), "{:?}", copied.keys());
    for (stream, keys) in there {
        assert_eq!(copied[&stream], keys, "{stream}");
    }
}

/// Everything that was discovered is wanted.
fn catalog(discovered: &str) -> Value {
    let mut messages = discovered.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = messages.find(|message| message["type"] == "CATALOG").unwrap();
    let streams = found["catalog"]["streams"].as_array().unwrap();
    let wanted = streams
        .iter()
        .map(|stream| json!({ "stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite" }));
    json!({ "streams": wanted.collect::<Vec<_>>() })
}
