//! Several tokens: who asks, who is set aside, who shares a budget.

use gitlab_connector::gitlab::{Dialect, Error, SetAside};

use super::client;
use super::fake::{Asked, Fake, json, user, with_headers};

const REVOKED: &str =
    r#"{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}"#;

fn who(asked: &Asked) -> String {
    asked.token().unwrap_or_default()
}

/// `GET /personal_access_tokens/self` for a token of that user.
fn token_of(user: i64) -> axum::http::Response<axum::body::Body> {
    json(200, &format!(r#"{{"id":1,"user_id":{user},"scopes":["read_api"],"expires_at":"2027-01-19","active":true}}"#))
}

fn asks_itself(asked: &Asked) -> bool {
    asked.target.ends_with("/personal_access_tokens/self")
}

#[tokio::test]
async fn a_revoked_token_is_set_aside_and_the_other_goes_on() {
    let fake = Fake::serve(|asked| match who(asked).as_str() {
        "old" => json(401, REVOKED),
        _ if asks_itself(asked) => token_of(2),
        _ => user(2),
    })
    .await;
    let client = client(&fake.url, &["old", "new"]);

    for _ in 0..4 {
        assert_eq!(client.user(2).await.unwrap().id, 2);
    }

    assert_eq!(client.set_aside(), [SetAside { token: "old".into(), dialect: Dialect::Revoked }]);
    assert_eq!(fake.tokens().iter().filter(|token| *token == "old").count(), 1);
}

#[tokio::test]
async fn when_no_token_is_left_the_last_refusal_is_the_error() {
    let fake = Fake::serve(|_| json(401, r#"{"message":"401 Unauthorized"}"#)).await;

    let answer = client(&fake.url, &["one", "two"]).user(1).await;

    assert!(matches!(answer, Err(Error::Unauthorized { dialect: Dialect::Plain, .. })), "{answer:?}");
}

#[tokio::test]
async fn tokens_of_different_users_share_the_work() {
    let fake = Fake::serve(|asked| match (asks_itself(asked), who(asked).as_str()) {
        (true, "one") => token_of(1),
        (true, _) => token_of(2),
        _ => user(9),
    })
    .await;
    let client = client(&fake.url, &["one", "two"]);

    for _ in 0..10 {
        client.user(9).await.unwrap();
    }

    let by_one = fake.log().iter().filter(|asked| !asks_itself(asked) && who(asked) == "one").count();
    assert!((4..=6).contains(&by_one), "{by_one} of 10 by one");
}

#[tokio::test]
async fn two_tokens_of_one_user_share_one_budget() {
    let limited = |asked: &Asked| asked.nth == 3;
    let fake = Fake::serve(move |asked| match asks_itself(asked) {
        true => token_of(7),
        false if limited(asked) => {
            with_headers(json(429, "Retry later\n"), &[("retry-after", "120"), ("ratelimit-limit", "9")])
        }
        false => user(9),
    })
    .await;

    let answer = client(&fake.url, &["one", "two"]).user(9).await;

    // With budgets of their own the second token would have gone on at once.
    assert!(matches!(answer, Err(Error::RateLimited { .. })), "{answer:?}");
}

#[tokio::test]
async fn what_one_user_may_not_see_is_asked_of_the_next() {
    let fake = Fake::serve(|asked| match who(asked).as_str() {
        _ if asks_itself(asked) => token_of(i64::try_from(asked.nth).unwrap()),
        "outsider" => json(404, r#"{"message":"404 Project Not Found"}"#),
        _ => json(200, r#"{"id":42,"path_with_namespace":"a/b"}"#),
    })
    .await;
    let client = client(&fake.url, &["outsider", "insider"]);

    for _ in 0..3 {
        assert_eq!(client.project("a/b").await.unwrap().id, 42);
    }
}

#[tokio::test]
async fn what_no_user_may_see_is_not_found() {
    let fake = Fake::serve(|asked| match asks_itself(asked) {
        true => token_of(i64::try_from(asked.nth).unwrap()),
        false => json(404, r#"{"message":"404 Project Not Found"}"#),
    })
    .await;

    let answer = client(&fake.url, &["one", "two"]).project("a/b").await;

    assert!(matches!(answer, Err(Error::NotFound { route: false, .. })), "{answer:?}");
    assert_eq!(fake.log().len(), 4);
}

#[tokio::test]
async fn a_restricted_client_uses_its_token_alone() {
    let fake = Fake::serve(|_| user(1)).await;
    let client = client(&fake.url, &["one", "two", "three"]);

    client.only("two").user(1).await.unwrap();
    client.among(&["two".into(), "three".into()]).only("three").user(1).await.unwrap();

    assert_eq!(fake.tokens(), ["two", "three"]);
}
