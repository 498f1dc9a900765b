//! Bad days.

mod graphql;
mod hooks;
mod http;
mod json;
mod place;
mod transport;
mod world;

use gitlab_simulator::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::support::{READER, Served, answer, serve, small};

const LIST: &str = "/projects/acme%2Fweb/merge_requests";

/// A small GitLab in which one thing goes wrong once, at any request.
async fn once(kind: FaultKind) -> Served {
    let served = serve(small()).await;
    served.simulator.faults().add(Fault::at("*", kind).times(1));
    served
}

/// Asks the control API.
async fn control(served: &Served, method: &str, path: &str, body: Value) -> (u16, Value) {
    answer(served.ask(method, &format!("/-/simulator{path}"), "", body).await).await
}

/// Asks a GraphQL query.
async fn query(served: &Served, text: &str, variables: Value) -> (u16, Value) {
    let body = json!({ "query": text, "variables": variables });
    answer(served.ask("POST", "/api/graphql", READER, body).await).await
}

#[tokio::test]
async fn another_process_controls_world_faults_and_log() {
    let served = serve(small()).await;

    let said = json!({ "project": "acme/web", "iid": 1, "user": "bob", "body": "from outside" });
    assert_eq!(control(&served, "POST", "/comment", said.clone()).await.0, 200);
    assert_eq!(control(&served, "POST", "/merge", said).await.0, 200);
    assert_eq!(served.read(&format!("{LIST}/1"), READER).await.1["state"], "merged");
    let fault = json!({ "pattern": "GET /version", "kind": "status", "status": 503, "times": 1 });
    assert_eq!(control(&served, "POST", "/faults", fault).await.0, 201);
    assert_eq!(served.read("/version", READER).await.0, 503);
    assert_eq!(control(&served, "GET", "/counts", Value::Null).await.1["GET /version"], 1);
    assert_eq!(control(&served, "POST", "/revoke", json!({ "token": READER })).await.0, 200);
    assert_eq!(served.read("/version", READER).await.0, 401);
}

#[tokio::test]
async fn another_process_plans_and_releases() {
    let served = serve(small()).await;
    let said = async |verb: &str, mut body: Value| {
        body["project"] = json!("acme/web");
        body["user"] = json!("ann");
        control(&served, "POST", &format!("/{verb}"), body).await
    };

    let opened = said("open-incident", json!({ "title": "Down", "severity": "HIGH" })).await;
    assert_eq!((opened.0, &opened.1["iid"]), (200, &json!(1)));
    assert_eq!(said("close-issue", json!({ "iid": 1 })).await.0, 200);
    let incident = served.read("/projects/acme%2Fweb/issues/1", READER).await.1;
    assert_eq!((&incident["state"], &incident["severity"]), (&json!("closed"), &json!("HIGH")));
    assert_eq!(said("add-milestone", json!({ "title": "1.0" })).await.0, 200);
    assert_eq!(served.read("/projects/acme%2Fweb/milestones", READER).await.1[0]["title"], "1.0");
    // Nothing was pushed to the default branch here; the merge request's branch has a head.
    let branch = served.read(&format!("{LIST}/1"), READER).await.1["source_branch"].clone();
    assert_eq!(said("add-branch", json!({ "branch": "stable", "ref": branch })).await.0, 200);
    assert_eq!(said("add-tag", json!({ "tag": "v1", "ref": "stable" })).await.0, 200);
    assert_eq!(said("add-tag", json!({ "tag": "v1", "ref": "stable" })).await.0, 400);
    assert_eq!(said("add-release", json!({ "tag": "v1" })).await.0, 200);
    assert_eq!(said("add-release", json!({ "tag": "v2" })).await.1["error"], "there is no tag \"v2\"");
    let release = served.read("/projects/acme%2Fweb/releases/v1", READER).await.1;
    assert_eq!((&release["name"], &release["author"]["username"]), (&json!("v1"), &json!("ann")));
}

#[tokio::test]
async fn what_the_control_does_not_know_it_refuses_in_words() {
    let served = serve(small()).await;
    let said = async |path: &str, body: Value| {
        let (status, body) = control(&served, "POST", path, body).await;
        assert_eq!(status, 400, "{path}");
        body["error"].as_str().unwrap().to_owned()
    };

    assert!(said("/dance", json!({})).await.contains("no verb \"dance\""));
    assert_eq!(said("/merge", json!({ "project": "acme/wep" })).await, "there is no project \"acme/wep\"");
    assert_eq!(said("/faults", json!({ "kind": "hang", "patern": "*" })).await, "this fault knows no \"patern\"");
    assert!(said("/faults", json!({ "kind": "hangs" })).await.contains("unknown variant"));
    assert!(said("/settings", json!({ "colour": "red" })).await.starts_with("there is no setting \"colour\""));
}

#[tokio::test]
async fn every_verb_is_listed() {
    let served = serve(small()).await;

    let verbs = control(&served, "GET", "", Value::Null).await.1["verbs"].clone();
    for verb in verbs.as_array().unwrap() {
        assert!(verb["does"].as_str().is_some_and(|words| !words.is_empty()), "{verb}");
    }
    let names: Vec<&str> = verbs.as_array().unwrap().iter().map(|verb| verb["verb"].as_str().unwrap()).collect();
    assert!(names.contains(&"restore") && names.contains(&"transfer-group"), "{names:?}");
}

#[tokio::test]
async fn a_fault_is_switched_off_alone() {
    let served = serve(small()).await;
    let fault = |status: u16| Fault::at("GET /version", FaultKind::Status { status });
    let first = served.simulator.faults().add(fault(500));
    served.simulator.faults().add(fault(503));

    assert_eq!(served.read("/version", READER).await.0, 500);
    assert_eq!(control(&served, "DELETE", &format!("/faults/{first}"), Value::Null).await.0, 204);
    assert_eq!(served.read("/version", READER).await.0, 503);
    assert_eq!(control(&served, "GET", "/faults", Value::Null).await.1[0]["struck"], 2);
}

// GitLab answers 404 with the key `error` for a route that it does not have.
#[tokio::test]
async fn absent_routes_are_counted() {
    let served = serve(small()).await;
    for _ in 0..2 {
        assert_eq!(served.read("/projects/1/horoscopes", READER).await.0, 404);
    }
    served.read("/projects/77", READER).await;

    let absent = control(&served, "GET", "/absent", Value::Null).await.1;
    assert_eq!(absent, json!({ "GET /api/v4/projects/1/horoscopes": 2 }), "a missing project is no missing route");
}

#[tokio::test]
async fn the_readme_tells_every_verb_every_setting_and_every_kind() {
    let readme = include_str!("../../../README.md");
    let served = serve(small()).await;
    let verbs = control(&served, "GET", "/verbs", Value::Null).await.1;
    let refusal = async |path: &str, body: Value| {
        control(&served, "POST", path, body).await.1["error"].as_str().unwrap().to_owned()
    };
    let settings = refusal("/settings", json!({ "?": 1 })).await;
    let kinds = refusal("/faults", json!({ "kind": "?" })).await;

    let verbs = verbs.as_array().unwrap().iter().map(|verb| verb["verb"].as_str().unwrap());
    let settings = settings.split_once("there are ").unwrap().1.split(", ");
    let kinds = kinds.split_once("expected one of ").unwrap().1.split(", ").map(|name| name.trim_matches('`'));
    for name in verbs.chain(settings).chain(kinds) {
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
}
