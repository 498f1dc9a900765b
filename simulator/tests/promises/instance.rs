//! Search, namespaces, and what an instance tells of itself.

use gitlab_simulator::World;
use gitlab_simulator::world::{Edition, Feature};
use serde_json::{Value, json};

use crate::support::{OWNER, READER, missing, serve, small};

const ROOT: &str = "glpat-root";

fn planned() -> World {
    small()
        .with_project("acme/web", |project| project.issue("Login is slow", |_| {}).milestone("Login week", |_| {}))
        .with_token(ROOT, |token| token)
}

fn titles<'v>(list: &'v Value, key: &str) -> Vec<&'v str> {
    list.as_array().unwrap_or_else(|| panic!("{list}")).iter().filter_map(|found| found[key].as_str()).collect()
}

#[tokio::test]
async fn search_knows_scopes() {
    let served = serve(planned()).await;

    for (place, scope, key, wanted) in [
        ("", "issues", "title", "Login is slow"),
        ("/groups/acme", "merge_requests", "title", "Add login"),
        ("/projects/1", "milestones", "title", "Login week"),
    ] {
        let found = served.read(&format!("{place}/search?scope={scope}&search=login"), READER).await.1;
        assert_eq!(titles(&found, key), [wanted], "{place} {scope}");
    }
    assert_eq!(titles(&served.read("/search?scope=projects&search=web", READER).await.1, "path"), ["web"]);
    assert_eq!(titles(&served.read("/groups/acme/search?scope=users&search=bob", READER).await.1, "username"), ["bob"]);
    assert_eq!(titles(&served.read("/search?scope=merge_requests&search=!1", READER).await.1, "title"), ["Add login"]);
    assert_eq!(served.read("/projects/1/search?scope=blobs&search=x", READER).await, (200, json!([])));
}

#[tokio::test]
async fn search_refuses_what_needs_advanced_search_and_scopes_that_are_none() {
    let served = serve(planned()).await;

    // `ee/lib/ee/api/search.rb`.
    let refused = served.read("/search?scope=commits&search=x", READER).await;
    assert_eq!(refused, (400, json!({ "message": "Scope supported only with advanced search" })));
    let refused = served.read("/groups/acme/search?scope=blobs&search=x", READER).await;
    assert_eq!(refused, (400, json!({ "message": "Scope supported only with advanced search or exact code search" })));
    let refused = served.read("/search?scope=x&search=x", READER).await;
    assert_eq!(refused, (400, json!({ "error": "scope does not have a valid value" })));
    let refused = served.read("/search", READER).await;
    assert_eq!(refused, (400, json!({ "error": "search is missing, scope is missing" })));
    assert_eq!(served.read("/search?scope=issues&search=x", "").await.0, 401);

    let community = serve(planned().with_edition(Edition::Community)).await;
    let refused = community.read("/search?scope=commits&search=x", READER).await;
    assert_eq!(refused, (400, json!({ "error": "scope does not have a valid value" })));
}

#[tokio::test]
async fn namespaces_are_ones_own_and_those_of_ones_groups() {
    let served = serve(planned()).await;

    let found = served.read("/namespaces", READER).await.1;
    assert_eq!(titles(&found, "full_path"), ["bob", "acme"]);
    assert_eq!(missing(&found[1], "id name path kind full_path parent_id avatar_url web_url"), Vec::<String>::new());
    assert_eq!(served.read("/namespaces/acme", OWNER).await.1["projects_count"], 1);
    let hidden = served.read("/namespaces/ann", READER).await;
    assert_eq!(hidden, (404, json!({ "message": "404 Namespace Not Found" })));
    let taken = served.read("/namespaces/acme/exists", READER).await.1;
    assert_eq!(taken, json!({ "exists": true, "suggests": ["acme1"] }));
    assert_eq!(served.read("/namespaces/free/exists", READER).await.1, json!({ "exists": false, "suggests": [] }));
}

#[tokio::test]
async fn an_instance_tells_administrators_about_itself() {
    let served = serve(planned()).await;

    assert_eq!(served.read("/license", ROOT).await.1["plan"], "premium");
    assert_eq!(served.read("/application/statistics", ROOT).await.1["merge_requests"], "1");
    assert_eq!(served.read("/application/settings", ROOT).await.1["admin_mode"], false);
    for path in ["/license", "/application/settings", "/application/statistics", "/features"] {
        assert_eq!(served.read(path, READER).await.0, 403, "{path}");
    }
    assert_eq!(served.read("/todos", READER).await, (200, json!([])));
    assert_eq!(served.read("/broadcast_messages", "").await, (200, json!([])));

    let community = serve(planned().with_edition(Edition::Community)).await;
    assert_eq!(community.read("/license", ROOT).await, (404, json!({ "error": "404 Not Found" })));
}

#[tokio::test]
async fn epics_need_a_licence() {
    let status = async |edition: Edition| {
        serve(planned().with_edition(edition)).await.read("/groups/acme/epics", READER).await.0
    };

    assert_eq!(status(Edition::Licensed).await, 200);
    assert_eq!(status(Edition::Unlicensed).await, 403);
    assert_eq!(status(Edition::Community).await, 404);
}

#[tokio::test]
async fn boards_are_none_until_somebody_looks_at_one_and_go_with_issues() {
    // `lib/api/boards.rb` and `group_boards.rb`: both editions have them, for those who are signed in.
    let served = serve(planned().with_edition(Edition::Community)).await;
    for path in ["/projects/1/boards", "/groups/acme/boards"] {
        assert_eq!(served.read(path, READER).await, (200, json!([])), "{path}");
        assert_eq!(served.read(path, "").await.0, 401, "{path}");
    }
    served.simulator.world(|world| world.project_mut(1).unwrap().issues_access = Feature::Disabled);
    assert_eq!(served.read("/projects/1/boards", READER).await.0, 403);
}
