//! The endpoints, against a GitLab that behaves.

use gitlab_connector::gitlab::model::HookBody;
use gitlab_connector::gitlab::{Client, Error, Target};
use gitlab_simulator::world::{Edition, Role};
use gitlab_simulator::{Fault, FaultKind, Options, Simulator, World};

use super::client;

const ROOT: &str = "root";

fn world() -> World {
    World::default()
        .with_group("acme", |group| {
            group
                .label("bug")
                .member("ann", Role::Developer)
                .subgroup("platform", |group| group.project("tool", |project| project))
                .project("api", |project| {
                    project.label("urgent").merge_request("Add it", |merge_request| {
                        merge_request.by("ann").comment("ben", "nice").approve("ben")
                    })
                })
        })
        .with_token("glpat-root", |token| token)
        .with_token("glpat-ann", |token| token.user("ann"))
}

async fn serve(world: World) -> (Simulator, Client) {
    let simulator = Simulator::start(world, Options::root("/gitlab")).await.unwrap();
    let client = client(simulator.url(), &[ROOT]);
    (simulator, client)
}

#[tokio::test]
async fn groups_projects_and_what_is_in_them_are_read() {
    let (_simulator, client) = serve(world()).await;

    let group = client.group("acme").await.unwrap();
    let below = client.descendant_groups(group.id).all().await.unwrap();
    let projects = client.group_projects(&group.id.to_string(), true).all().await.unwrap();
    let api = client.project("acme/api").await.unwrap();
    let labels = client.labels(api.id).all().await.unwrap();
    let members = client.members_all(api.id).all().await.unwrap();
    let inherited = client.group_members_all(group.id).all().await.unwrap();

    assert_eq!(below[0].full_path, "acme/platform");
    assert_eq!(projects.len(), 2);
    assert_eq!(labels.len(), 2);
    let ann = members.iter().find(|member| member.username.as_deref() == Some("ann")).unwrap();
    assert_eq!(ann.access_level, Some(30));
    assert!(inherited.iter().any(|member| member.id == ann.id));
    assert_eq!(client.user(ann.id).await.unwrap().username.as_deref(), Some("ann"));
    assert!(client.users().all().await.unwrap().len() >= 3);
}

#[tokio::test]
async fn merge_requests_come_by_filter_and_by_number() {
    let (_simulator, client) = serve(world()).await;
    let api = client.project("acme/api").await.unwrap();

    let listed = client.merge_requests(api.id, &Default::default()).all().await.unwrap();
    let named = client.merge_requests_by_iid(api.id, &[1, 99]).await.unwrap();
    let approvals = client.approvals(api.id, 1).await.unwrap();

    assert_eq!(listed, named);
    assert_eq!(listed[0].title.as_deref(), Some("Add it"));
    let approver = approvals.approved_by[0].user.as_ref().unwrap();
    assert_eq!(approver.username.as_deref(), Some("ben"));
}

#[tokio::test]
async fn every_page_of_a_long_list_arrives_once() {
    let (simulator, client) = serve(world().with_group("wide", |group| {
        let group = group.member("ann", Role::Developer);
        (0..230).fold(group, |group, number| group.project(&format!("p{number}"), |project| project))
    }))
    .await;
    let as_ann = super::client(simulator.url(), &["ann"]);
    let group = client.group("wide").await.unwrap();

    let listed = client.group_projects(&group.id.to_string(), false).all().await.unwrap();

    let mut ids: Vec<_> = listed.iter().map(|project| project.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 230);
    assert_eq!(as_ann.projects().all().await.unwrap().len(), 232);
}

#[tokio::test]
async fn a_page_that_is_too_much_is_taken_in_halves() {
    let (simulator, client) = serve(world().with_group("wide", |group| {
        (0..120).fold(group, |group, number| group.project(&format!("p{number}"), |project| project))
    }))
    .await;
    let group = client.group("wide").await.unwrap();
    simulator.faults().add(Fault::at("GET /groups/:id/projects", FaultKind::Status { status: 500 }).times(3));

    let listed = client.group_projects(&group.id.to_string(), false).all().await.unwrap();

    assert_eq!(listed.len(), 120);
    assert!(simulator.requests().iter().any(|asked| asked.query.contains("per_page=50")));
}

#[tokio::test]
async fn hooks_are_made_listed_changed_and_removed() {
    let (_simulator, client) = serve(world()).await;
    let api = client.project("acme/api").await.unwrap();
    let group = client.group("acme").await.unwrap();
    let body = HookBody {
        url: "https://receiver.example/webhooks/gitlab/uid".into(),
        name: Some("gitlab-connector".into()),
        token: Some("shared".into()),
        merge_requests_events: true,
        note_events: true,
        enable_ssl_verification: true,
        ..HookBody::default()
    };

    for target in [Target::Project(api.id), Target::Group(group.id)] {
        let made = client.create_hook(target, &body).await.unwrap();
        assert_eq!((made.push_events, made.note_events), (Some(false), Some(true)));
        let changed = HookBody { note_events: false, ..body.clone() };
        let updated = client.update_hook(target, made.id, &changed).await.unwrap();
        assert_eq!(updated.note_events, Some(false));
        assert_eq!(client.hooks(target).all().await.unwrap(), [updated]);
        client.delete_hook(target, made.id).await.unwrap();
        assert_eq!(client.hooks(target).all().await.unwrap(), []);
        let again = client.delete_hook(target, made.id).await;
        assert!(matches!(again, Err(Error::NotFound { route: false, .. })), "{again:?}");
    }
}

#[tokio::test]
async fn group_hooks_are_no_route_on_the_community_edition() {
    let (_simulator, client) = serve(world().with_edition(Edition::Community)).await;
    let group = client.group("acme").await.unwrap();

    let answer = client.hooks(Target::Group(group.id)).all().await;

    assert!(matches!(answer, Err(Error::NotFound { route: true, .. })), "{answer:?}");
    assert!(!client.metadata().await.unwrap().is_enterprise());
}

#[tokio::test]
async fn a_renamed_project_is_found_by_its_old_path() {
    let (_simulator, client) =
        serve(world().with_group("acme", |group| group.project("new", |project| project.renamed_from("old")))).await;

    let project = client.project("acme/old").await.unwrap();

    assert_eq!(project.path_with_namespace, "acme/new");
}
