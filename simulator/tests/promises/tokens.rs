//! Tokens that are replaced.

use gitlab_simulator::world::{Role, Scope};
use serde_json::{Value, json};

use crate::support::{OWNER, READER, serve, small};

const ROTATE: &str = "/personal_access_tokens/self/rotate";

#[tokio::test]
async fn without_a_wish_a_rotated_token_lives_a_week_and_the_old_one_dies() {
    let served = serve(small().with_time("2026-01-16T06:00:00Z")).await;

    let (status, body) = served.write("POST", ROTATE, OWNER, Value::Null).await;
    assert_eq!((status, &body["expires_at"]), (200, &json!("2026-01-23")));
    assert_eq!(served.read("/user", OWNER).await.0, 401);
    assert_eq!(served.read("/user", body["token"].as_str().unwrap()).await.0, 200);
}

#[tokio::test]
async fn rotating_a_dead_token_kills_the_family() {
    let served = serve(small()).await;
    let (_, body) = served.write("POST", ROTATE, OWNER, json!({ "expires_at": null })).await;
    let new = body["token"].as_str().unwrap();

    assert_eq!(served.write("POST", ROTATE, OWNER, Value::Null).await.0, 401);
    let (status, refused) = served.read("/user", new).await;
    assert_eq!(status, 401);
    assert!(refused["error_description"].as_str().unwrap().starts_with("Token was revoked."));
}

#[tokio::test]
async fn rotation_needs_its_scope_and_the_right_kind_of_token() {
    let world = small().with_group_token("glpat-group", "acme", Role::Developer, &[Scope::SelfRotate]);
    let served = serve(world).await;

    let (status, body) = served.write("POST", ROTATE, READER, Value::Null).await;
    assert_eq!((status, &body["error"]), (403, &json!("insufficient_scope")));
    assert_eq!(served.write("POST", "/groups/acme/access_tokens/self/rotate", OWNER, Value::Null).await.0, 405);
    let rotated = served.write("POST", "/groups/acme/access_tokens/self/rotate", "glpat-group", Value::Null).await;
    assert_eq!((rotated.0, &rotated.1["access_level"]), (200, &json!(30)));
}

#[tokio::test]
async fn a_token_dies_at_midnight_of_its_day() {
    let world = small()
        .with_time("2026-01-15T23:59:59Z")
        .with_token("glpat-day", |token| token.user("bob").expires("2026-01-16"));
    let served = serve(world).await;
    assert_eq!(served.read("/user", "glpat-day").await.0, 200);

    served.simulator.world(|world| world.advance(jiff::SignedDuration::from_secs(1)));
    assert_eq!(served.read("/user", "glpat-day").await.0, 401);
}
