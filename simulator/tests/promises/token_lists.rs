//! Tokens that are listed, made, looked at and taken back (GitLab's `lib/api/personal_access_tokens.rb` and
//! `resource_access_tokens.rb`).

use gitlab_simulator::world::{Role, Scope};
use serde_json::{Value, json};

use crate::support::{OWNER, READER, serve, small};

const ROOT: &str = "glpat-root";

fn world() -> gitlab_simulator::World {
    small()
        .with_time("2026-01-16T06:00:00Z")
        .with_token(ROOT, |token| token)
        .with_token("glpat-old", |token| token.user("bob").change(|token| token.name = "Old one".to_owned()).revoked())
}

#[tokio::test]
async fn people_list_their_own_tokens_and_administrators_all() {
    let served = serve(world()).await;
    let bob = served.simulator.read(|world| world.user_by_name("bob").unwrap().id);

    assert_eq!(served.read("/personal_access_tokens", READER).await.1.as_array().unwrap().len(), 2);
    assert_eq!(served.read("/personal_access_tokens", ROOT).await.1.as_array().unwrap().len(), 4);
    let (_, active) = served.read(&format!("/personal_access_tokens?user_id={bob}&state=active"), ROOT).await;
    assert_eq!((active.as_array().unwrap().len(), &active[0]["scopes"]), (1, &json!(["read_api"])));
    let (_, found) = served.read("/personal_access_tokens?search=old", READER).await;
    assert_eq!(
        (&found[0]["name"], &found[0]["active"], found[0].get("token")),
        (&json!("Old one"), &json!(false), None)
    );
    assert_eq!(served.read(&format!("/personal_access_tokens?user_id={bob}"), OWNER).await.0, 401);
}

#[tokio::test]
async fn only_administrators_learn_that_a_token_is_not_there() {
    let served = serve(world()).await;

    assert_eq!(served.read("/personal_access_tokens/4711", OWNER).await.0, 401);
    let absent = served.read("/personal_access_tokens/4711", ROOT).await;
    assert_eq!(absent, (404, json!({ "message": "404 Not Found" })));
}

#[tokio::test]
async fn the_last_use_is_written_down_once_a_minute() {
    let served = serve(world()).await;
    let unused = served.simulator.read(|world| world.token_by_secret(OWNER).unwrap().last_used_at);
    assert_eq!(unused, None);

    served.simulator.world(|world| world.advance(jiff::SignedDuration::from_secs(90)));
    let (_, own) = served.read("/personal_access_tokens/self", OWNER).await;
    assert_eq!(own["last_used_at"], json!("2026-01-16T06:01:30.000Z"));
    served.simulator.world(|world| world.advance(jiff::SignedDuration::from_secs(30)));
    assert_eq!(served.read("/personal_access_tokens/self", OWNER).await.1["last_used_at"], own["last_used_at"]);
}

#[tokio::test]
async fn a_revoked_token_is_dead_and_those_of_others_cannot_be_revoked() {
    let served = serve(world()).await;
    let reader = served.simulator.read(|world| world.token_by_secret(READER).unwrap().id);

    let path = format!("/personal_access_tokens/{reader}");
    let refused = served.write("DELETE", &path, OWNER, Value::Null).await;
    assert_eq!(refused, (400, json!({ "message": "400 Bad request" })));
    assert_eq!(served.write("DELETE", &path, ROOT, Value::Null).await.0, 204);
    assert_eq!(served.read("/user", READER).await.0, 401);
    assert_eq!(served.write("DELETE", "/personal_access_tokens/self", OWNER, Value::Null).await.0, 204);
    assert_eq!(served.read("/user", OWNER).await.0, 401);
}

#[tokio::test]
async fn rotating_a_revoked_token_by_its_id_kills_the_family() {
    let served = serve(world()).await;
    let id = served.simulator.read(|world| world.token_by_secret(OWNER).unwrap().id);

    let path = format!("/personal_access_tokens/{id}/rotate");
    let (status, new) = served.write("POST", &path, ROOT, Value::Null).await;
    assert_eq!((status, &new["last_used_at"], &new["expires_at"]), (200, &Value::Null, &json!("2026-01-23")));
    let again = served.write("POST", &path, ROOT, Value::Null).await;
    assert_eq!(again, (400, json!({ "message": "400 Bad request - Token already revoked" })));
    assert_eq!(served.read("/user", new["token"].as_str().unwrap()).await.0, 401);
}

#[tokio::test]
async fn an_administrator_makes_a_token_for_somebody() {
    let served = serve(world()).await;
    let bob = served.simulator.read(|world| world.user_by_name("bob").unwrap().id);
    let path = format!("/users/{bob}/personal_access_tokens");
    let body = json!({ "name": "importer", "scopes": ["read_api"], "expires_at": "2028-01-01" });

    assert_eq!(served.write("POST", &path, OWNER, body.clone()).await.0, 403);
    let refused = served.write("POST", &path, ROOT, body).await;
    assert_eq!(refused, (422, json!({ "message": "Expiration date must be before 2027-01-16" })));
    let body = json!({ "name": "importer", "scopes": ["read_api"] });
    let (status, made) = served.write("POST", &path, ROOT, body).await;
    assert_eq!((status, &made["expires_at"]), (201, &json!("2027-01-16")));
    assert_eq!(served.read("/user", made["token"].as_str().unwrap()).await.1["username"], json!("bob"));
}

#[tokio::test]
async fn each_token_of_a_group_has_a_bot_of_its_own() {
    let served = serve(world()).await;
    let body = json!({ "name": "importer", "scopes": ["read_api"], "access_level": 20 });

    let (status, first) = served.write("POST", "/groups/acme/access_tokens", OWNER, body.clone()).await;
    assert_eq!((status, &first["access_level"]), (201, &json!(20)));
    let (_, second) = served.write("POST", "/groups/acme/access_tokens", OWNER, body.clone()).await;
    assert_ne!(first["user_id"], second["user_id"]);
    let (_, user) = served.read("/user", first["token"].as_str().unwrap()).await;
    assert!(user["username"].as_str().unwrap().starts_with("group_1_bot_"), "{user}");
    assert_eq!((&user["bot"], &user["name"]), (&json!(true), &json!("importer")));
    // The secret came once.
    let (_, listed) = served.read("/groups/acme/access_tokens", OWNER).await;
    assert_eq!((listed.as_array().unwrap().len(), listed[0].get("token")), (2, None));
    let refused = served.write("POST", "/groups/acme/access_tokens", first["token"].as_str().unwrap(), body).await;
    assert_eq!(refused.0, 403, "read_api does not write");
}

#[tokio::test]
async fn a_project_token_needs_a_maintainer_and_cannot_exceed_its_maker() {
    let world = world()
        .with_group("acme", |group| group.member("max", Role::Maintainer).member("dev", Role::Developer))
        .with_token("glpat-max", |token| token.user("max"))
        .with_token("glpat-dev", |token| token.user("dev"));
    let served = serve(world).await;
    let path = "/projects/acme%2Fweb/access_tokens";
    let body = json!({ "name": "ci", "scopes": ["api"], "access_level": 50 });

    let (_, refused) = served.write("POST", path, "glpat-dev", body.clone()).await;
    let words = "400 Bad request - User does not have permission to create project access token";
    assert_eq!(refused, json!({ "message": words }));
    let (status, refused) = served.write("POST", path, "glpat-max", body).await;
    let words = "400 Bad request - Access level of the token contains permissions not held by the creating user";
    assert_eq!((status, refused), (400, json!({ "message": words })));
    let body = json!({ "name": "ci", "scopes": ["api"] });
    let (_, made) = served.write("POST", path, "glpat-max", body).await;
    assert_eq!((&made["access_level"], &made["expires_at"]), (&json!(40), &json!("2027-01-16")));
    assert_eq!(served.read(path, "glpat-dev").await.0, 401);
    let one = format!("{path}/{}", made["id"]);
    assert_eq!(served.write("POST", &format!("{one}/rotate"), "glpat-dev", Value::Null).await.0, 401);
    let (status, rotated) = served.write("POST", &format!("{one}/rotate"), "glpat-max", Value::Null).await;
    assert_eq!((status, &rotated["access_level"]), (200, &json!(40)));
    assert_eq!(served.write("DELETE", &format!("{path}/{}", rotated["id"]), "glpat-max", Value::Null).await.0, 204);
    assert_eq!(served.read("/user", rotated["token"].as_str().unwrap()).await.0, 401);
    let absent = served.read(&format!("{path}/4711"), "glpat-max").await;
    assert_eq!(absent, (404, json!({ "message": "404 project Access Token Not Found" })));
}

#[tokio::test]
async fn wrong_scopes_and_missing_names_are_refused() {
    let served = serve(world()).await;
    let path = "/groups/acme/access_tokens";

    let (_, refused) = served.write("POST", path, OWNER, json!({ "scopes": ["api"] })).await;
    assert_eq!(refused, json!({ "error": "name is missing" }));
    let (_, refused) = served.write("POST", path, OWNER, json!({ "name": "x", "scopes": ["sudo"] })).await;
    assert_eq!(refused, json!({ "error": "scopes does not have a valid value" }));
}

#[tokio::test]
async fn associations_tell_what_the_token_reaches() {
    let world = world().with_group_token("glpat-group", "acme", Role::Reporter, &[Scope::ReadUser]);
    let served = serve(world.clone()).await;

    let (status, reached) = served.read("/personal_access_tokens/self/associations", "glpat-group").await;
    assert_eq!((status, &reached["groups"][0]["access_levels"]), (200, &json!(20)));
    let levels = json!({ "project_access_level": null, "group_access_level": 20 });
    assert_eq!(reached["projects"][0]["access_levels"], levels);
    let served = serve(world.with_version("17.3")).await;
    assert_eq!(served.read("/personal_access_tokens/self/associations", "glpat-group").await.0, 404);
}
