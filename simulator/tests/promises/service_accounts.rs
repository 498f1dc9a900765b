//! Service accounts of groups, and who takes a seat (`ee/lib/api/group_service_accounts.rb`, `ee/lib/ee/api/members.rb`).

use gitlab_simulator::world::{Edition, UserKind};
use serde_json::json;

use crate::support::{OWNER, READER, serve, small};

const ACCOUNTS: &str = "/groups/acme/service_accounts";

#[tokio::test]
async fn a_group_has_accounts_whose_tokens_work() {
    let served = serve(small()).await;

    let (status, made) = served.write("POST", ACCOUNTS, OWNER, json!({ "name": "Deployer" })).await;
    assert_eq!((status, &made["name"]), (201, &json!("Deployer")));
    assert!(made["username"].as_str().unwrap().starts_with("service_account_group_"));
    assert_eq!(served.read(ACCOUNTS, OWNER).await.1, json!([made]));
    let tokens = format!("{ACCOUNTS}/{}/personal_access_tokens", made["id"]);
    let wish = json!({ "name": "ci", "scopes": ["api"] });
    let (status, token) = served.write("POST", &tokens, OWNER, wish.clone()).await;
    assert_eq!((status, &token["user_id"]), (201, &made["id"]));
    let secret = token["token"].as_str().unwrap();
    assert_eq!(served.read("/user", secret).await.1["username"], made["username"]);
    let listed = served.read(&tokens, OWNER).await.1;
    assert_eq!((listed[0]["name"].clone(), listed[0].get("token")), (json!("ci"), None));

    // It is a member of nothing, and no other user is one.
    assert_eq!(served.read("/projects/acme%2Fweb", secret).await.0, 404);
    let other = served.write("POST", &format!("{ACCOUNTS}/1/personal_access_tokens"), OWNER, wish).await;
    assert_eq!(other, (404, json!({ "message": "404 User Not Found" })));
    assert_eq!(served.read(ACCOUNTS, READER).await.0, 403);
}

#[tokio::test]
async fn service_accounts_came_with_16_1_to_groups_at_the_top_of_enterprise_builds() {
    let served = serve(small().with_version("16.0")).await;
    assert_eq!(served.write("POST", ACCOUNTS, OWNER, json!({})).await.0, 404);
    let served = serve(small().with_edition(Edition::Community)).await;
    assert_eq!(served.write("POST", ACCOUNTS, OWNER, json!({})).await.0, 404);
    let served = serve(small().with_group("acme/apps", |group| group)).await;
    assert_eq!(served.write("POST", "/groups/acme%2Fapps/service_accounts", OWNER, json!({})).await.0, 400);
}

#[tokio::test]
async fn people_below_a_group_take_seats_and_bots_take_none() {
    let mut world =
        small().with_project("acme/web", |project| project.member("cid", gitlab_simulator::world::Role::Developer));
    world.create_user("robot", UserKind::ServiceAccount);
    let served = serve(world).await;

    let (status, seats) = served.read("/groups/acme/billable_members", OWNER).await;
    let told: Vec<_> =
        seats.as_array().unwrap().iter().map(|seat| [&seat["username"], &seat["membership_type"]]).collect();
    let expected = [["ann", "group_member"], ["bob", "group_member"], ["cid", "project_member"]];
    assert_eq!((status, json!(told)), (200, json!(expected)));
    assert_eq!(served.read("/groups/acme/billable_members", READER).await.0, 403);
}
