//! What requests ask for: declared as GitLab's Grape declares it, and refused in its words.

use serde_json::json;

use crate::support::{OWNER, READER, answer, serve, small};

const WEB: &str = "/projects/acme%2Fweb";

/// The declarations are those of lib/api/*.rb; the words are Grape's.
#[tokio::test]
async fn values_that_gitlab_does_not_know_are_refused() {
    let served = serve(small()).await;

    for (path, error) in [
        (format!("{WEB}/merge_requests?sort=x"), "sort does not have a valid value"),
        (format!("{WEB}/merge_requests?view=x"), "view does not have a valid value"),
        (format!("{WEB}/merge_requests?wip=true"), "wip does not have a valid value"),
        (format!("{WEB}/merge_requests?updated_after=soon"), "updated_after is invalid"),
        (
            format!("{WEB}/merge_requests?author_id=1&author_username=ann"),
            "author_id, author_username are mutually exclusive",
        ),
        (
            format!("{WEB}/merge_requests?assignee_id=x"),
            "assignee_id should be an integer, None, or Any, however got x",
        ),
        ("/groups?order_by=x".to_owned(), "order_by does not have a valid value"),
        ("/groups?visibility=x".to_owned(), "visibility does not have a valid value"),
        ("/groups?min_access_level=7".to_owned(), "min_access_level does not have a valid value"),
        (format!("{WEB}/merge_requests/1/notes?sort=x"), "sort does not have a valid value"),
        (format!("{WEB}/merge_requests/1/notes?order_by=x"), "order_by does not have a valid value"),
        (format!("{WEB}/merge_requests/1/notes?activity_filter=x"), "activity_filter does not have a valid value"),
        (format!("{WEB}/deployments?status=zz"), "status does not have a valid value"),
        (format!("{WEB}/jobs?scope[]=zz"), "scope does not have a valid value"),
        ("/projects?page=x".to_owned(), "page is invalid"),
        ("/projects?per_page=0".to_owned(), "per_page has a value not allowed"),
        (
            "/projects?order_by=x&sort=y".to_owned(),
            "order_by does not have a valid value, sort does not have a valid value",
        ),
    ] {
        assert_eq!(served.read(&path, READER).await, (400, json!({ "error": error })), "{path}");
    }
}

#[tokio::test]
async fn parameters_that_nobody_declared_are_ignored() {
    let served = serve(small()).await;

    assert_eq!(served.read(&format!("{WEB}/merge_requests?nonsense=x&not[nonsense]=y"), READER).await.0, 200);
}

#[tokio::test]
async fn who_may_not_call_is_told_before_what_is_wrong_with_the_call() {
    let served = serve(small()).await;

    assert_eq!(served.read(&format!("{WEB}/jobs?scope[]=zz"), "").await.0, 401);
}

/// Grape reads forms and JSON; GitLab declares no other type (lib/api/api.rb).
#[tokio::test]
async fn bodies_are_json_or_forms_and_nothing_else() {
    let served = serve(small()).await;
    let hooks = format!("{WEB}/hooks");
    let send = |content_type: &'static str, body: &'static str| {
        let (served, hooks) = (&served, &hooks);
        async move { answer(served.send(hooks, OWNER, content_type, body).await).await }
    };

    let plain = send("text/plain", r#"{"url":"https://a.example.com"}"#).await;
    assert_eq!(plain, (415, json!({ "error": "The provided content-type 'text/plain' is not supported." })));
    let broken = send("application/json", r#"{"url":"#).await;
    assert_eq!(broken.0, 400);
    assert!(broken.1["error"].as_str().unwrap().contains("message body does not match declared format"));
    let form = send(
        "application/x-www-form-urlencoded",
        "url=https://a.example.com&custom_headers[][key]=a&custom_headers[][value]=b",
    );
    let form = form.await;
    assert_eq!((form.0, &form.1["custom_headers"]), (201, &json!([{ "key": "a" }])));
    let parts = "--x\r\nContent-Disposition: form-data; name=\"url\"\r\n\r\nhttps://b.example.com\r\n--x--\r\n";
    assert_eq!(send("multipart/form-data; boundary=x", parts).await.0, 201);
}
