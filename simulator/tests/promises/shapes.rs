//! Answers have the keys that their version and edition have in GitLab and no others, webhooks at least the documented ones.

use std::collections::BTreeMap;

use gitlab_simulator::world::Edition;
use serde_json::{Value, json};

use crate::receiver::{Receiver, hooked};
use crate::support::{READER, missing, serve, small};

const EVENT: &str = "object_kind event_type user project object_attributes labels changes repository";
const ATTRIBUTES: &str = "id iid author_id assignee_id assignee_ids reviewer_ids title description state state_id created_at \
    updated_at prepared_at last_edited_at last_edited_by_id updated_by_id draft work_in_progress source_branch target_branch \
    source_project_id target_project_id head_pipeline_id merge_commit_sha merge_error merge_params merge_status \
    detailed_merge_status merge_user_id merge_when_pipeline_succeeds milestone_id blocking_discussions_resolved \
    first_contribution time_estimate time_change total_time_spent human_time_estimate human_time_change human_total_time_spent \
    labels last_commit source target url approval_rules system action actioned_at";
const NOTE_EVENT: &str = "object_kind event_type user project_id project object_attributes merge_request repository";
const NOTE_ATTRIBUTES: &str = "attachment author_id change_position commit_id created_at discussion_id id internal line_code note \
    noteable_id noteable_type original_position position project_id resolved_at resolved_by_id resolved_by_push st_diff system \
    type updated_at updated_by_id description url action";

/// The table of what REST answers hold.
const PROPERTIES: &str = include_str!("../fixtures/rest_properties.tsv");

/// Everything that the table speaks of, in a GitLab of a version and an edition: entity and one of its kind.
async fn entities(version: &str, edition: Edition) -> Vec<(&'static str, Value)> {
    let mut world = small().with_version(version).with_edition(edition).with_token("glpat-root", |token| token);
    world = world.with_project("acme/web", |project| {
        project.label("bug").merge_request("Noted", |found| found.diff_comment("bob", "nit").comment("bob", "hello"))
    });
    let pipeline = world.start_pipeline(1, "main", "ann", "push").unwrap();
    world.finish_pipeline(pipeline, "success");
    world.deploy(1, "production", "main", "ann");
    let served = serve(world).await;
    let hook = json!({ "url": "https://receiver.example.com" });
    for place in ["/projects/1/hooks", "/groups/1/hooks", "/hooks"] {
        served.write("POST", place, "glpat-root", hook.clone()).await;
    }
    let web = "/projects/1";
    let mut found = Vec::new();
    for (entity, path) in [
        ("merge_request", format!("{web}/merge_requests")),
        ("merge_request_alone", format!("{web}/merge_requests/2")),
        ("note", format!("{web}/merge_requests/2/notes")),
        ("diff_note", format!("{web}/merge_requests/2/notes?sort=asc")),
        ("discussion", format!("{web}/merge_requests/2/discussions")),
        ("commit", format!("{web}/merge_requests/2/commits")),
        ("commit_with_stats", format!("{web}/repository/commits?with_stats=true&all=true")),
        ("group", "/groups".to_owned()),
        ("group_alone", "/groups/1".to_owned()),
        ("project", web.to_owned()),
        ("label", format!("{web}/labels")),
        ("member", "/groups/1/members?query=bob".to_owned()),
        ("user", "/users/1".to_owned()),
        ("token", "/personal_access_tokens/self".to_owned()),
        ("approvals", format!("{web}/merge_requests/2/approvals")),
        ("approval_state", format!("{web}/merge_requests/2/approval_state")),
        ("deployment", format!("{web}/deployments")),
        ("pipeline", format!("{web}/pipelines")),
        ("metadata", "/metadata".to_owned()),
        ("version", "/version".to_owned()),
    ] {
        found.push((entity, first(served.read(&path, READER).await)));
    }
    for (entity, path) in [
        ("user_for_admin", "/users/1"),
        ("project_hook", "/projects/1/hooks"),
        ("group_hook", "/groups/1/hooks"),
        ("system_hook", "/hooks"),
    ] {
        found.push((entity, first(served.read(path, "glpat-root").await)));
    }
    found
}

/// The first of a list, or the thing itself; nothing where it does not exist.
fn first((status, body): (u16, Value)) -> Value {
    match status {
        200 if body.is_array() => body[0].clone(),
        200 => body,
        _ => Value::Null,
    }
}

/// Whether a line of the table wants its property there; none where it does not know.
fn wants(since: &str, edition: &str, at: (u32, u32), enterprise: bool) -> Option<bool> {
    let number = |text: &str| {
        let (major, minor) = text.split_once('.').unwrap();
        (major.parse::<u32>().unwrap(), minor.parse::<u32>().unwrap())
    };
    if edition != "all" && (edition == "ee") != enterprise {
        return Some(false);
    }
    match since.strip_prefix("by ") {
        Some(known) if at >= number(known) => Some(true),
        Some(_) => None,
        None => Some(since == "-" || at >= number(since)),
    }
}

#[tokio::test]
async fn answers_hold_what_their_version_and_edition_hold_and_no_more() {
    let lines: Vec<Vec<&str>> =
        PROPERTIES.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect()).collect();

    let mut wrong = Vec::new();
    for at in [(15, 1), (15, 11), (16, 11), (17, 11), (18, 5), (19, 1)] {
        for edition in [Edition::Community, Edition::Licensed] {
            let version = format!("{}.{}", at.0, at.1);
            for (entity, shown) in entities(&version, edition).await {
                let own = lines.iter().filter(|line| line[0] == entity);
                let mut wished: BTreeMap<&str, Option<bool>> = BTreeMap::new();
                for line in own {
                    let wants = wants(line[2], line[3], at, edition.enterprise());
                    let known = wished.entry(line[1]).or_insert(Some(false));
                    *known = if wants == Some(true) || *known == Some(true) { Some(true) } else { known.and(wants) };
                }
                let off =
                    wished.iter().filter(|(name, wish)| wish.is_some_and(|wish| wish != shown.get(name).is_some()));
                wrong.extend(off.map(|(name, _)| format!("{version} {edition:?} {entity}.{name}")));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[tokio::test]
async fn webhooks_have_the_documented_keys() {
    let (served, receiver, _): (_, Receiver, _) = hooked(small(), serde_json::json!({})).await;
    served.simulator.world(|world| world.approve(1, "bob"));
    served.simulator.settled().await;
    served.simulator.world(|world| world.diff_comment(1, "bob", "nit"));
    served.simulator.settled().await;

    let seen = receiver.seen();
    let (approval, note) = (&seen[0].1, &seen[1].1);
    assert_eq!(missing(approval, EVENT), Vec::<String>::new());
    assert_eq!(missing(&approval["object_attributes"], ATTRIBUTES), Vec::<String>::new());
    assert_eq!(missing(note, NOTE_EVENT), Vec::<String>::new());
    assert_eq!(missing(&note["object_attributes"], NOTE_ATTRIBUTES), Vec::<String>::new());
}
