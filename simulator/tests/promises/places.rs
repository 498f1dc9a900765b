//! Projects, groups and users that tools make, change and remove (GitLab's `lib/api/projects.rb`, `groups.rb` and
//! `users.rb`).

use gitlab_simulator::World;
use gitlab_simulator::world::{Edition, Role, UserState};
use serde_json::{Value, json};

use crate::support::{OWNER, READER, serve, small};

const ROOT: &str = "glpat-root";
const WEB: &str = "/projects/acme%2Fweb";

fn world() -> World {
    small()
        .with_time("2026-01-16T06:00:00Z")
        .with_token(ROOT, |token| token)
        .with_token("glpat-bob", |token| token.user("bob"))
}

#[tokio::test]
async fn a_new_project_is_empty_unless_it_begins_with_a_readme() {
    let served = serve(world()).await;
    let group = served.simulator.read(|world| world.group_by_path("acme").unwrap().id);
    let body = json!({ "name": "Data Platform", "namespace_id": group, "visibility": "internal" });

    let (status, made) = served.write("POST", "/projects", "glpat-bob", body.clone()).await;
    assert_eq!((status, &made["path_with_namespace"]), (201, &json!("acme/data-platform")));
    assert_eq!((&made["empty_repo"], &made["default_branch"]), (&json!(true), &Value::Null));
    assert_eq!((&made["name"], &made["visibility"]), (&json!("Data Platform"), &json!("internal")));
    let (status, refused) = served.write("POST", "/projects", OWNER, body).await;
    assert_eq!((status, &refused["message"]["path"]), (400, &json!(["has already been taken"])));
    let (_, home) = served
        .write("POST", "/projects", "glpat-bob", json!({ "path": "notes", "initialize_with_readme": true }))
        .await;
    assert_eq!((&home["path_with_namespace"], &home["default_branch"]), (&json!("bob/notes"), &json!("main")));
    let (_, refused) = served.write("POST", "/projects", OWNER, json!({})).await;
    assert_eq!(refused, json!({ "error": "name, path are missing, at least one parameter must be provided" }));
}

#[tokio::test]
async fn settings_are_changed_by_maintainers_and_a_new_path_leaves_the_old_one_behind() {
    let served = serve(world()).await;
    let body = json!({ "path": "site", "name": "Site", "merge_requests_access_level": "disabled" });

    assert_eq!(served.write("PUT", WEB, "glpat-bob", body.clone()).await.0, 403);
    let (status, changed) = served.write("PUT", WEB, OWNER, body).await;
    assert_eq!((status, &changed["path_with_namespace"]), (200, &json!("acme/site")));
    assert_eq!(changed["name_with_namespace"], json!("Acme / Site"));
    assert_eq!(served.get(WEB, OWNER).await.status(), 301);
    assert_eq!(served.read("/projects/acme%2Fsite/merge_requests", OWNER).await.0, 403);
}

#[tokio::test]
async fn archiving_makes_read_only_until_it_is_taken_back() {
    let served = serve(world()).await;

    let (status, archived) = served.write("POST", &format!("{WEB}/archive"), OWNER, Value::Null).await;
    assert_eq!((status, &archived["archived"]), (201, &json!(true)));
    let note = format!("{WEB}/merge_requests/1/discussions");
    assert_eq!(served.write("POST", &note, OWNER, json!({ "body": "late" })).await.0, 403);
    let (_, back) = served.write("POST", &format!("{WEB}/unarchive"), OWNER, Value::Null).await;
    assert_eq!(back["archived"], json!(false));
}

#[tokio::test]
async fn deletion_is_marked_renamed_and_final_only_by_the_full_path() {
    let served = serve(world()).await;
    let id = served.read(WEB, OWNER).await.1["id"].clone();
    let path = format!("/projects/{id}");

    let gone = served.write("DELETE", &path, OWNER, Value::Null).await;
    assert_eq!(gone, (202, json!({ "message": "202 Accepted" })));
    let (_, marked) = served.read(&path, OWNER).await;
    assert_eq!(marked["marked_for_deletion_on"], json!("2026-01-16"));
    let again = served.write("DELETE", &path, OWNER, Value::Null).await;
    assert_eq!(again, (400, json!({ "message": "Project has been already marked for deletion" })));
    let (_, restored) = served.write("POST", &format!("{path}/restore"), OWNER, Value::Null).await;
    assert_eq!((&restored["path"], &restored["marked_for_deletion_on"]), (&json!("web"), &Value::Null));
    served.write("DELETE", &path, OWNER, Value::Null).await;
    let full = served.read(&path, OWNER).await.1["path_with_namespace"].clone();
    let body = json!({ "permanently_remove": true, "full_path": "acme/web" });
    assert_eq!(served.write("DELETE", &path, OWNER, body).await.0, 400);
    let body = json!({ "permanently_remove": true, "full_path": full });
    assert_eq!(served.write("DELETE", &path, OWNER, body).await.0, 202);
    assert_eq!(served.read(&path, OWNER).await.0, 404);

    let served = serve(world().with_edition(Edition::Community).with_version("17.11")).await;
    assert_eq!(served.write("DELETE", WEB, OWNER, Value::Null).await.0, 202);
    assert_eq!(served.read(WEB, OWNER).await.0, 404, "before 18.0 the Community Edition deletes at once");
}

#[tokio::test]
async fn projects_are_moved_shared_and_forked() {
    let served =
        serve(world().with_group("labs", |group| group.member("ann", Role::Owner).member("lea", Role::Developer)))
            .await;
    let labs = served.simulator.read(|world| world.group_by_path("labs").unwrap().id);

    let (status, fork) = served.write("POST", &format!("{WEB}/fork"), OWNER, json!({ "namespace_path": "labs" })).await;
    assert_eq!((status, &fork["path_with_namespace"]), (201, &json!("labs/web")));
    assert_eq!(fork["forked_from_project"]["path_with_namespace"], json!("acme/web"));
    assert_eq!(served.read(&format!("{WEB}/forks"), OWNER).await.1[0]["id"], fork["id"]);
    let again = served.write("POST", &format!("{WEB}/fork"), OWNER, json!({ "namespace_path": "labs" })).await;
    assert_eq!(again.0, 409);
    let body = json!({ "group_id": labs, "group_access": 20 });
    assert_eq!(served.write("POST", &format!("{WEB}/share"), OWNER, body.clone()).await.0, 201);
    assert_eq!(served.write("POST", &format!("{WEB}/share"), OWNER, body).await.0, 409);
    assert_eq!(served.read(WEB, OWNER).await.1["shared_with_groups"][0]["group_access_level"], json!(20));
    assert_eq!(served.write("DELETE", &format!("{WEB}/share/{labs}"), OWNER, Value::Null).await.0, 204);
    let (status, moved) = served.write("PUT", &format!("{WEB}/transfer"), OWNER, json!({ "namespace": labs })).await;
    assert_eq!(
        (status, &moved["message"]),
        (400, &json!("Project with same name or path in target namespace already exists"))
    );
}

#[tokio::test]
async fn a_renamed_group_takes_everything_below_along() {
    let world =
        world().with_group("acme", |group| group.subgroup("apps", |group| group.project("shop", |project| project)));
    let served = serve(world).await;

    let (status, group) =
        served.write("PUT", "/groups/acme", OWNER, json!({ "path": "acme2", "name": "Acme Two" })).await;
    assert_eq!((status, &group["full_path"], &group["full_name"]), (200, &json!("acme2"), &json!("Acme Two")));
    let (_, shop) = served.read("/projects/acme2%2Fapps%2Fshop", OWNER).await;
    assert_eq!(shop["name_with_namespace"], json!("Acme Two / Apps / Shop"));
    assert_eq!(served.get("/projects/acme%2Fapps%2Fshop", OWNER).await.status(), 301);
    assert_eq!(served.read("/groups/acme", OWNER).await.0, 404);
}

#[tokio::test]
async fn groups_are_made_shared_and_marked_for_deletion() {
    let served = serve(world()).await;
    let acme = served.simulator.read(|world| world.group_by_path("acme").unwrap().id);
    let body = json!({ "name": "Tools", "path": "tools", "parent_id": acme });

    assert_eq!(served.write("POST", "/groups", "glpat-bob", body.clone()).await.0, 403);
    let (status, made) = served.write("POST", "/groups", OWNER, body.clone()).await;
    assert_eq!((status, &made["full_path"], &made["parent_id"]), (201, &json!("acme/tools"), &json!(acme)));
    let again = served.write("POST", "/groups", OWNER, body).await;
    assert_eq!(again, (400, json!({ "message": "Failed to save group {:path=>[\"has already been taken\"]}" })));
    let (_, top) = served.write("POST", "/groups", "glpat-bob", json!({ "name": "Bobs", "path": "bobs" })).await;
    let shared =
        served.write("POST", "/groups/bobs/share", "glpat-bob", json!({ "group_id": acme, "group_access": 30 })).await;
    assert_eq!(shared.0, 201);
    assert_eq!(served.read("/groups/bobs", OWNER).await.0, 200);
    let id = &top["id"];
    assert_eq!(served.write("DELETE", &format!("/groups/{id}"), OWNER, Value::Null).await.0, 403);
    assert_eq!(served.write("DELETE", &format!("/groups/{id}"), "glpat-bob", Value::Null).await.0, 202);
    assert_eq!(
        served.read(&format!("/groups/{id}"), "glpat-bob").await.1["marked_for_deletion_on"],
        json!("2026-01-16")
    );
}

#[tokio::test]
async fn administrators_make_block_ban_and_remove_users() {
    let served = serve(world()).await;
    let body = json!({ "name": "Cid", "username": "cid", "email": "cid@example.com", "force_random_password": true });

    assert_eq!(served.write("POST", "/users", OWNER, body.clone()).await.0, 403);
    let (status, cid) = served.write("POST", "/users", ROOT, body.clone()).await;
    assert_eq!((status, &cid["username"], &cid["email"]), (201, &json!("cid"), &json!("cid@example.com")));
    let again = served.write("POST", "/users", ROOT, body).await;
    assert_eq!(again, (409, json!({ "message": "Email has already been taken" })));
    let path = format!("/users/{}", cid["id"]);
    assert_eq!(served.write("POST", &format!("{path}/block"), ROOT, Value::Null).await, (201, json!(true)));
    assert_eq!(served.write("POST", &format!("{path}/block"), ROOT, Value::Null).await, (201, Value::Null));
    let banned = served.write("POST", &format!("{path}/ban"), ROOT, Value::Null).await;
    assert_eq!(banned, (403, json!({ "message": "You cannot ban blocked users." })));
    served.write("POST", &format!("{path}/unblock"), ROOT, Value::Null).await;
    assert_eq!(served.write("POST", &format!("{path}/ban"), ROOT, Value::Null).await.0, 201);
    let state = served.simulator.read(|world| world.user_by_name("cid").unwrap().state);
    assert_eq!(state, UserState::Banned);
    assert_eq!(served.write("DELETE", &path, ROOT, Value::Null).await.0, 204);
    assert_eq!(served.read(&path, ROOT).await.0, 404);
}

#[tokio::test]
async fn the_only_owner_of_a_group_stays_and_others_leave_their_work_to_the_ghost() {
    let served = serve(world()).await;
    let (ann, bob) =
        served.simulator.read(|world| (world.user_by_name("ann").unwrap().id, world.user_by_name("bob").unwrap().id));
    served.simulator.world(|world| world.comment(1, "bob", "hello"));

    let kept = served.write("DELETE", &format!("/users/{ann}"), ROOT, Value::Null).await;
    assert_eq!(kept, (409, json!({ "message": "User cannot be removed while is the sole-owner of a group" })));
    let (_, places) = served.read(&format!("/users/{bob}/memberships"), ROOT).await;
    assert_eq!((&places[0]["source_type"], &places[0]["access_level"]), (&json!("Namespace"), &json!(30)));
    assert_eq!(served.read(&format!("/users/{bob}/memberships"), OWNER).await.0, 403);
    assert_eq!(served.write("DELETE", &format!("/users/{bob}"), ROOT, Value::Null).await.0, 204);
    let (_, notes) = served.read(&format!("{WEB}/merge_requests/1/notes"), OWNER).await;
    assert_eq!(notes[0]["author"]["username"], json!("ghost"));
}

#[tokio::test]
async fn a_merge_request_tells_its_pipelines_and_its_time() {
    let served = serve(world()).await;

    assert_eq!(served.read(&format!("{WEB}/merge_requests/1/pipelines"), READER).await, (200, json!([])));
    let (_, time) = served.read(&format!("{WEB}/merge_requests/1/time_stats"), READER).await;
    assert_eq!((&time["time_estimate"], &time["human_total_time_spent"]), (&json!(0), &Value::Null));
    assert_eq!(served.read(&format!("{WEB}/merge_requests/1/context_commits"), READER).await, (200, json!([])));
}

#[tokio::test]
async fn a_project_tells_the_groups_above_it() {
    let world = small().with_group("acme/apps", |group| group.project("shop", |project| project));
    let served = serve(world).await;

    let groups = served.read("/projects/acme%2Fapps%2Fshop/groups", OWNER).await.1;
    let paths: Vec<_> = groups.as_array().unwrap().iter().map(|group| group["full_path"].clone()).collect();
    assert_eq!(paths, ["acme", "acme/apps"]);
    let searched = served.read("/projects/acme%2Fapps%2Fshop/groups?search=apps", OWNER).await.1;
    assert_eq!(searched.as_array().unwrap().len(), 1);
}
