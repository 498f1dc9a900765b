//! Two thousand deliveries at once, of which one in ten is not what it should be.

use std::collections::BTreeMap;

use futures::StreamExt;
use gitlab_simulator::world::{Clock, Hook, HookTarget, MergeRequest, Note, Outgoing, Size, World};
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    database::Database,
    served::{Served, answered},
};

const DELIVERIES: usize = 2000;

/// A delivery as it is sent, and what it must be answered with.
struct Sent {
    id: String,
    event: &'static str,
    body: String,
    token: &'static str,
    expected: StatusCode,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_deliveries_leave_the_rows_of_the_world_in_sqlite() {
    crowd(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_deliveries_leave_the_rows_of_the_world_in_postgresql() {
    crowd(Database::postgres().await).await;
}

async fn crowd(database: Database) {
    let (world, events) = a_lively_world();
    let projects: Vec<(i64, String)> =
        world.projects().map(|project| (project.id, project.full_path.clone())).collect();
    let projects: Vec<(i64, &str)> = projects.iter().map(|(id, path)| (*id, path.as_str())).collect();
    let served = Served::start(database, &projects).await;
    let sent = spoiled(&events);
    let forged = sent.iter().filter(|sent| sent.expected == StatusCode::UNAUTHORIZED).count();

    let served_ref = &served;
    let answers: Vec<()> = futures::stream::iter(&sent)
        .map(async |sent| {
            let request = served_ref
                .bare(sent.event, sent.body.clone())
                .header("x-gitlab-token", sent.token)
                .header("idempotency-key", &sent.id);
            let (status, answer) = answered(request).await;
            assert_eq!(status, sent.expected, "{answer}");
        })
        .buffer_unordered(50)
        .collect()
        .await;

    assert_eq!(answers.len(), DELIVERIES);
    assert!(forged > 50);
    let expected = expected(&world, &events);
    let found = stored(&served.database).await;
    assert!(expected.len() > 500, "{}", expected.len());
    assert_eq!(found.len(), expected.len());
    for (key, row) in &expected {
        assert_eq!(found.get(key), Some(row), "{key}");
    }
    let metrics = served.metrics();
    assert!(metrics.contains(&format!(r#"deliveries_total{{result="forged"}} {forged}"#)), "{metrics}");
    served.stopped().await;
}

/// A World in which enough has happened, one thing every seven seconds, and what its hook heard of it.
fn a_lively_world() -> (World, Vec<Outgoing>) {
    let size = Size { projects: 6, merge_requests: 10, ..Size::default() };
    let mut world = World::generate(7, size);
    world.clock = Clock::Fixed(size.until);
    let group = world.groups().next().unwrap().id;
    world.insert_hook(Hook {
        id: 1,
        target: HookTarget::Group(group),
        url: "http://receiver.example.com/webhooks/gitlab".into(),
        name: None,
        description: None,
        token: None,
        signing_token: None,
        events: ["merge_requests_events", "note_events"].into(),
        enable_ssl_verification: true,
        push_events_branch_filter: None,
        branch_filter_strategy: "wildcard".into(),
        custom_webhook_template: None,
        custom_headers: Vec::new(),
        url_variables: Vec::new(),
        created_at: world.now(),
        recent_failures: 0,
        disabled_until: None,
        disabled: false,
        log: [].into(),
    });
    let mut random = fastrand::Rng::with_seed(7);
    let mut events = Vec::new();
    while events.len() < DELIVERIES * 9 / 10 {
        world.advance(SignedDuration::from_secs(7));
        world.live(&mut random);
        events.extend(world.take_outbox());
    }
    (world, events)
}

/// All events in a disorder, and among them forgeries, copies and broken ones.
fn spoiled(events: &[Outgoing]) -> Vec<Sent> {
    let mut random = fastrand::Rng::with_seed(11);
    let genuine = |(number, event): (usize, &Outgoing)| Sent {
        id: format!("event-{number}"),
        event: event.event,
        body: event.body.to_string(),
        token: super::SECRET,
        expected: StatusCode::OK,
    };
    let mut sent: Vec<Sent> = events.iter().enumerate().map(genuine).collect();
    while sent.len() < DELIVERIES {
        let number = random.usize(..events.len());
        let original = genuine((number, &events[number]));
        sent.push(match random.u8(..3) {
            0 => {
                let mut body = events[number].body.clone();
                let part = if body["object_kind"] == "note" { "merge_request" } else { "object_attributes" };
                body[part]["title"] = json!("FORGED");
                body[part]["updated_at"] = json!("2099-01-01 00:00:00 UTC");
                let forged = StatusCode::UNAUTHORIZED;
                Sent {
                    id: format!("forged-{}", sent.len()),
                    body: body.to_string(),
                    token: "guessed",
                    expected: forged,
                    ..original
                }
            }
            1 => original,
            _ => {
                let half = original.body.len() / 2;
                let cut = original.body.char_indices().map(|(at, _)| at).find(|at| *at >= half).unwrap();
                Sent { id: format!("broken-{}", sent.len()), body: original.body[..cut].to_owned(), ..original }
            }
        });
    }
    random.shuffle(&mut sent);
    sent
}

/// What events tell of every merge request and note that they were about, as the World has it in the end.
fn expected(world: &World, events: &[Outgoing]) -> BTreeMap<String, Value> {
    let mut rows = BTreeMap::new();
    for Outgoing { body, .. } in events {
        let is_note = body["object_kind"] == "note";
        let attributes = if is_note { &body["merge_request"] } else { &body["object_attributes"] };
        let merge_request = world.merge_request(attributes["id"].as_i64().unwrap()).unwrap();
        rows.insert(format!("merge request {}", merge_request.id), merge_request_row(world, merge_request));
        if is_note {
            let id = body["object_attributes"]["id"].as_i64().unwrap();
            let note = merge_request.notes.iter().find(|note| note.id == id).unwrap();
            rows.insert(format!("note {id}"), note_row(merge_request, note));
        }
    }
    rows
}

fn merge_request_row(world: &World, merge_request: &MergeRequest) -> Value {
    let labels: Vec<&str> = merge_request.labels.iter().map(|id| world.label(*id).unwrap().title.as_str()).collect();
    let reviewers: Vec<i64> = merge_request.reviewers.iter().map(|reviewer| reviewer.user).collect();
    json!({
        "iid": merge_request.iid,
        "project_id": merge_request.project,
        "title": merge_request.full_title(),
        "description": merge_request.description,
        "state": merge_request.state.name(),
        "author_id": merge_request.author,
        "merge_user_id": merge_request.merge_user,
        "source_branch": merge_request.source_branch,
        "target_branch": merge_request.target_branch,
        "labels": labels,
        "assignee_ids": merge_request.assignees,
        "reviewer_ids": reviewers,
        "sha": merge_request.commits.first().map(|commit| commit.sha.to_string()),
        "merge_commit_sha": merge_request.merge_commit_sha.map(|sha| sha.to_string()),
        "created_at": second(merge_request.created_at),
        "updated_at": second(merge_request.updated_at),
        "merged_at": merge_request.merged_at.map(second),
        "closed_at": merge_request.closed_at.map(second),
    })
}

fn note_row(merge_request: &MergeRequest, note: &Note) -> Value {
    json!({
        "merge_request_id": merge_request.id,
        "author_id": note.author,
        "note_type": note.type_name(),
        "discussion_id": note.discussion.to_string(),
        "body": note.body,
        "created_at": second(note.created_at),
    })
}

async fn stored(database: &Database) -> BTreeMap<String, Value> {
    const MERGE_REQUEST: &str = "id, iid, project_id, title, description, state, author_id, merge_user_id, source_branch, \
        target_branch, labels, assignee_ids, reviewer_ids, sha, merge_commit_sha, created_at, updated_at, merged_at, closed_at";
    const NOTE: &str = "id, merge_request_id, author_id, note_type, discussion_id, body, created_at";
    let merge_requests = database.rows(MERGE_REQUEST, "from gitlab_merge_requests").await;
    let notes = database.rows(NOTE, "from gitlab_notes").await;
    let keyed = |kind: &'static str, rows: Vec<Value>| rows.into_iter().map(move |row| normal(kind, row));
    keyed("merge request", merge_requests).chain(keyed("note", notes)).collect()
}

/// Takes the id out of a row, and writes lists and times as one database as the other.
fn normal(kind: &str, mut row: Value) -> (String, Value) {
    let fields = row.as_object_mut().unwrap();
    let id = fields.remove("id").unwrap();
    for (name, value) in fields.iter_mut() {
        let Some(text) = value.as_str() else { continue };
        if name.ends_with("_at") {
            // PostgreSQL's JSON writes `+00:00`.
            *value = json!(second(text.parse().unwrap()));
        } else if ["labels", "assignee_ids", "reviewer_ids"].contains(&name.as_str()) {
            *value = serde_json::from_str(text).unwrap();
        }
    }
    (format!("{kind} {id}"), row)
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
