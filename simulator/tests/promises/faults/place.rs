//! Where and when a fault strikes.

use gitlab_simulator::world::Scope;
use gitlab_simulator::{Fault, FaultKind};
use jiff::SignedDuration;
use serde_json::json;

use super::{LIST, query};
use crate::support::{OWNER, READER, serve, small};

const BROKEN: FaultKind = FaultKind::Status { status: 500 };
const TITLES: &str = "query titles($path: ID!) { project(fullPath: $path) { name } }";

#[tokio::test]
async fn a_fault_may_be_for_one_project_in_both_apis() {
    let served = serve(small().with_group("acme", |group| group.project("other", |project| project))).await;
    served.simulator.faults().add(Fault::at("*", BROKEN).for_project("acme/web"));

    assert_eq!(served.read("/projects/1/merge_requests", READER).await.0, 500, "by id");
    assert_eq!(served.read(LIST, READER).await.0, 500, "by path");
    assert_eq!(served.read("/projects/acme%2Fother/merge_requests", READER).await.0, 200);
    assert_eq!(query(&served, TITLES, json!({ "path": "acme/web" })).await.0, 500);
    assert_eq!(query(&served, TITLES, json!({ "path": "acme/other" })).await.0, 200);
}

#[tokio::test]
async fn a_fault_may_be_for_one_user_or_one_token() {
    let second = small().with_token("glpat-second", |token| token.user("bob").scopes(&[Scope::ReadApi]));
    let served = serve(second).await;
    served.simulator.faults().add(Fault::at("*", BROKEN).for_user("bob").times(2));

    assert_eq!(served.read("/version", OWNER).await.0, 200);
    assert_eq!(served.read("/version", READER).await.0, 500);
    assert_eq!(served.read("/version", "glpat-second").await.0, 500);
    served.simulator.faults().add(Fault::at("*", BROKEN).for_token("glpat-second"));
    assert_eq!(served.read("/version", READER).await.0, 200);
    assert_eq!(served.read("/version", "glpat-second").await.0, 500);
}

#[tokio::test]
async fn a_fault_may_be_for_queries_that_mention_a_field() {
    let served = serve(small()).await;
    served.simulator.faults().add(Fault::at("POST /graphql", BROKEN).mentioning("fullName"));
    assert_eq!(query(&served, TITLES, json!({ "path": "acme/web" })).await.0, 200);

    served.simulator.faults().add(Fault::at("POST /graphql titles", BROKEN).mentioning("name"));
    assert_eq!(query(&served, TITLES, json!({ "path": "acme/web" })).await.0, 500);
}

#[tokio::test]
async fn a_window_ends_by_the_worlds_clock_and_tells_what_is_left_of_it() {
    let served = serve(small().with_time("2026-01-16T06:00:00Z")).await;
    let window = FaultKind::RetryLater { seconds: 1 };
    served.simulator.faults().add(Fault::at("*", window).for_user("bob").for_seconds(3600));

    let first = served.get("/version", READER).await;
    assert_eq!((first.status().as_u16(), first.headers()["retry-after"].to_str().unwrap()), (429, "3600"));
    served.simulator.world(|world| world.advance(SignedDuration::from_mins(59)));
    assert_eq!(served.get(LIST, READER).await.headers()["retry-after"], "60", "the whole user waits");
    assert_eq!(served.read("/version", OWNER).await.0, 200);
    served.simulator.world(|world| world.advance(SignedDuration::from_mins(1)));
    assert_eq!(served.read("/version", READER).await.0, 200);
}
