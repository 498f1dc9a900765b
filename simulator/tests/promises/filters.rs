//! Filters of lists filter. Each is declared in lib/api and does in app/finders what is promised here.

use gitlab_simulator::World;
use gitlab_simulator::world::{Feature, Issue, Milestone, Owner, Role, Scope, UserState, Visibility};
use serde_json::{Value, json};

use crate::support::{OWNER, READER, Served, serve, small};

const LIST: &str = "/projects/acme%2Fweb/merge_requests";

/// The numbers of the rows of a list, in its order.
async fn numbers(served: &Served, query: &str) -> Vec<i64> {
    column(served, &format!("{LIST}?{query}"), READER, "iid").await.iter().map(|iid| iid.as_i64().unwrap()).collect()
}

/// One property of each row of a list.
async fn column(served: &Served, path: &str, token: &str, key: &str) -> Vec<Value> {
    let (status, body) = served.read(path, token).await;
    assert_eq!(status, 200, "{path}: {body}");
    body.as_array().unwrap().iter().map(|row| row[key].clone()).collect()
}

/// Three merge requests: a plain one, one with everything, and a draft.
fn three() -> World {
    let mut world = small().with_project("acme/web", |project| {
        project
            .merge_request("Sign people out", |found| {
                found.by("bob").assignee("ann").reviewer("ann").label("bug").label("ui").approve("ann")
            })
            .merge_request("Zebra", |found| {
                found.by("cid").label("ui").change(|found| {
                    found.draft = true;
                    found.description = Some("Stripes for the login page".to_owned());
                })
            })
    });
    let project = Owner::Project(1);
    world.insert_milestone(Milestone {
        id: 9,
        iid: 1,
        owner: project,
        title: "Spring".to_owned(),
        ..Milestone::default()
    });
    world.edit_merge_request(2, |found| found.milestone = Some(9));
    let bob = world.user_named("bob");
    world.award(2, bob, "rocket");
    world
}

#[tokio::test]
async fn merge_requests_are_filtered_by_whom_they_concern() {
    let served = serve(three()).await;
    let ann = served.simulator.world(|world| world.user_named("ann"));

    assert_eq!(numbers(&served, "author_username=bob").await, [2]);
    assert_eq!(numbers(&served, "not[author_username]=bob").await, [3, 1]);
    assert_eq!(numbers(&served, &format!("assignee_id={ann}&author_username=bob")).await, [2]);
    assert_eq!(numbers(&served, "assignee_username[]=ann&author_username=bob").await, [2]);
    assert_eq!(numbers(&served, "assignee_username[]=ann&assignee_username[]=bob").await, [0; 0]);
    assert_eq!(numbers(&served, "reviewer_id=None").await, [3, 1]);
    assert_eq!(numbers(&served, "reviewer_id=Any").await, [2]);
    assert_eq!(numbers(&served, "reviewer_username=ann").await, [2]);
    assert_eq!(numbers(&served, "not[reviewer_username]=ann").await, [3, 1]);
    assert_eq!(numbers(&served, "approved_by_usernames[]=ann").await, [2]);
    assert_eq!(numbers(&served, "approved_by_ids=None").await, [3, 1]);
    assert_eq!(numbers(&served, "author_username=nobody").await, [0; 0]);
}

#[tokio::test]
async fn merge_requests_are_filtered_by_what_is_on_them() {
    let served = serve(three()).await;

    assert_eq!(numbers(&served, "labels=bug,ui").await, [2]);
    assert_eq!(numbers(&served, "labels[]=ui").await, [3, 2]);
    assert_eq!(numbers(&served, "labels=None").await, [1]);
    assert_eq!(numbers(&served, "labels=any").await, [3, 2]);
    assert_eq!(numbers(&served, "labels=").await, [3, 2, 1], "an empty wish is none");
    assert_eq!(numbers(&served, "not[labels]=bug,nothing").await, [3, 1]);
    assert_eq!(numbers(&served, "milestone=Spring").await, [2]);
    assert_eq!(numbers(&served, "milestone=None").await, [3, 1]);
    assert_eq!(numbers(&served, "not[milestone]=Spring").await, [3, 1]);
    assert_eq!(numbers(&served, "my_reaction_emoji=rocket").await, [2]);
    assert_eq!(numbers(&served, "my_reaction_emoji=None").await, [3, 1]);
    assert_eq!(numbers(&served, "wip=yes").await, [3]);
    assert_eq!(numbers(&served, "draft=false").await, [2, 1]);
    assert_eq!(numbers(&served, "iids[]=1&iids[]=3").await, [3, 1]);
}

/// One rule for both APIs, merge requests and issues: `by_milestone` and `by_negated_milestone` in app/finders/issuable_finder.rb.
#[tokio::test]
async fn milestones_that_run_or_come_next_are_asked_for_by_what_they_are() {
    let mut world = three();
    let day = |text: &str| text.parse().ok();
    // The first runs, the second comes next, the third comes later; and nobody asks for what is closed.
    for (id, start, due, closed) in [
        (20, "2020-01-01", "2090-03-01", true),
        (21, "2020-01-01", "2020-03-01", false),
        (22, "2090-01-01", "2090-03-01", false),
        (23, "2091-01-01", "2091-03-01", false),
    ] {
        let (start_date, due_date) = (day(start), day(due));
        let (owner, title) = (Owner::Project(1), format!("M{id}"));
        world.insert_milestone(Milestone { id, owner, title, start_date, due_date, closed, ..Milestone::default() });
    }
    for (iid, milestone) in [(1, 21), (2, 22), (3, 23)] {
        world.edit_merge_request(iid, |found| found.milestone = Some(milestone));
        let mut issue = Issue { id: iid, iid, project: 1, ..Issue::default() };
        issue.milestone = Some(milestone);
        world.insert_issue(issue);
    }
    world.insert_issue(Issue { id: 4, iid: 4, project: 1, milestone: Some(20), ..Issue::default() });
    let served = serve(world).await;

    for (wish, expected) in [
        ("milestone=%23started", vec![1]),
        ("milestone=%23upcoming", vec![2]),
        ("not[milestone]=%23started", vec![3, 2]),
        ("not[milestone]=%23upcoming", vec![1]),
        ("milestone=Upcoming", vec![]),
        ("milestone=No+Milestone", vec![]),
        ("milestone=M23", vec![3]),
    ] {
        assert_eq!(numbers(&served, wish).await, expected, "{wish}");
        let issues = column(&served, &format!("/projects/1/issues?{wish}"), READER, "iid").await;
        assert_eq!(issues, expected, "{wish}");
    }
    assert_eq!(column(&served, "/projects/1/issues?milestone_id=Started", READER, "iid").await, [1]);
    assert_eq!(column(&served, "/projects/1/issues?milestone_id=Upcoming", READER, "iid").await, [2]);
}

#[tokio::test]
async fn searches_look_into_titles_and_descriptions() {
    let served = serve(three()).await;

    assert_eq!(numbers(&served, "search=LOGIN").await, [3, 1], "one in the description");
    assert_eq!(numbers(&served, "search=login&in=title").await, [1]);
    assert_eq!(numbers(&served, "search=login&in=description").await, [3]);
    assert_eq!(numbers(&served, "search=login+add").await, [1], "words in any order");
}

#[tokio::test]
async fn merge_requests_are_filtered_by_where_they_were_deployed() {
    let served = serve(three()).await;
    served.simulator.world(|world| {
        world.merge(1, "ann");
        world.advance(jiff::SignedDuration::from_mins(9));
        world.deploy(1, "production", "main", "ann");
    });

    assert_eq!(numbers(&served, "environment=production").await, [1]);
    assert_eq!(numbers(&served, "environment=staging").await, [0; 0]);
    assert_eq!(numbers(&served, "deployed_after=2020-01-01T00:00:00Z").await, [1]);
    assert_eq!(numbers(&served, "deployed_before=2020-01-01T00:00:00Z").await, [0; 0]);
}

/// The column of the title holds `Draft: `, so a draft stands among the Ds.
#[tokio::test]
async fn titles_are_sorted_with_what_makes_them_drafts() {
    let served = serve(three()).await;

    assert_eq!(numbers(&served, "order_by=title&sort=asc").await, [1, 3, 2]);
}

#[tokio::test]
async fn a_simple_view_has_no_people() {
    let served = serve(three()).await;

    let row = served.read(&format!("{LIST}?view=simple"), READER).await.1[0].clone();
    let mut keys: Vec<&String> = row.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        ["created_at", "description", "id", "iid", "project_id", "state", "title", "updated_at", "web_url"]
    );
}

#[tokio::test]
async fn the_anonymous_read_public_merge_requests_of_everyone() {
    let world = small().with_group("acme", |group| group.visibility(Visibility::Public));
    let served = serve(world.with_project("acme/web", |project| project.visibility(Visibility::Public))).await;

    assert_eq!(served.read("/merge_requests", "").await.0, 401);
    assert_eq!(column(&served, "/merge_requests?scope=all", "", "iid").await, [json!(1)]);
}

/// People who are blocked or banned are `without_forbidden_states` for all but administrators (app/finders/users_finder.rb).
#[tokio::test]
async fn blocked_people_are_seen_by_administrators_alone() {
    let world = small()
        .with_user("bad", |user| user.state = UserState::Banned)
        .with_user("out", |user| user.state = UserState::Blocked)
        .with_user("old", |user| user.state = UserState::Deactivated)
        .with_token("glpat-root", |token| token);
    let served = serve(world).await;
    let names = |path: &'static str, token: &'static str| column(&served, path, token, "username");

    assert_eq!(names("/users", READER).await, ["old", "bob", "ann", "ghost", "root"]);
    assert_eq!(names("/users?username=OUT", READER).await, [""; 0]);
    assert_eq!(names("/users", "glpat-root").await, ["old", "out", "bad", "bob", "ann", "ghost", "root"]);
    assert_eq!(names("/users?blocked=true", "glpat-root").await, ["out"]);
    assert_eq!(names("/users?active=true&exclude_internal=true", READER).await, ["bob", "ann", "root"]);
    assert_eq!(names("/users?exclude_active=true", READER).await, ["old", "ghost"]);
    assert_eq!(names("/users?exclude_humans=true", READER).await, ["ghost"]);
    assert_eq!(names("/users?external=true", READER).await, [""; 0]);
    assert_eq!(names("/users?order_by=username&sort=asc", READER).await, ["ann", "bob", "ghost", "old", "root"]);
    assert_eq!(names("/users?created_before=2021-01-01", READER).await.len(), 5, "for administrators alone");
    assert_eq!(names("/users?created_before=2021-01-01", "glpat-root").await, ["ghost", "root"]);
    assert_eq!(served.read("/users", "").await.0, 403, "the anonymous must name somebody");
    assert_eq!(names("/users?username=bob", "").await, ["bob"]);
}

#[tokio::test]
async fn projects_are_searched_by_name_and_not_by_namespace() {
    let world = small().with_group("acme", |group| {
        group
            .project("api", |project| project.change(|found| found.issues_access = Feature::Disabled))
            .project("old", |project| {
                project.archived().change(|found| found.description = Some("The website before".to_owned()))
            })
    });
    let served = serve(world).await;
    let paths = |query: &'static str| {
        let served = &served;
        async move { column(served, &format!("/projects?order_by=path&sort=asc&{query}"), READER, "path").await }
    };

    assert_eq!(paths("search=acme").await, [""; 0]);
    assert_eq!(paths("search=acme&search_namespaces=true").await, ["api", "old", "web"]);
    assert_eq!(paths("search=web").await, ["old", "web"], "one in the description");
    assert_eq!(paths("with_issues_enabled=true").await, ["old", "web"]);
    assert_eq!(paths("active=true").await, ["api", "web"]);
    assert_eq!(paths("active=false").await, ["old"]);
    assert_eq!(paths("starred=true").await, [""; 0]);
    assert_eq!(paths("imported=true").await, [""; 0]);
    let project = served.read("/projects/acme%2Fweb?statistics=true&license=true", READER).await.1;
    assert!(project["statistics"]["commit_count"].is_i64() && project["license"].is_null());
    assert_eq!(project.get("owner"), None, "only people own projects");
}

#[tokio::test]
async fn groups_and_members_can_be_left_out() {
    let world = small().with_group("acme", |group| group.subgroup("core", |group| group));
    let served = serve(world).await;
    let ann = served.simulator.world(|world| world.user_named("ann"));

    assert_eq!(column(&served, "/groups?skip_groups[]=1", READER, "path").await, ["core"]);
    assert_eq!(column(&served, "/groups?active=false", READER, "path").await, [""; 0]);
    assert_eq!(column(&served, &format!("/groups/acme/members?skip_users[]={ann}"), READER, "username").await, ["bob"]);
    assert_eq!(column(&served, "/groups/acme/members/all?state=awaiting", READER, "username").await, [""; 0]);
    assert_eq!(column(&served, &format!("/groups/acme/members?user_ids={ann}"), READER, "username").await, ["ann"]);
}

#[tokio::test]
async fn labels_are_counted_where_they_are_listed() {
    let mut world = three().with_group("acme", |group| {
        group.label("ops").project("api", |project| project.merge_request("Other", |found| found.label("ops")))
    });
    world.merge(2, "ann");
    let ui = world.labels().find(|label| label.title == "ui").unwrap().id;
    world.edit_label(ui, |label| label.description = Some("What people see".to_owned()));
    world.insert_issue(Issue { id: 1, iid: 1, project: 1, labels: vec![ui], ..Issue::default() });
    let served = serve(world).await;

    let found = served.read("/projects/acme%2Fweb/labels?search=PEOPLE&with_counts=true", READER).await.1;
    assert_eq!((&found[0]["name"], found.as_array().unwrap().len()), (&json!("ui"), 1));
    assert_eq!((&found[0]["open_merge_requests_count"], &found[0]["open_issues_count"]), (&json!(1), &json!(1)));
    let ops = "/projects/acme%2Fweb/labels?search=ops&with_counts=true";
    assert_eq!(served.read(ops, READER).await.1[0]["open_merge_requests_count"], 0, "those of this project");
    let ops = served.read("/groups/acme/labels?search=ops&with_counts=true", READER).await.1;
    assert_eq!(ops[0]["open_merge_requests_count"], 1);
    assert_eq!(ops[0].get("priority"), None, "groups give none");
}

#[tokio::test]
async fn pipelines_and_jobs_are_filtered() {
    let mut world = small();
    let first = world.start_pipeline(1, "main", "ann", "push").unwrap();
    world.finish_pipeline(first, "failed");
    world.edit_pipeline(first, |pipeline| pipeline.name = Some("Nightly".to_owned()));
    let second = world.start_pipeline(1, "main", "bob", "schedule").unwrap();
    let served = serve(world).await;
    let sha = served.simulator.read(|world| world.pipeline(first).unwrap().sha.to_string());

    for (query, expected) in [
        ("", vec![second, first]),
        ("source=schedule", vec![second]),
        ("scope=finished", vec![first]),
        ("scope=branches", vec![second]),
        ("scope=tags", vec![]),
        ("username=ann", vec![first]),
        ("name=none", vec![]),
        ("name=Nightly", vec![first]),
        ("created_before=2020-01-01T00:00:00Z", vec![]),
        ("order_by=user_id&sort=asc", vec![first, second]),
        ("sha=0000", vec![]),
        (&format!("sha={sha}&status=failed"), vec![first]),
    ] {
        let found = column(&served, &format!("/projects/1/pipelines?{query}"), READER, "id").await;
        assert_eq!(found, expected.iter().map(|id| json!(id)).collect::<Vec<_>>(), "{query}");
    }
    let one = served.read(&format!("/projects/1/pipelines/{first}"), READER).await.1;
    assert_eq!(one["name"], "Nightly");
    let failed = column(&served, "/projects/1/jobs?scope[]=failed", READER, "status").await;
    assert!(!failed.is_empty() && failed.iter().all(|status| status == "failed"));
    let either = column(&served, "/projects/1/jobs?scope[]=failed&scope[]=skipped", READER, "status").await;
    assert!(either.len() >= failed.len());
}

#[tokio::test]
async fn commits_are_those_of_the_branch_that_is_asked_for() {
    let world = small().with_project("acme/web", |project| {
        project
            .merge_request("Branch off", |found| found.change(|found| found.files[0].path = "src/login.rs".to_owned()))
    });
    let served = serve(world).await;
    let (branch, head) = served.simulator.read(|world| {
        let found = world.merge_request(2).unwrap();
        (found.source_branch.clone(), found.commits[0].sha.to_string())
    });
    let ids = |query: String| {
        let served = &served;
        async move {
            let path = format!("/projects/acme%2Fweb/repository/commits?per_page=100&{query}");
            column(served, &path, READER, "id").await
        }
    };

    assert!(!ids(String::new()).await.contains(&json!(head)), "it is not merged");
    assert_eq!(ids(format!("ref_name={branch}")).await[0], json!(head));
    assert!(ids("all=true".to_owned()).await.contains(&json!(head)));
    assert_eq!(ids("ref_name=nothing".to_owned()).await, [""; 0]);
    assert!(ids(format!("ref_name={branch}&path=src/login.rs")).await.contains(&json!(head)));
    assert_eq!(ids(format!("ref_name={branch}&path=src/log")).await, [""; 0], "half a name is none");
    // The time that is shown has no fraction, and names its own commit.
    let shown = served.read(&format!("/projects/acme%2Fweb/repository/commits?ref_name={branch}"), READER).await.1;
    let until = shown[0]["committed_date"].as_str().unwrap().replace('+', "%2B");
    assert_eq!(ids(format!("ref_name={branch}&until={until}&since={until}")).await[0], json!(head));
}

/// `merge_requests_enabled` is what the caller has: members-only means Reporter upwards (`feature_available?`).
#[tokio::test]
async fn features_are_on_for_those_who_may_use_them() {
    let world = small()
        .with_group("acme", |group| {
            group
                .visibility(Visibility::Public)
                .project("inner", |project| {
                    let project = project.visibility(Visibility::Public);
                    project.change(|found| found.merge_requests_access = Feature::Private)
                })
                .member("gus", Role::Guest)
        })
        .with_token("glpat-guest", |token| token.user("gus").scopes(&[Scope::ReadApi]));
    let served = serve(world).await;
    let enabled = |path: &'static str, token: &'static str| {
        let served = &served;
        async move { served.read(path, token).await.1["merge_requests_enabled"].clone() }
    };

    assert_eq!(enabled("/projects/acme%2Finner", OWNER).await, true);
    assert_eq!(enabled("/projects/acme%2Finner", "glpat-guest").await, false);
    assert_eq!(enabled("/projects/acme%2Fweb", "glpat-guest").await, true, "whose list is forbidden all the same");
}

/// lib/api/entities/issuable_references.rb: `relative` is so to the group that is asked. Without one it names no project.
#[tokio::test]
async fn references_are_relative_to_what_is_asked() {
    let world = small().with_group("acme", |group| {
        group.subgroup("core", |group| group.project("api", |project| project.merge_request("Below", |found| found)))
    });
    let served = serve(world).await;
    let relative = |path: &'static str| {
        let served = &served;
        async move {
            column(served, path, READER, "references")
                .await
                .iter()
                .map(|all| all["relative"].clone())
                .collect::<Vec<_>>()
        }
    };

    assert_eq!(relative("/projects/acme%2Fweb/merge_requests").await, ["!1"]);
    assert_eq!(relative("/groups/acme/merge_requests").await, ["acme/core/api!1", "web!1"]);
    assert_eq!(relative("/merge_requests?scope=all").await, ["!1", "!1"]);
}
