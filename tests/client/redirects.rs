//! Where tokens go, and where they never go.

use gitlab_connector::gitlab::Error;

use super::client;
use super::fake::{Fake, json, user, with_headers};

fn moved(to: &str) -> axum::http::Response<axum::body::Body> {
    with_headers(json(301, "This resource has been moved permanently"), &[("location", to)])
}

#[tokio::test]
async fn a_redirect_to_another_host_never_carries_the_token() {
    let thief = Fake::serve(|_| user(1)).await;
    let target = format!("{}api/v4/user", thief.url);
    let fake = Fake::serve(move |_| moved(&target)).await;

    let answer = client(&fake.url, &["primary"]).current_user().await;

    let origin = thief.url.trim_end_matches('/').to_owned();
    assert_eq!(answer, Err(Error::RedirectedElsewhere { origin }));
    assert!(thief.log().is_empty());
}

#[tokio::test]
async fn a_moved_project_is_followed_with_the_token() {
    let fake = Fake::serve(|asked| match asked.target.as_str() {
        "/api/v4/projects/old%2Fname" => moved("/api/v4/projects/42"),
        _ => json(200, r#"{"id":42,"path_with_namespace":"new/name"}"#),
    })
    .await;

    let project = client(&fake.url, &["primary"]).project("old/name").await.unwrap();

    assert_eq!(project.path_with_namespace, "new/name");
    assert_eq!(fake.tokens(), ["primary", "primary"]);
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let fake = Fake::serve(|_| moved("/api/v4/user")).await;

    let answer = client(&fake.url, &["primary"]).current_user().await;

    assert!(matches!(answer, Err(Error::NotGitLab { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_relative_root_is_kept_through_pages() {
    let next = r#"<http://internal:8080/gitlab/api/v4/groups?page=2&per_page=100>; rel="next""#;
    let fake = Fake::serve(move |asked| match asked.nth {
        1 => with_headers(json(200, r#"[{"id":1,"full_path":"a"}]"#), &[("link", next), ("x-total", "2")]),
        _ => json(200, r#"[{"id":2,"full_path":"b"}]"#),
    })
    .await;
    let mut pages = client(&format!("{}gitlab", fake.url), &["primary"]).groups();

    let first = pages.next().await.unwrap().unwrap();
    let total = pages.total();
    let second = pages.next().await.unwrap().unwrap();

    assert_eq!((first[0].id, second[0].id, total), (1, 2, Some(2)));
    assert!(pages.next().await.is_none());
    assert_eq!(fake.targets()[1], "/gitlab/api/v4/groups?page=2&per_page=100");
}

#[tokio::test]
async fn a_page_that_fails_is_asked_for_again_by_the_next_call() {
    let fake =
        Fake::serve(|asked| if asked.nth == 1 { json(400, r#"{"error":"bad luck"}"#) } else { json(200, "[]") }).await;
    let mut pages = client(&fake.url, &["primary"]).groups();

    assert!(pages.next().await.unwrap().is_err());
    assert_eq!(pages.next().await.unwrap().unwrap(), []);
    assert!(pages.next().await.is_none());
}
