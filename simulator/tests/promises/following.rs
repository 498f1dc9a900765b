//! Subscriptions, stars, and the projects of a user (`lib/api/subscriptions.rb`, `lib/api/projects.rb`).

use gitlab_simulator::World;
use gitlab_simulator::world::Namespace;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{OWNER, READER, Served, answer, serve, small};

const WEB: &str = "/projects/acme%2Fweb";
const DEVELOPER: &str = "glpat-bob";

/// The first merge request is ann's.
fn world() -> World {
    small().with_token(DEVELOPER, |token| token.user("bob")).with_project("acme/web", |project| {
        project.merge_request("Two", |found| found.label("ui")).issue("Slow", |_| {})
    })
}

/// The states that subscribing, subscribing again, and taking it back have.
async fn follow(served: &Served, path: &str) -> [(u16, Value); 3] {
    let mut told = Vec::new();
    for verb in ["subscribe", "subscribe", "unsubscribe"] {
        let (status, body) = served.write("POST", &format!("{path}/{verb}"), DEVELOPER, Value::Null).await;
        told.push((status, body["subscribed"].clone()));
    }
    told.try_into().unwrap()
}

#[tokio::test]
async fn what_is_followed_already_is_not_modified() {
    let served = serve(world()).await;
    let label = served.read(&format!("{WEB}/labels/ui"), READER).await.1["id"].clone();

    for path in [format!("{WEB}/merge_requests/1"), format!("{WEB}/issues/1"), format!("{WEB}/labels/{label}")] {
        let expected = [(201, json!(true)), (304, Value::Null), (201, json!(false))];
        assert_eq!(follow(&served, &path).await, expected, "{path}");
    }
    let nobody = served.write("POST", &format!("{WEB}/issues/9/subscribe"), DEVELOPER, Value::Null).await;
    assert_eq!(nobody.0, 404);
}

#[tokio::test]
async fn who_takes_part_is_subscribed_unless_they_say_otherwise() {
    let served = serve(world()).await;
    let path = format!("{WEB}/merge_requests/1");
    let told = async |token: &'static str| served.read(&path, token).await.1["subscribed"].clone();

    assert_eq!((told(OWNER).await, told(DEVELOPER).await), (json!(true), json!(false)));
    served.simulator.world(|world| world.comment(1, "bob", "Why?"));
    assert_eq!(told(DEVELOPER).await, true);
    served.write("POST", &format!("{path}/unsubscribe"), OWNER, Value::Null).await;
    assert_eq!(told(OWNER).await, false);

    // GraphQL filters by what was said by hand alone.
    let list = |status: &str| {
        let query = format!(
            r#"{{ project(fullPath: "acme/web") {{ mergeRequests(subscribed: {status}) {{ nodes {{ iid subscribed }} }} }} }}"#
        );
        served.ask("POST", "/api/graphql", OWNER, json!({ "query": query }))
    };
    let nodes = async |status: &'static str| {
        answer(list(status).await).await.1["data"]["project"]["mergeRequests"]["nodes"].clone()
    };
    assert_eq!(nodes("EXPLICITLY_UNSUBSCRIBED").await, json!([{ "iid": "1", "subscribed": false }]));
    assert_eq!(nodes("EXPLICITLY_SUBSCRIBED").await, json!([]));
}

#[tokio::test]
async fn stars_are_counted_listed_and_given_once() {
    let served = serve(world()).await;

    let (status, body) = served.write("POST", &format!("{WEB}/star"), DEVELOPER, Value::Null).await;
    assert_eq!((status, &body["star_count"]), (201, &json!(1)));
    assert_eq!(served.write("POST", &format!("{WEB}/star"), DEVELOPER, Value::Null).await.0, 304);
    let starrers = served.read(&format!("{WEB}/starrers"), READER).await.1;
    assert_eq!((&starrers[0]["user"]["username"], starrers[0]["starred_since"].is_string()), (&json!("bob"), true));
    let starred = served.read("/projects?starred=true", DEVELOPER).await.1;
    assert_eq!((&starred[0]["path"], served.read("/projects?starred=true", OWNER).await.1), (&json!("web"), json!([])));
    assert_eq!(served.read("/users/bob/starred_projects", OWNER).await.1[0]["path"], "web");
    assert_eq!(served.write("POST", &format!("{WEB}/unstar"), DEVELOPER, Value::Null).await.1["star_count"], 0);
    assert_eq!(served.write("POST", &format!("{WEB}/unstar"), DEVELOPER, Value::Null).await.0, 304);
}

#[tokio::test]
async fn a_user_has_projects_of_their_own_and_those_they_worked_on() {
    let mut world = world();
    let ann = world.user_named("ann");
    world.create_project(Namespace::User(ann), "notes");
    let served = serve(world).await;

    assert_eq!(served.read("/users/ann/projects", OWNER).await.1[0]["path_with_namespace"], "ann/notes");
    assert_eq!(served.read(&format!("/users/{ann}/projects"), READER).await.1, json!([]), "it is private");
    assert_eq!(served.read("/users/ann/contributed_projects", READER).await.1[0]["path"], "web");
    assert_eq!(served.read("/users/bob/contributed_projects", READER).await.1, json!([]));
    let nobody = served.read("/users/nobody/projects", READER).await;
    assert_eq!(nobody, (404, json!({ "message": "404 User Not Found" })));
}

/// `Event.contributions` of the last year.
#[tokio::test]
async fn what_somebody_did_more_than_a_year_ago_is_no_contribution_any_more() {
    let mut world = world();
    world.advance(SignedDuration::from_hours(366 * 24));
    let served = serve(world.with_token("glpat-late", |token| token.user("ann"))).await;

    let told = async || served.read("/users/ann/contributed_projects", "glpat-late").await;
    assert_eq!(told().await, (200, json!([])));
    served.simulator.world(|world| world.comment(1, "ann", "Still there?"));
    assert_eq!(told().await.1[0]["path"], "web");
}
