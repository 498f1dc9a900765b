//! Who is let in, and how the others are refused.

use gitlab_simulator::World;
use gitlab_simulator::world::{Edition, Role, Scope, Visibility};
use serde_json::json;

use crate::support::{OWNER, READER, Served, serve, small};

#[tokio::test]
async fn a_garbage_token_is_refused_in_the_first_dialect() {
    let served = serve(small()).await;

    let refused = served.read("/projects", "glpat-garbage").await;
    assert_eq!(refused, (401, json!({ "message": "401 Unauthorized" })));
}

#[tokio::test]
async fn expired_and_revoked_tokens_are_refused_in_the_second_dialect() {
    let world = small()
        .with_token("glpat-old", |token| token.user("bob").expired())
        .with_token("glpat-gone", |token| token.user("bob").revoked());
    let served = serve(world).await;

    let response = served.get("/projects", "glpat-old").await;
    assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer realm="));
    let (status, body) = crate::support::answer(response).await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_token")));
    assert!(body["error_description"].as_str().unwrap().starts_with("Token is expired."));
    let (status, body) = served.read("/projects", "glpat-gone").await;
    assert_eq!(status, 401);
    assert!(body["error_description"].as_str().unwrap().starts_with("Token was revoked."));
}

#[tokio::test]
async fn a_scope_that_is_too_small_is_named() {
    let world = small().with_token("glpat-user", |token| token.user("bob").scopes(&[Scope::ReadUser]));
    let served = serve(world).await;

    let (status, body) = served.read("/projects", "glpat-user").await;
    assert_eq!((status, &body["error"], &body["scope"]), (403, &json!("insufficient_scope"), &json!("api read_api")));
    assert_eq!(served.read("/user", "glpat-user").await.0, 200);
    assert_eq!(served.read("/personal_access_tokens/self", "glpat-user").await.0, 200);
}

#[tokio::test]
async fn a_fine_grained_token_reads_by_rest_and_changes_nothing() {
    let world = small().with_token("glpat-fine", |token| token.user("ann").scopes(&[Scope::Granular]));
    let served = serve(world).await;

    let (_, token) = served.read("/personal_access_tokens/self", "glpat-fine").await;
    assert_eq!(token["scopes"], json!(["granular"]));
    assert_eq!(served.read("/projects/acme%2Fweb/merge_requests", "glpat-fine").await.0, 200);
    let (status, body) =
        served.write("POST", "/projects/acme%2Fweb/hooks", "glpat-fine", json!({"url": "http://x.test/"})).await;
    assert_eq!((status, &body["error"]), (403, &json!("insufficient_granular_scope")));
}

#[tokio::test]
async fn what_may_not_be_seen_looks_absent() {
    let world = small().with_token("glpat-stranger", |token| token.user("eve").scopes(&[Scope::ReadApi]));
    let served = serve(world).await;

    let hidden = served.read("/projects/acme%2Fweb", "glpat-stranger").await;
    assert_eq!(hidden, (404, json!({ "message": "404 Project Not Found" })));
    assert_eq!(hidden, served.read("/projects/nothing%2Fhere", "glpat-stranger").await);
    let group = served.read("/groups/acme", "glpat-stranger").await;
    assert_eq!(group, (404, json!({ "message": "404 Group Not Found" })));
}

#[tokio::test]
async fn a_guest_sees_the_project_but_not_its_merge_requests() {
    let world = small()
        .with_group("acme", |group| group.member("gus", Role::Guest))
        .with_token("glpat-guest", |token| token.user("gus").scopes(&[Scope::ReadApi]));
    let served = serve(world).await;

    assert_eq!(served.read("/projects/acme%2Fweb", "glpat-guest").await.0, 200);
    let refused = served.read("/projects/acme%2Fweb/merge_requests", "glpat-guest").await;
    assert_eq!(refused, (403, json!({ "message": "403 Forbidden" })));
}

#[tokio::test]
async fn features_that_are_off_are_forbidden_or_absent() {
    let world = small().with_group("acme", |group| {
        group
            .project("closed", |project| project.without_merge_requests().without_builds())
            .project("bare", gitlab_simulator::world::ProjectBuilder::without_repository)
    });
    let served = serve(world).await;

    assert_eq!(served.read("/projects/acme%2Fclosed/merge_requests", READER).await.0, 403);
    assert_eq!(served.read("/projects/acme%2Fclosed/deployments", READER).await.0, 403);
    let absent = served.read("/projects/acme%2Fbare/repository/commits", READER).await;
    assert_eq!(absent, (404, json!({ "message": "404 Repository Not Found" })));
}

#[tokio::test]
async fn routes_that_do_not_exist_say_so_in_their_own_words() {
    let served = serve(small().with_edition(Edition::Community)).await;

    let absent = (404, json!({ "error": "404 Not Found" }));
    assert_eq!(served.read("/projects/acme%2Fweb/merge_requests/1/approval_state", READER).await, absent);
    assert_eq!(served.read("/groups/acme/hooks", READER).await, absent);
    assert_eq!(served.read("/nonsense", READER).await, absent);
    let row = served.read("/projects/acme%2Fweb/merge_requests/99", READER).await;
    assert_eq!(row, (404, json!({ "message": "404 Not found" })));
}

/// `Gitlab::Auth::UserAccessDeniedReason`; a membership outlives it.
#[tokio::test]
async fn who_may_not_sign_in_is_told_so_and_stays_a_member() {
    let served = serve(small()).await;
    let blocked = json!({ "message": "403 Forbidden - Your account has been blocked." });
    let bob = |served: &Served| served.simulator.read(|world| world.user_by_name("bob").unwrap().id);
    for (stop, state) in [
        (World::block_user as fn(&mut World, i64) -> Option<()>, "blocked"),
        (World::ban_user, "banned"),
        (World::deactivate_user, "deactivated"),
    ] {
        let id = bob(&served);
        served.simulator.world(|world| stop(world, id));

        let (status, refused) = served.read("/projects", READER).await;
        let said = refused["message"].as_str().unwrap();
        assert_eq!(status, 403);
        assert!(refused == blocked || state == "deactivated" && said.contains("has been deactivated"), "{said}");
        let members = served.read("/groups/acme/members?query=bob", OWNER).await.1;
        assert_eq!(members[0]["state"], state);

        served.simulator.world(|world| world.activate_user(id));
        assert_eq!(served.read("/projects", READER).await.0, 200);
    }
}

#[tokio::test]
async fn the_anonymous_see_what_is_public() {
    let world = World::new().with_group("open", |group| {
        let group = group.visibility(Visibility::Public);
        group.project("site", |project| project.visibility(Visibility::Public)).project("inner", |project| project)
    });
    let served = serve(world).await;

    let (status, projects) = served.read("/projects", "").await;
    assert_eq!((status, projects.as_array().unwrap().len()), (200, 1));
    assert_eq!(served.read("/user", "").await.0, 401);
}

#[tokio::test]
async fn the_log_names_route_user_and_status() {
    let served = serve(small()).await;
    served.read("/projects/acme%2Fweb/merge_requests?state=opened", READER).await;

    let logged = &served.simulator.requests()[0];
    assert_eq!(logged.route, "/projects/:id/merge_requests");
    assert_eq!((logged.user.as_deref(), logged.status), (Some("bob"), 200));
    assert_eq!(served.simulator.counts()["GET /projects/:id/merge_requests"], 1);
}
