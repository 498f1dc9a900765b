//! One member of a group or a project (GitLab's `lib/api/members.rb`).

use gitlab_simulator::World;
use gitlab_simulator::world::Role;
use serde_json::{Value, json};

use crate::support::{OWNER, READER, serve, small};

fn id(world: &World, name: &str) -> i64 {
    world.user_by_name(name).unwrap().id
}

#[tokio::test]
async fn a_member_of_the_group_above_is_found_only_among_all() {
    let served = serve(small()).await;
    let bob = served.simulator.read(|world| id(world, "bob"));

    let direct = served.read(&format!("/projects/acme%2Fweb/members/{bob}"), READER).await;
    assert_eq!(direct, (404, json!({ "message": "404 Not found" })));
    let (status, member) = served.read(&format!("/projects/acme%2Fweb/members/all/{bob}"), READER).await;
    assert_eq!((status, &member["access_level"]), (200, &json!(30)));
    assert_eq!(served.read(&format!("/groups/acme/members/{bob}"), READER).await.0, 200);
}

#[tokio::test]
async fn adding_twice_is_a_conflict_and_strangers_are_no_users() {
    let served = serve(small().with_user("cid", |_| {})).await;
    let cid = served.simulator.read(|world| id(world, "cid"));
    let body = json!({ "user_id": cid, "access_level": 20, "expires_at": "2030-01-01" });

    let (status, member) = served.write("POST", "/groups/acme/members", OWNER, body.clone()).await;
    assert_eq!((status, &member["access_level"], &member["expires_at"]), (201, &json!(20), &json!("2030-01-01")));
    let again = served.write("POST", "/groups/acme/members", OWNER, body).await;
    assert_eq!(again, (409, json!({ "message": "Member already exists" })));
    let nobody = json!({ "user_id": 4711, "access_level": 20 });
    let absent = served.write("POST", "/groups/acme/members", OWNER, nobody).await;
    assert_eq!(absent, (404, json!({ "message": "404 User Not Found" })));
}

#[tokio::test]
async fn only_owners_change_the_members_of_a_group() {
    let world = small().with_token("glpat-bob", |token| token.user("bob"));
    let served = serve(world).await;
    let ann = served.simulator.read(|world| id(world, "ann"));

    let path = format!("/groups/acme/members/{ann}");
    let refused = served.write("PUT", &path, "glpat-bob", json!({ "access_level": 10 })).await;
    assert_eq!(refused, (403, json!({ "message": "403 Forbidden" })));
    let (status, refused) = served.write("PUT", &path, READER, json!({ "access_level": 10 })).await;
    assert_eq!((status, &refused["error"]), (403, &json!("insufficient_scope")));
    // The last owner stays.
    assert_eq!(served.write("DELETE", &path, OWNER, Value::Null).await.0, 403);
}

#[tokio::test]
async fn a_role_below_the_inherited_one_is_refused() {
    let served = serve(small()).await;
    let bob = served.simulator.read(|world| id(world, "bob"));

    let body = json!({ "user_id": bob, "access_level": 10 });
    let (status, refused) = served.write("POST", "/projects/acme%2Fweb/members", OWNER, body).await;
    let words = "should be greater than or equal to Developer inherited membership from group Acme";
    assert_eq!((status, refused), (400, json!({ "message": { "access_level": [words] } })));
}

#[tokio::test]
async fn people_may_leave() {
    let world = small()
        .with_group("acme", |group| group.member("cid", Role::Reporter))
        .with_token("glpat-cid", |token| token.user("cid"));
    let served = serve(world).await;
    let cid = served.simulator.read(|world| id(world, "cid"));

    let path = format!("/groups/acme/members/{cid}");
    assert_eq!(served.write("DELETE", &path, "glpat-cid", Value::Null).await.0, 204);
    assert_eq!(served.read("/groups/acme", "glpat-cid").await.0, 404);
}
