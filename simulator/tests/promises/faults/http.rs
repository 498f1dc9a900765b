//! Answers that are not GitLab's, and headers that are wrong.

use gitlab_simulator::world::{Role, Scope};
use gitlab_simulator::{Fault, FaultKind, Tells};
use serde_json::{Value, json};

use super::{LIST, once, query};
use crate::support::{OWNER, READER, answer, serve, small};

#[tokio::test]
async fn both_kinds_of_429_look_as_they_do() {
    let served = once(FaultKind::RetryLater { seconds: 7 }).await;

    let attack = served.get(LIST, READER).await;
    assert_eq!((attack.status().as_u16(), attack.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert!(attack.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(attack.text().await.unwrap(), "Retry later\n");
    assert_eq!(served.read(LIST, READER).await.0, 200, "it was switched on for one request");

    served.simulator.faults().add(Fault::at("GET /projects/:id/*", FaultKind::TooManyRequests));
    let limiter = served.get(LIST, READER).await;
    assert!(limiter.headers().get("retry-after").is_none());
    let error = "This endpoint has been requested too many times. Try again later.";
    assert_eq!(answer(limiter).await, (429, json!({ "message": { "error": error } })));
}

#[tokio::test]
async fn a_429_may_tell_the_time_in_other_ways() {
    let served = serve(small().with_time("2026-01-16T06:00:00Z")).await;
    let told = async |tells: Tells| {
        served.simulator.faults().add(Fault::at("*", FaultKind::Throttled { seconds: 60, tells }).times(1));
        let headers = served.get(LIST, READER).await.headers().clone();
        let header = |name: &str| headers.get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned());
        (header("retry-after"), header("ratelimit-reset"), header("date"))
    };
    let reset = "1768543260".to_owned();

    let everything = told(Tells::Everything).await;
    assert_eq!((everything.0, everything.1), ("60".to_owned(), reset.clone()));
    let date = told(Tells::Date).await;
    assert_eq!((date.0.as_str(), &date.1), ("Fri, 16 Jan 2026 06:01:00 GMT", &reset));
    let only = told(Tells::ResetOnly).await;
    assert_eq!((only.0.as_str(), &only.1), ("", &reset));
    let wrong = told(Tells::WrongClock).await;
    let hour_ago = "Fri, 16 Jan 2026 05:00:00 GMT".to_owned();
    assert_eq!(wrong, ("60".to_owned(), "1768539660".to_owned(), hour_ago));
    let nothing = told(Tells::Nothing).await;
    assert_eq!((nothing.0.as_str(), nothing.1.as_str()), ("", ""));
}

#[tokio::test]
async fn budgets_are_per_user_whatever_the_token() {
    let mut world = small()
        .with_token("glpat-second", |token| token.user("bob").scopes(&[Scope::ReadApi]))
        .with_group_token("glpat-other", "acme", Role::Developer, &[Scope::ReadApi])
        .with_time("2026-01-16T06:00:30Z");
    world.settings.rate_limit = Some(2);
    let served = serve(world).await;

    let first = served.get("/projects", READER).await;
    assert_eq!(first.headers()["ratelimit-remaining"], "1");
    assert_eq!(served.read("/projects", "glpat-second").await.0, 200);
    let third = served.get("/projects", READER).await;
    assert_eq!((third.status().as_u16(), third.headers()["retry-after"].to_str().unwrap()), (429, "30"));
    assert_eq!(served.read("/projects", "glpat-other").await.0, 200);
}

#[tokio::test]
async fn an_endpoint_has_a_budget_of_its_own_for_each_user() {
    let mut world = small();
    world.settings.endpoint_limits = vec![("/groups/:id", 1, 3600)];
    let served = serve(world).await;

    assert_eq!(served.read("/groups/acme", READER).await.0, 200);
    let second = served.get("/groups/acme", READER).await;
    assert_eq!((second.status().as_u16(), second.headers().get("retry-after")), (429, None));
    assert_eq!(served.read("/groups", READER).await.0, 200);
    assert_eq!(served.read("/groups/acme", OWNER).await.0, 200);
}

#[tokio::test]
async fn servers_break_in_json_in_html_or_without_a_word() {
    let served = once(FaultKind::Status { status: 502 }).await;
    assert_eq!(served.read(LIST, READER).await, (502, json!({ "message": "502 Bad Gateway" })));

    served.simulator.faults().add(Fault::at("*", FaultKind::Empty { status: 500 }).times(1));
    assert_eq!(served.read(LIST, READER).await, (500, json!("")));
    for (status, word) in [(200, "proxy"), (403, "blocked"), (502, "boot"), (503, "Deploy")] {
        served.simulator.faults().add(Fault::at("*", FaultKind::Html { status }).times(1));
        let html = served.get(LIST, READER).await;
        assert!(html.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        assert_eq!(html.status().as_u16(), status);
        assert!(html.text().await.unwrap().contains(word), "{status}");
    }
    assert_eq!(served.read(LIST, READER).await.0, 200);
}

#[tokio::test]
async fn redirects_lead_elsewhere_or_in_a_circle() {
    for status in [301, 302, 307] {
        let to = "https://elsewhere.example.com/login".to_owned();
        let served = once(FaultKind::Redirect { status, to: to.clone() }).await;
        let away = served.get(LIST, READER).await;
        assert_eq!((away.status().as_u16(), away.headers()["location"].to_str().unwrap()), (status, to.as_str()));
    }
    let served = once(FaultKind::Redirect { status: 302, to: "{self}".to_owned() }).await;
    let circle = served.get(&format!("{LIST}?state=all"), READER).await;
    assert_eq!(circle.headers()["location"], format!("/api/v4{LIST}?state=all").as_str());
}

#[tokio::test]
async fn a_token_may_be_refused_this_once() {
    let served = once(FaultKind::Unauthorized).await;
    assert_eq!(served.read(LIST, READER).await, (401, json!({ "message": "401 Unauthorized" })));

    served.simulator.faults().add(Fault::at("*", FaultKind::Unauthorized).times(1));
    let refused = query(&served, "{ metadata { version } }", Value::Null).await;
    assert_eq!(refused, (401, json!({ "errors": [{ "message": "Invalid token" }] })));
    assert_eq!(served.read(LIST, READER).await.0, 200);
}

#[tokio::test]
async fn bodies_may_be_empty_null_or_of_another_kind() {
    for text in ["", "null", "[]"] {
        let served = once(FaultKind::Body { text: text.to_owned() }).await;
        assert_eq!(served.get(LIST, READER).await.text().await.unwrap(), text);
    }
    let served = once(FaultKind::ContentType { value: Some("text/html".to_owned()) }).await;
    let html = served.get(LIST, READER).await;
    assert_eq!(html.headers()["content-type"], "text/html");
    assert!(html.text().await.unwrap().starts_with('['), "JSON all the same");
    served.simulator.faults().add(Fault::at("*", FaultKind::ContentType { value: None }).times(1));
    assert_eq!(served.get(LIST, READER).await.headers().get("content-type"), None);
    served.simulator.faults().add(Fault::at("*", FaultKind::Utf16).times(1));
    let wide = served.get(LIST, READER).await.bytes().await.unwrap();
    assert_eq!(&wide[..4], b"\xff\xfe[\0");
}

#[tokio::test]
async fn headers_of_paging_are_missing_or_wrong() {
    let names = ["x-next-page", "link", "x-total"].map(str::to_owned).to_vec();
    let served = once(FaultKind::DropHeaders { names: names.clone() }).await;
    let bare = served.get(LIST, READER).await;
    assert!(names.iter().all(|name| bare.headers().get(name).is_none()) && bare.headers().contains_key("x-page"));

    let lie = FaultKind::SetHeader { name: "X-Total".to_owned(), value: "many".to_owned() };
    served.simulator.faults().add(Fault::at("*", lie).times(1));
    assert_eq!(served.get(LIST, READER).await.headers()["x-total"], "many");
    let base = FaultKind::LinkBase { base: "http://gitlab.internal:8080".to_owned() };
    served.simulator.faults().add(Fault::at("*", base).times(1));
    let link = served.get(LIST, READER).await.headers()["link"].to_str().unwrap().to_owned();
    assert!(link.starts_with("<http://gitlab.internal:8080/api/v4/projects/"), "{link}");
}

#[tokio::test]
async fn a_poisoned_record_fails_every_answer_that_it_is_in() {
    let world = small().with_project("acme/web", |project| {
        project.merge_request("Say \"no\"", |found| found).merge_request("Fine", |found| found)
    });
    let served = serve(world).await;
    let poison = FaultKind::PoisonedBy { text: "Say \"no\"".to_owned(), status: 500 };
    served.simulator.faults().add(Fault::at("*", poison));

    let whole = served.get(&format!("{LIST}?sort=asc"), READER).await;
    assert_eq!(whole.headers().get("x-total"), None, "a failure has no pages");
    assert_eq!(answer(whole).await, (500, json!({ "message": "500 Internal Server Error" })));
    let status = async |page: usize| served.read(&format!("{LIST}?sort=asc&per_page=1&page={page}"), READER).await.0;
    assert_eq!([status(1).await, status(2).await, status(3).await], [200, 500, 200]);
    // `GraphqlController#render_error`.
    let titled =
        |iid: &str| format!(r#"{{ project(fullPath: "acme/web") {{ mergeRequest(iid: "{iid}") {{ title }} }} }}"#);
    let failed = query(&served, &titled("2"), Value::Null).await;
    assert_eq!(failed, (500, json!({ "errors": [{ "message": "Internal server error" }] })));
    assert_eq!(query(&served, &titled("3"), Value::Null).await.0, 200);
}
