//! A World that changes under one's feet.

use gitlab_simulator::world::{Role, Scope, TokenKind};
use gitlab_simulator::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{LIST, control, query};
use crate::support::{OWNER, READER, Served, serve, small};

async fn done(served: &Served, verb: &str, with: Value) -> Value {
    let (status, done) = control(served, "POST", &format!("/{verb}"), with).await;
    assert_eq!(status, 200, "{verb}: {done}");
    done
}

/// Something that happens at a request.
fn happens(verb: &str, with: Value, late: bool) -> FaultKind {
    FaultKind::Happens { verb: verb.to_owned(), with, late }
}

#[tokio::test]
async fn a_server_of_another_version_answers_now_and_then() {
    let served = serve(small()).await;
    let other = FaultKind::OtherVersion { version: "16.3.0".to_owned() };
    served.simulator.faults().add(Fault::at("*", other).times(2));

    assert_eq!(served.read("/version", READER).await.1["version"], "16.3.0-ee");
    let closed = r#"{ project(fullPath: "acme/web") { mergeRequests(closedAfter: "2026-01-01") { count } } }"#;
    let refused = query(&served, closed, Value::Null).await.1;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "argumentNotAccepted", "the argument came with 19.1");
    assert_eq!(query(&served, closed, Value::Null).await.1["errors"], Value::Null);
    assert_eq!(served.read("/version", READER).await.1["version"], "19.1.0-ee");
}

#[tokio::test]
async fn version_edition_and_licence_change_while_it_runs() {
    let served = serve(small()).await;

    let version = done(&served, "settings", json!({ "version": "17.0", "edition": "ce" })).await;
    assert_eq!(version, json!({ "version": "17.0.0" }));
    assert_eq!(served.read("/groups/acme/hooks", OWNER).await.0, 404, "the Community Edition has no group hooks");
    done(&served, "settings", json!({ "edition": "ee-unlicensed" })).await;
    assert_eq!(served.read("/groups/acme/hooks", OWNER).await.0, 200);
}

// The read-only middleware answers 403 with these words, not 503 (GitLab's merge request 46045).
#[tokio::test]
async fn maintenance_mode_lets_everybody_read_and_nobody_write() {
    let served = serve(small()).await;
    done(&served, "settings", json!({ "maintenance": true })).await;

    let refused = served.write("POST", "/projects/1/hooks", OWNER, json!({ "url": "https://example.com" })).await;
    let words = "You cannot perform write operations on a read-only instance";
    assert_eq!(refused, (403, json!({ "message": words })));
    assert_eq!(served.read(LIST, READER).await.0, 200);
    assert_eq!(query(&served, "{ metadata { version } }", Value::Null).await.0, 200);
}

#[tokio::test]
async fn a_restored_backup_forgets_what_came_later_and_gives_its_ids_again() {
    let served = serve(small()).await;
    done(&served, "back-up", json!({ "name": "monday" })).await;
    let lost = done(&served, "open", json!({ "project": "acme/web", "user": "ann", "title": "lost" })).await;
    done(&served, "merge", json!({ "project": "acme/web", "iid": 1, "user": "ann" })).await;

    done(&served, "restore", json!({ "name": "monday" })).await;
    assert_eq!(served.read(&format!("{LIST}/2"), READER).await.0, 404);
    assert_eq!(served.read(&format!("{LIST}/1"), READER).await.1["state"], "opened");
    let other = done(&served, "open", json!({ "project": "acme/web", "user": "bob", "title": "other" })).await;
    assert_eq!(other, lost, "the same id and the same number, for something else");
    done(&served, "restore", json!({ "name": "monday" })).await;
    assert_eq!(control(&served, "POST", "/restore", json!({ "name": "tuesday" })).await.0, 400);
}

#[tokio::test]
async fn the_clock_runs_ahead_goes_back_and_stands_still() {
    let served = serve(small().with_time("2026-01-16T06:00:00Z")).await;

    let now = async |with: Value| done(&served, "clock", with).await["now"].clone();
    assert_eq!(now(json!({ "seconds": 3600 })).await, "2026-01-16T07:00:00Z");
    assert_eq!(now(json!({ "seconds": -7200 })).await, "2026-01-16T05:00:00Z");
    assert_eq!(now(json!({ "at": "2027-01-01T00:00:00Z" })).await, "2027-01-01T00:00:00Z");
    done(&served, "comment", json!({ "project": "acme/web", "iid": 1, "user": "bob" })).await;
    assert_eq!(served.read(&format!("{LIST}/1"), READER).await.1["updated_at"], "2027-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn projects_move_vanish_and_come_back_as_others() {
    let served = serve(small().with_group("labs", |group| group.member("bob", Role::Developer))).await;
    let project = async |path: &str| served.read(&format!("/projects/{path}"), READER).await;

    done(&served, "rename-project", json!({ "project": "acme/web", "path": "site" })).await;
    assert_eq!(project("acme%2Fweb").await.0, 301);
    done(&served, "transfer-project", json!({ "project": "acme/site", "group": "labs" })).await;
    assert_eq!(project("1").await.1["path_with_namespace"], "labs/site");
    done(&served, "archive-project", json!({ "project": "labs/site" })).await;
    assert_eq!(project("1").await.1["archived"], true);
    done(&served, "unarchive-project", json!({ "project": "labs/site" })).await;
    done(&served, "set-feature", json!({ "project": "labs/site", "feature": "merge_requests", "access": "disabled" }))
        .await;
    assert_eq!(served.read("/projects/1/merge_requests", READER).await.0, 403);
    done(&served, "set-member", json!({ "group": "labs", "user": "bob", "role": "guest" })).await;
    done(&served, "remove-member", json!({ "group": "labs", "user": "bob" })).await;
    assert_eq!(project("1").await.0, 404, "hidden");
    done(&served, "set-visibility", json!({ "project": "labs/site", "visibility": "public" })).await;
    assert_eq!(project("1").await.0, 200);
    let new = done(&served, "recreate-project", json!({ "project": "labs/site" })).await;
    assert_eq!((project("1").await.0, new["project"].as_i64() > Some(1)), (404, true));
    assert_eq!(project("labs%2Fsite").await.1["id"], new["project"]);
    done(&served, "schedule-project-deletion", json!({ "project": "labs/site" })).await;
    let doomed = project(&new["project"].to_string()).await.1;
    assert!(doomed["path"].as_str().is_some_and(|path| path.contains("-deletion_scheduled-")), "{doomed}");
    let path = doomed["path_with_namespace"].clone();
    done(&served, "delete-project", json!({ "project": path })).await;
    assert_eq!(project(&new["project"].to_string()).await.0, 404);
}

#[tokio::test]
async fn groups_move_with_all_that_is_below_them() {
    let world = small()
        .with_group("acme/deep", |group| group.project("tool", |project| project))
        .with_group("labs", |group| group.member("ann", Role::Owner));
    let served = serve(world).await;
    let tool = async || served.read("/projects/2", OWNER).await.1["path_with_namespace"].clone();

    done(&served, "rename-group", json!({ "group": "acme", "path": "emca" })).await;
    assert_eq!(tool().await, "emca/deep/tool");
    assert_eq!(served.read("/groups/acme", OWNER).await.0, 404, "groups have no redirect in the API");
    done(&served, "transfer-group", json!({ "group": "emca/deep", "to": "labs" })).await;
    assert_eq!(tool().await, "labs/deep/tool");
    assert_eq!(served.read("/groups/labs%2Fdeep", OWNER).await.1["full_path"], "labs/deep");
    let into_itself = json!({ "group": "labs", "to": "labs/deep" });
    assert_eq!(control(&served, "POST", "/transfer-group", into_itself).await.0, 400);
    done(&served, "delete-group", json!({ "group": "labs" })).await;
    assert_eq!((served.read("/groups/labs", OWNER).await.0, served.read("/projects/2", OWNER).await.0), (404, 404));
}

#[tokio::test]
async fn tokens_are_narrowed_expire_and_are_rotated() {
    let world = small().with_group_token("glpat-bot", "acme", Role::Owner, &[Scope::Api]);
    let served = serve(world).await;
    let hooks = async |token: &str| served.read("/groups/acme/hooks", token).await.0;

    assert_eq!(hooks("glpat-bot").await, 200);
    done(&served, "set-token-role", json!({ "token": "glpat-bot", "role": "developer" })).await;
    assert_eq!(hooks("glpat-bot").await, 403);
    done(&served, "narrow", json!({ "token": "glpat-bot", "scopes": ["read_user"] })).await;
    assert_eq!(served.read("/version", "glpat-bot").await.1["error"], "insufficient_scope");
    done(&served, "rotate", json!({ "token": OWNER, "to": "glpat-new" })).await;
    assert_eq!((hooks(OWNER).await, hooks("glpat-new").await), (401, 200));
    done(&served, "expire", json!({ "token": "glpat-new" })).await;
    assert_eq!(hooks("glpat-new").await, 401);
    let group = served.simulator.read(|world| world.token_by_secret("glpat-bot").unwrap().kind);
    assert!(matches!(group, TokenKind::Group(_)));
}

#[tokio::test]
async fn a_token_is_rotated_in_the_middle_of_a_request_or_right_after_it() {
    let served = serve(small()).await;
    let rotate = |to: &str, from: &str| json!({ "token": from, "to": to });
    served
        .simulator
        .faults()
        .add(Fault::at("*", happens("rotate", rotate("glpat-two", READER), false)).after(1).times(1));
    assert_eq!(served.read("/version", READER).await.0, 200);
    assert_eq!(served.read("/version", READER).await.0, 401);

    served.simulator.faults().add(Fault::at("*", happens("rotate", rotate("glpat-three", "glpat-two"), true)).times(1));
    assert_eq!(served.read("/version", "glpat-two").await.0, 200);
    assert_eq!(served.read("/version", "glpat-two").await.0, 401);
}

#[tokio::test]
async fn a_project_vanishes_between_two_pages() {
    let served = serve(small()).await;
    let gone = happens("delete-project", json!({ "project": "acme/web" }), true);
    served.simulator.faults().add(Fault::at("GET /projects/:id/merge_requests", gone).times(1));

    assert_eq!(served.read(LIST, READER).await.0, 200);
    assert_eq!(served.read(LIST, READER).await.0, 404);
}

#[tokio::test]
async fn people_are_blocked_banned_and_deleted() {
    let served = serve(small()).await;
    let status = async || served.read("/version", READER).await.0;

    for verb in ["block-user", "ban-user", "deactivate-user"] {
        done(&served, verb, json!({ "user": "bob" })).await;
        assert_eq!(status().await, 403, "{verb}");
        done(&served, "activate-user", json!({ "user": "bob" })).await;
        assert_eq!(status().await, 200);
    }
    done(&served, "delete-user", json!({ "user": "bob" })).await;
    assert_eq!(status().await, 401);
}

#[tokio::test]
async fn hooks_are_disabled_led_elsewhere_and_deleted_by_hand() {
    let served = serve(small()).await;
    let url = json!({ "url": "https://receiver.example.com/" });
    let id = served.write("POST", "/projects/1/hooks", OWNER, url).await.1["id"].clone();
    let hook = async || served.read(&format!("/projects/1/hooks/{id}"), OWNER).await;

    done(&served, "disable-hook", json!({ "hook": id, "minutes": 5 })).await;
    assert_eq!(hook().await.1["alert_status"], "temporarily_disabled");
    done(&served, "disable-hook", json!({ "hook": id })).await;
    assert_eq!(hook().await.1["alert_status"], "disabled");
    done(&served, "enable-hook", json!({ "hook": id })).await;
    assert_eq!(hook().await.1["alert_status"], "executable");
    done(&served, "edit-hook", json!({ "hook": id, "url": "https://elsewhere.example.com/" })).await;
    assert_eq!(hook().await.1["url"], "https://elsewhere.example.com/");
    done(&served, "delete-hook", json!({ "hook": id })).await;
    assert_eq!(hook().await.0, 404);
}
