//! One commit over REST, and what can be said of a history.

use serde_json::{Value, json};

use crate::branches::branched;
use crate::pipelines::built;
use crate::support::{OWNER, READER, missing, serve};

const COMMITS: &str = "/projects/1/repository/commits";

fn list(found: &Value) -> &Vec<Value> {
    found.as_array().unwrap()
}

#[tokio::test]
async fn a_commit_alone_tells_its_numbers_and_its_last_pipeline() {
    let served = serve(built()).await;

    let (status, found) = served.read(&format!("{COMMITS}/main"), READER).await;
    // `lib/api/entities/commit_detail.rb`.
    let keys = "id short_id title message parent_ids author_email committed_date stats status project_id last_pipeline";
    assert_eq!((status, missing(&found, keys)), (200, vec![]));
    assert_eq!((&found["status"], &found["last_pipeline"]["id"]), (&json!("success"), &json!(2)));
    let bare = served.read(&format!("{COMMITS}/main?stats=false"), READER).await.1;
    assert_eq!((bare.get("stats"), &bare["id"]), (None, &found["id"]));
    let short = served.read(&format!("{COMMITS}/{}", found["short_id"].as_str().unwrap()), READER).await.1;
    assert_eq!(short["id"], found["id"]);
    let absent = served.read(&format!("{COMMITS}/0123456789"), READER).await;
    assert_eq!(absent, (404, json!({ "message": "404 Commit Not Found" })));
}

#[tokio::test]
async fn a_commit_tells_the_merge_requests_that_brought_it_and_where_it_went() {
    let served = serve(branched()).await;

    let brought = served.read(&format!("{COMMITS}/main/merge_requests"), READER).await.1;
    assert_eq!((list(&brought).len(), &brought[0]["title"]), (1, &json!("First")));
    let own = served.read("/projects/1/merge_requests/2/commits", READER).await.1[0]["id"].clone();
    let brought = served.read(&format!("{COMMITS}/{}/merge_requests", own.as_str().unwrap()), READER).await.1;
    assert_eq!(brought[0]["title"], "First");

    let refs = served.read(&format!("{COMMITS}/main/refs"), READER).await.1;
    let names: Vec<&str> = list(&refs).iter().filter_map(|found| found["name"].as_str()).collect();
    assert_eq!(names, ["main", "stable", "v1.9.0", "v1.10.0"]);
    assert_eq!(list(&served.read(&format!("{COMMITS}/main/refs?type=tag"), READER).await.1).len(), 2);
}

#[tokio::test]
async fn a_diff_has_names_and_no_text() {
    let served = serve(branched()).await;

    let diff = served.read(&format!("{COMMITS}/main/diff"), READER).await.1;
    assert_eq!((&diff[0]["new_path"], &diff[0]["diff"]), (&json!("src/file_0.rs"), &json!("")));
    assert_eq!(served.read(&format!("{COMMITS}/main/comments"), READER).await, (200, json!([])));
}

#[tokio::test]
async fn statuses_are_jobs_and_what_other_systems_report() {
    let served = serve(built()).await;

    let jobs = served.read(&format!("{COMMITS}/main/statuses"), READER).await.1;
    assert_eq!((list(&jobs).len(), &jobs[0]["status"]), (2, &json!("success")));
    let sha = served.read(&format!("{COMMITS}/main"), READER).await.1["id"].as_str().unwrap().to_owned();
    let body = json!({ "state": "failed", "name": "licences", "target_url": "https://ci.example.com/1" });
    let (status, made) = served.write("POST", &format!("/projects/1/statuses/{sha}"), OWNER, body).await;
    // `lib/api/entities/commit_status.rb`.
    let keys = "id sha ref status name target_url description created_at started_at finished_at allow_failure coverage \
        pipeline_id author";
    assert_eq!((status, missing(&made, keys), &made["target_url"]), (201, vec![], &json!("https://ci.example.com/1")));
    let named = served.read(&format!("{COMMITS}/main/statuses?name=licences"), READER).await.1;
    assert_eq!((list(&named).len(), &named[0]["status"]), (1, &json!("failed")));
    let wrong = served.write("POST", &format!("/projects/1/statuses/{sha}"), OWNER, json!({ "state": "x" })).await;
    assert_eq!(wrong, (400, json!({ "error": "state does not have a valid value" })));
}

#[tokio::test]
async fn two_ends_are_compared_from_where_they_parted() {
    let served = serve(branched()).await;

    let path = "/projects/1/repository";
    let compared = served.read(&format!("{path}/compare?from=main&to=1-add-login"), READER).await.1;
    assert_eq!((list(&compared["commits"]).len(), &compared["compare_same_ref"]), (1, &json!(false)));
    assert_eq!(compared["diffs"][0]["new_path"], "src/file_0.rs");
    let same = served.read(&format!("{path}/compare?from=main&to=main"), READER).await.1;
    assert_eq!((list(&same["commits"]).len(), &same["compare_same_ref"]), (0, &json!(true)));

    let base = served.read(&format!("{path}/merge_base?refs[]=main&refs[]=stable"), READER).await.1;
    assert_eq!(base["id"], served.read(&format!("{COMMITS}/main"), READER).await.1["id"]);
    let one = served.read(&format!("{path}/merge_base?refs[]=main"), READER).await;
    assert_eq!(one, (400, json!({ "message": "Provide at least 2 refs" })));
    let unknown = served.read(&format!("{path}/merge_base?refs[]=main&refs[]=x"), READER).await;
    assert_eq!(unknown, (400, json!({ "message": "Could not find ref: x" })));
}

#[tokio::test]
async fn a_repository_tells_who_wrote_it_in_which_languages() {
    let served = serve(branched()).await;

    let found = served.read("/projects/1/repository/contributors", READER).await.1;
    assert_eq!((&found[0]["email"], &found[0]["additions"]), (&json!("ann@example.com"), &json!(0)));
    assert_eq!(served.read("/projects/1/languages", READER).await, (200, json!({ "Rust": 100.0 })));
    let tree = served.read("/projects/1/repository/tree", READER).await.1;
    assert_eq!((&tree[0]["path"], &tree[0]["type"]), (&json!("src"), &json!("tree")));
    let below = served.read("/projects/1/repository/tree?path=src", READER).await.1;
    assert_eq!((&below[0]["path"], &below[0]["type"]), (&json!("src/file_0.rs"), &json!("blob")));
    let absent = served.read("/projects/1/repository/tree?ref=x", READER).await;
    assert_eq!(absent, (404, json!({ "message": "404 Tree Not Found" })));
}
