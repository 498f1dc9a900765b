//! Who was asked and by whom, threads, addresses, forks, and labels where they belong.

use gitlab_simulator::world::{Namespace, User, UserKind};
use gitlab_simulator::{Fault, FaultKind};

use super::*;
use crate::support::rows::WITHOUT_LISTS;

async fn whole(gitlab: &Simulator, place: &Place, key: &str) {
    let settings = Settings { full: true, ..place.settings(key) };
    assert_eq!(import(gitlab, place, &settings).await.unwrap().exit_code(), 0);
}

/// A merge request of the year 2025 in which ann asks bob for a review and then cem.
fn asked() -> World {
    let world = World::new().with_group("acme", |group| {
        group.project("web", |project| {
            project.merge_request("Add a page", |one| {
                one.by("ann")
                    .at("2025-03-03T08:00:00Z")
                    .reviewer("bob")
                    .at("2025-03-04T08:00:00Z")
                    .reviewers(&["cem"])
                    .at("2025-03-05T08:00:00Z")
                    .approve("bob")
                    .at("2025-03-06T08:00:00Z")
                    .comment("cem", "Fine")
                    .comment("dan", "Me too")
            })
        })
    });
    readable(world)
}

#[tokio::test]
async fn a_review_counts_from_the_request_to_its_own_reviewer() {
    let gitlab = serve(asked()).await;
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();

        let requested = "select u.username || ' ' || substr(cast(r.requested_at as text), 1, 10) || ' ' ||
            case when r.request_recorded then 'recorded' else 'unknown' end
            from gitlab_reviews r join gitlab_users u on u.source = r.source and u.id = r.user_id order by 1";
        let opened = "select substr(cast(created as text), 1, 10) from pull_requests";
        let opened = place.texts(opened).await.remove(0);
        assert_eq!(
            place.texts(requested).await,
            ["bob 2025-03-03 recorded", "cem 2025-03-04 recorded", &format!("dan {opened} unknown")]
        );
        let requests = "select u.username || ' by ' || b.username from pull_request_review_requests r
            join users u on u.source = r.source and u.id = r.user_id
            join users b on b.source = r.source and b.id = r.requested_by_user_id order by 1";
        assert_eq!(place.texts(requests).await, ["bob by ann", "cem by ann"]);
    }
}

#[tokio::test]
async fn who_was_asked_is_known_also_after_they_took_another_name() {
    let gitlab = serve(asked()).await;
    for place in Place::each().await {
        let bob = gitlab.world(|world| world.user_named("bob"));
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        let rename = |name: &str| {
            gitlab.world(|world| {
                let bob = world.user(bob).unwrap().clone();
                world.insert_user(User { username: name.to_owned(), ..bob });
            });
        };
        rename("robert");
        gitlab.world(|world| world.comment(1, "robert", "It is me"));

        whole(&gitlab, &place, "renamed").await;

        let asked = "select u.username from pull_request_review_requests r
            join users u on u.source = r.source and u.id = r.user_id order by 1";
        assert_eq!(place.texts(asked).await, ["cem", "robert"]);
        rename("bob");
    }
}

#[tokio::test]
async fn a_name_that_somebody_else_took_names_those_who_had_it_when_they_were_asked() {
    let gitlab = serve(asked()).await;
    for (number, place) in Place::each().await.into_iter().enumerate() {
        let bob = gitlab.world(|world| world.user_named("bob"));
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        let rename = |id: i64, name: &str| {
            gitlab.world(|world| {
                let user = world.user(id).unwrap().clone();
                world.insert_user(User { username: name.to_owned(), ..user });
            });
        };
        rename(bob, "robert");
        gitlab.world(|world| world.comment(1, "robert", "It is me"));
        let heir = gitlab.world(|world| world.create_user(&format!("heir-{number}"), UserKind::Human));
        rename(heir, "bob");
        gitlab.world(|world| world.comment(1, "bob", "I am new"));

        whole(&gitlab, &place, "renamed").await;

        let asked = "select cast(user_id as text) from pull_request_review_requests order by requested";
        let cem = gitlab.world(|world| world.user_named("cem"));
        assert_eq!(place.texts(asked).await, [bob.to_string(), cem.to_string()]);
        rename(heir, &format!("heir-{number}"));
        rename(bob, "bob");
    }
}

#[tokio::test]
async fn what_was_stored_by_an_earlier_version_is_completed_by_the_next_import() {
    let gitlab = serve(asked()).await;
    let [closed, open] = [Place::each().await, Place::each().await];
    let places = closed.into_iter().map(|place| (place, false)).chain(open.into_iter().map(|place| (place, true)));
    for (place, is_under_way) in places {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        if is_under_way {
            let run = place.store.open_run(place.source, "under way", false).await.unwrap().id;
            let begun = format!("update connector_state set value = replace(value, '\"run\":1', '\"run\":{run}')");
            place.execute(&format!("{begun} where key = 'import-kinds-begun'")).await;
        }
        place.execute("update gitlab_notes set requested_reviewers = null, discussion_id = null").await;
        place.execute("delete from connector_schema where version >= 6").await;
        let undo = [
            "drop table gitlab_usernames",
            "alter table gitlab_notes drop column requested_reviewers",
            "alter table gitlab_members add column state text",
        ];
        let views = match place.file {
            Some(_) => "select name from sqlite_schema where type = 'view'",
            None => "select viewname::text from pg_views where schemaname = current_schema()",
        };
        let cascade = if place.file.is_some() { "" } else { "cascade" };
        let drops = place.texts(views).await.into_iter().map(|view| format!("drop view if exists {view} {cascade}"));
        let drops: Vec<String> = drops.collect();
        for statement in drops.iter().map(String::as_str).chain(WITHOUT_LISTS).chain(undo) {
            place.define(statement).await;
        }

        place.store.migrate().await.unwrap();
        if is_under_way {
            import(&gitlab, &place, &place.settings("under way")).await.unwrap();
        }
        import(&gitlab, &place, &place.settings("next")).await.unwrap();

        let asked = "select cast(count(*) as text) from pull_request_review_requests";
        assert_eq!(place.texts(asked).await, ["2"]);
        assert_eq!(
            place.texts("select cast(count(*) as text) from gitlab_notes where discussion_id is null").await,
            ["0"]
        );
    }
}

#[tokio::test]
async fn threads_are_counted_with_their_comments_and_their_end() {
    let world = World::new().with_group("acme", |group| {
        group.project("web", |project| {
            project.merge_request("Add a page", |one| {
                one.by("ann")
                    .diff_comment("bob", "Why?")
                    .diff_comment("bob", "A typo")
                    .resolve("bob")
                    .comment("bob", "Fine")
            })
        })
    });
    let gitlab = serve(readable(world)).await;
    gitlab.world(|world| {
        let first = world.merge_request(1).unwrap().notes.iter().find(|note| note.resolvable).unwrap().id;
        world.reply(first, "ann", "Because").unwrap();
    });
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();

        let threads = "select cast(comments as text) || ' by ' || cast(people as text) || ' ' ||
            case when resolved then 'resolved' else 'open' end from pull_request_threads order by started";
        assert_eq!(place.texts(threads).await, ["2 by 2 open", "1 by 1 resolved"]);
        let names = "select thread_id from pull_request_threads";
        assert!(place.texts(names).await.iter().all(|name| name.len() == 40), "as REST and webhooks spell them");
    }
}

#[tokio::test]
async fn an_address_is_stored_as_long_as_its_owner_shows_it() {
    let world = World::new()
        .with_user("ann", |ann| ann.public_email = Some("ann@acme.test".to_owned()))
        .with_group("acme", |group| group.project("web", |project| project.merge_request("Add", |one| one.by("ann"))));
    let gitlab = serve(readable(world)).await;
    for place in Place::each().await {
        let shown = "select email from users where username = 'ann'";
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        assert_eq!(place.texts(shown).await, ["ann@acme.test"]);

        let ann = gitlab.world(|world| world.user_named("ann"));
        gitlab.world(|world| world.user_mut(ann).unwrap().public_email = None);
        whole(&gitlab, &place, "hidden").await;

        assert_eq!(place.texts(shown).await, [""]);
        gitlab.world(|world| world.user_mut(ann).unwrap().public_email = Some("ann@acme.test".to_owned()));
    }
}

#[tokio::test]
async fn forks_are_told_of_groups_and_of_single_projects_and_of_those_that_come_later() {
    let world = World::new()
        .with_group("other", |group| group.project("tea", |project| project).member("reader", Role::Developer))
        .with_group("acme", |group| group.project("web", |project| project).subgroup("team", |team| team));
    let gitlab = serve(readable(world)).await;
    let id = |path: &str| gitlab.world(|world| world.project_by_path(path).unwrap().id);
    let fork = |of: &str, group: &str, path: &str| {
        gitlab.world(|world| {
            let group = world.group_by_path(group).unwrap().id;
            let of = world.project_by_path(of).unwrap().id;
            world.fork_project(of, Namespace::Group(group), path, None).unwrap()
        })
    };
    fork("acme/web", "acme/team", "web");
    fork("acme/web", "other", "mine");
    for (number, place) in Place::each().await.into_iter().enumerate() {
        let forks = "select path_with_namespace || ' ' || cast(forked_from_project_id as text) from gitlab_projects
            where forked_from_project_id is not null order by 1";
        let settings = |key: &str| {
            let exclude_projects = vec!["acme/excluded-*".into()];
            let scope = Scope { projects: vec!["other/mine".into()], exclude_projects, ..place.settings(key).scope };
            Settings { scope, ..place.settings(key) }
        };
        import(&gitlab, &place, &settings("first")).await.unwrap();
        let web = id("acme/web");
        let mut told = vec![format!("acme/team/web {web}"), format!("other/mine {web}")];
        told.extend((0..number).map(|number| format!("acme/later-{number} {web}")));
        told.sort();
        assert_eq!(place.texts(forks).await, told);

        // One that is never stored is not asked about again and again.
        fork("acme/web", "acme", &format!("excluded-{number}"));
        fork("acme/web", "acme", &format!("later-{number}"));
        let asked = gitlab.counts()["GET /groups/:id/projects"];
        import(&gitlab, &place, &settings("second")).await.unwrap();
        import(&gitlab, &place, &settings("third")).await.unwrap();

        told.push(format!("acme/later-{number} {web}"));
        told.sort();
        assert_eq!(place.texts(forks).await, told);
        assert_eq!(gitlab.counts()["GET /groups/:id/projects"], asked + 1, "only where a project is new");
    }
}

/// As after a planner that dies before it has asked: what was not told is not counted as asked.
#[tokio::test]
async fn forks_that_gitlab_did_not_tell_are_asked_for_by_the_next_walk() {
    let gitlab =
        serve(readable(World::new().with_group("acme", |group| group.project("web", |project| project)))).await;
    gitlab.world(|world| {
        let group = world.group_by_path("acme").unwrap().id;
        let web = world.project_by_path("acme/web").unwrap().id;
        world.fork_project(web, Namespace::Group(group), "fork", None).unwrap()
    });
    for place in Place::each().await {
        let forks = "select path_with_namespace from gitlab_projects where forked_from_project_id is not null";
        gitlab.faults().add(Fault::at("GET /groups/:id/projects", FaultKind::Status { status: 500 }));
        let silent = import(&gitlab, &place, &place.settings("first")).await.unwrap();
        assert_eq!((silent.exit_code(), place.texts(forks).await.len()), (0, 0));
        gitlab.faults().clear();

        import(&gitlab, &place, &place.settings("second")).await.unwrap();

        assert_eq!(place.texts(forks).await, ["acme/fork"]);
    }
}

#[tokio::test]
async fn a_label_is_stored_once_for_its_group_and_seen_by_each_project_below() {
    let world = World::new().with_group("acme", |group| {
        group.label("above").subgroup("team", |team| {
            team.label("team")
                .project("api", |project| project.label("own"))
                .subgroup("deep", |deep| deep.label("deep").project("web", |project| project))
        })
    });
    let gitlab = serve(readable(world)).await;
    for place in Place::each().await {
        let seen = "select p.full_path || ' ' || l.name || case when l.inherited then ' inherited' else '' end
            from repo_labels l join repos p on p.source = l.source and p.id = l.repo_id order by 1";
        let settings = |groups: &[&str], projects: &[&str]| {
            let [groups, projects] = [groups, projects].map(|names| names.iter().map(ToString::to_string).collect());
            let scope = Scope { groups, projects, ..place.settings("first").scope };
            Settings { scope, ..place.settings("first") }
        };
        import(&gitlab, &place, &settings(&["acme/team"], &[])).await.unwrap();

        assert_eq!(place.count("gitlab_labels").await, 4);
        assert_eq!(
            place.texts(seen).await,
            [
                "acme/team/api above inherited",
                "acme/team/api own",
                "acme/team/api team inherited",
                "acme/team/deep/web above inherited",
                "acme/team/deep/web deep inherited",
                "acme/team/deep/web team inherited",
            ]
        );

        let single = place.another().await;
        import(&gitlab, &single, &Settings { source: single.source, ..settings(&[], &["acme/team/api"]) })
            .await
            .unwrap();
        let names = "select name from repo_labels order by 1";
        assert_eq!(single.texts(names).await, ["above", "own", "team"], "those of groups that are not followed too");

        let alone = Settings { run_key: "alone".into(), ..settings(&[], &["acme/team/api"]) };
        import(&gitlab, &place, &alone).await.unwrap();
        assert_eq!(place.texts(names).await, ["above", "own", "team"], "each once, whoever told of it before");

        // The lower group is named itself, so it holds the labels of the groups above it as well.
        let both = place.another().await;
        let named = Settings { source: both.source, ..settings(&["acme/team/deep", "acme/team"], &[]) };
        import(&gitlab, &both, &named).await.unwrap();
        assert_eq!(both.texts("select cast(count(*) as text) from gitlab_labels where name = 'team'").await, ["2"]);
        assert_eq!(both.texts(names).await, ["above", "above", "deep", "own", "team", "team"], "one for each project");
    }
}

#[tokio::test]
async fn a_second_walk_with_nothing_changed_writes_no_row() {
    let gitlab = serve(company(31, Size { projects: 4, ..small() })).await;
    let place = Place::postgres().await;
    import(&gitlab, &place, &place.settings("first")).await.unwrap();
    // Each version of a row has the number of the transaction that wrote it.
    let written = || async {
        let mut rows = Vec::new();
        for (table, _) in TABLES {
            rows.extend(
                place.texts(&format!("select '{table} ' || xmin::text || ' ' || ctid::text from {table}")).await,
            );
        }
        rows
    };
    let before = written().await;

    import(&gitlab, &place, &place.settings("second")).await.unwrap();

    assert_eq!(written().await, before);
    assert!(!before.is_empty());
}

#[tokio::test]
async fn a_list_of_labels_that_gitlab_cannot_deliver_costs_nobody_else_anything() {
    let world = World::new().with_group("acme", |group| {
        group.project("web", |project| {
            let labelled = (0..60).fold(project, |project, number| project.label(&format!("label-{number}")));
            labelled.merge_requests(2)
        })
    });
    let gitlab = serve(readable(world)).await;
    let place = Place::sqlite().await;
    let timeout = FaultKind::FieldTimeout { fields: vec!["Project.labels".into()] };
    gitlab.faults().add(Fault::at("POST /graphql labels", timeout));

    let without = import(&gitlab, &place, &place.settings("first")).await.unwrap();
    let labels = (place.count("gitlab_labels").await, place.count("gitlab_merge_requests").await);
    gitlab.faults().clear();
    import(&gitlab, &place, &place.settings("second")).await.unwrap();

    assert_eq!((without.exit_code(), labels), (0, (40, 2)));
    assert_eq!(place.count("gitlab_labels").await, 60);
}
