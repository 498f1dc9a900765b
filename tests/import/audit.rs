//! What an audit promises: it names whatever differs from GitLab, and nothing else.

use std::time::Duration;

use gitlab_connector::gitlab::Client;
use gitlab_connector::importer::audit::{self, Sample};
use gitlab_connector::importer::{self, Auditing, Progress, Settings};
use gitlab_connector::store::{Audit, Finding};
use gitlab_simulator::world::{Owner, ProjectBuilder, Role, Scope as TokenScope, Size, Visibility};
use gitlab_simulator::{Fault, FaultKind, Simulator, World};
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::{Place, TOKEN, client, client_with, company, import, serve, small, whole};

/// A private project (1) with two merge requests that were reviewed, and another with one.
fn private() -> World {
    let project = |project: ProjectBuilder| {
        let project = project.visibility(Visibility::Private).member("reader", Role::Developer);
        project.merge_request("Add a page", |one| one.by("ann").push(2).comment("bob", "nice").approve("bob"))
    };
    let two = |one: ProjectBuilder| project(one).merge_request("Mend it", |one| one.by("bob").comment("ann", "hm"));
    World::new()
        .with_group("acme", |group| group.visibility(Visibility::Public).project("web", two).project("api", project))
        .with_token(TOKEN, |token| token.user("reader").scopes(&[TokenScope::ReadApi]))
}

/// An audit of everything, or of so many.
async fn audited(client: &Client, place: &Place, sample: Sample) -> Result<Audit, importer::Error> {
    let (settings, stop) = (place.settings("audit"), CancellationToken::new());
    audit::run(client, &place.store, &settings, sample, &Progress::default(), stop).await
}

/// What an audit of everything finds, a line each.
pub(super) async fn differences(gitlab: &Simulator, place: &Place) -> Vec<String> {
    lines(&audited(&client(gitlab), place, Sample::All).await.unwrap())
}

fn lines(audit: &Audit) -> Vec<String> {
    let counts = audit.miscounts.iter().map(|one| format!("{}: {} of {}", one.path, one.stored, one.gitlab));
    let rows = audit.noted.iter().map(|one| {
        let row = one.difference.row.as_deref().unwrap_or_default();
        let what = match &one.difference.finding {
            Finding::Missing => "missing".to_owned(),
            Finding::Extra => "extra".to_owned(),
            Finding::Other { column, stored, gitlab } => format!("{column} {stored:?} {gitlab:?}"),
        };
        format!("{}!{} {} {row} {what}", one.path, one.iid, one.difference.table)
    });
    let lines: Vec<String> = counts.chain(rows).collect();
    assert_eq!(usize::try_from(audit.differences).unwrap(), lines.len());
    lines
}

#[tokio::test]
async fn an_audit_of_what_was_just_imported_finds_no_difference_of_any_field() {
    let size = Size { projects: 4, merge_requests: 60, ..small() };
    let gitlab = serve(company(11, size)).await;
    let there = gitlab.read(|world| world.merge_requests().count());
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();

        let all = audited(&client(&gitlab), &place, Sample::All).await.unwrap();
        let some = audited(&client(&gitlab), &place, Sample::Random(30)).await.unwrap();

        assert_eq!(lines(&all), [""; 0]);
        assert_eq!(usize::try_from(all.merge_requests).unwrap(), there);
        assert_eq!((all.projects, all.behind, all.unreadable), (4, 0, 0));
        assert_eq!((some.merge_requests, some.differences), (30, 0));
    }
}

#[tokio::test]
async fn an_audit_names_each_row_and_column_that_is_not_as_in_gitlab() {
    let gitlab = serve(private()).await;
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        let path = place.texts("select path_with_namespace from gitlab_projects where id = 1").await.remove(0);
        let note =
            place.texts("select cast(min(id) as text) from gitlab_notes where merge_request_id = 2").await.remove(0);
        let commit =
            place.texts("select min(sha) from gitlab_merge_request_commits where merge_request_id = 1").await.remove(0);
        for broken in [
            "update gitlab_merge_requests set title = 'Another', additions = null where id = 1",
            &format!("delete from gitlab_notes where id = {note}"),
            &format!("update gitlab_merge_request_commits set gone_at = committed_at where sha = '{commit}'"),
            "insert into gitlab_approvals (source, merge_request_id, user_id) values (1, 2, 4242)",
        ] {
            place.execute(broken).await;
        }

        let found = differences(&gitlab, &place).await;

        let expects = [
            format!("{path}!1 gitlab_merge_requests  additions None Some("),
            format!("{path}!1 gitlab_merge_requests  title Some(\"Another\") Some("),
            format!("{path}!1 gitlab_merge_request_commits {commit} missing"),
            format!("{path}!2 gitlab_notes {note} missing"),
            format!("{path}!2 gitlab_approvals 4242 extra"),
        ];
        assert_eq!(found.len(), expects.len(), "{found:#?}");
        for expected in expects {
            assert!(found.iter().any(|line| line.starts_with(&expected)), "{expected} in {found:#?}");
        }
        let kept = "select kind || coalesce(' ' || column_name, '') from connector_audit_differences order by kind, column_name";
        assert_eq!(place.texts(kept).await, ["extra", "missing", "missing", "other additions", "other title"]);

        whole(&gitlab, &place, "again").await;
        assert_eq!(differences(&gitlab, &place).await, [""; 0], "a full import mends it");
        assert_eq!(place.texts("select cast(differences as text) from connector_audits order by id").await, ["5", "0"]);
    }
}

#[tokio::test]
async fn a_merge_request_that_is_not_stored_is_missing_and_the_count_differs() {
    let gitlab = serve(private()).await;
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        place.execute("delete from gitlab_merge_requests where id = 2").await;

        let found = differences(&gitlab, &place).await;

        assert_eq!(found.len(), 2, "one line for it, none for its children: {found:#?}");
        assert!(found[0].ends_with(": 1 of 2") && found[1].contains("!2 gitlab_merge_requests  missing"), "{found:#?}");
    }
}

#[tokio::test]
async fn a_merge_request_that_was_deleted_in_gitlab_is_a_difference_until_a_full_import() {
    let gitlab = serve(private()).await;
    let place = Place::sqlite().await;
    import(&gitlab, &place, &place.settings("first")).await.unwrap();
    gitlab.world(|world| world.delete_merge_request(2));

    let found = differences(&gitlab, &place).await;

    assert!(found.len() == 2 && found[1].contains("!2 gitlab_merge_requests  extra"), "{found:#?}");
    whole(&gitlab, &place, "again").await;
    assert_eq!(differences(&gitlab, &place).await, [""; 0]);
}

#[tokio::test]
async fn what_changed_after_the_last_import_is_behind_and_no_difference() {
    let gitlab = serve(private()).await;
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        gitlab.world(|world| {
            world.comment(1, "ann", "and one more").unwrap();
            world.open_merge_request(1, "bob", "A new one").unwrap();
        });

        let audit = audited(&client(&gitlab), &place, Sample::All).await.unwrap();

        assert_eq!((lines(&audit), audit.behind), (vec![], 1), "a new one was not there yet");
    }
}

#[tokio::test]
async fn what_gitlab_does_not_show_is_unreadable_and_no_difference() {
    let gitlab = serve(private()).await;
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        gitlab.world(|world| {
            let reader = world.user_named("reader");
            world.remove_member(Owner::Project(1), reader).unwrap();
        });

        let audit = audited(&client(&gitlab), &place, Sample::All).await.unwrap();

        assert_eq!(lines(&audit), [""; 0]);
        assert_eq!(audit.unreadable, 1 + 2, "the project and its merge requests");
        gitlab.world(|world| {
            let reader = world.user_named("reader");
            world.add_project_member(1, reader, Role::Developer);
        });
    }
}

#[tokio::test]
async fn what_one_token_does_not_see_another_does() {
    let gitlab =
        serve(private().with_token("glpat-stranger", |token| token.user("stranger").scopes(&[TokenScope::ReadApi])))
            .await;
    gitlab.world(|world| world.group_mut(1).unwrap().visibility = Visibility::Public);
    let place = Place::sqlite().await;
    let both = client_with(&gitlab, &["glpat-stranger", TOKEN]);
    import(&gitlab, &place, &place.settings("first")).await.unwrap();

    let audit = audited(&both, &place, Sample::All).await.unwrap();

    assert_eq!((lines(&audit), audit.unreadable), (vec![], 0));
}

#[tokio::test]
async fn merge_requests_that_are_too_old_for_the_connection_are_not_missed() {
    let gitlab = serve(company(12, Size { projects: 2, merge_requests: 80, ..small() })).await;
    let since = gitlab.read(|world| {
        let mut times: Vec<_> = world.merge_requests().map(|one| one.updated_at).collect();
        times.sort();
        times[times.len() / 2]
    });
    for place in Place::each().await {
        let settings = |key| Settings { since: Some(since), ..place.settings(key) };
        import(&gitlab, &place, &settings("first")).await.unwrap();
        let stored = place.count("gitlab_merge_requests").await;
        assert!((1..160).contains(&stored), "{stored}");

        let (stop, progress) = (CancellationToken::new(), Progress::default());
        let audit =
            audit::run(&client(&gitlab), &place.store, &settings("audit"), Sample::All, &progress, stop).await.unwrap();

        assert_eq!((lines(&audit), audit.merge_requests), (vec![], stored));
    }
}

#[tokio::test]
async fn an_audit_before_the_first_import_says_so() {
    let gitlab = serve(private()).await;
    let place = Place::sqlite().await;

    let error = audited(&client(&gitlab), &place, Sample::All).await.unwrap_err();

    assert!(matches!(error, importer::Error::NeverImported), "{error:?}");
}

#[tokio::test]
async fn of_audits_the_latest_hundred_are_kept() {
    let gitlab = serve(private()).await;
    for place in Place::each().await {
        import(&gitlab, &place, &place.settings("first")).await.unwrap();
        place.execute("update gitlab_merge_requests set title = 'Another' where id = 1").await;
        let audit = audited(&client(&gitlab), &place, Sample::All).await.unwrap();
        for _ in 0..110 {
            place.store.keep_audit(place.source, &audit).await.unwrap();
        }

        for table in ["connector_audits", "connector_audit_differences"] {
            assert_eq!(place.texts(&format!("select cast(count(*) as text) from {table}")).await, ["100"]);
        }
    }
}

#[tokio::test]
async fn at_the_end_of_an_import_an_audit_is_made_where_the_last_is_long_ago() {
    let gitlab = serve(private()).await;
    let place = Place::sqlite().await;
    let settings = |key: &str, hours| Settings {
        audit: Some(Auditing { interval: SignedDuration::from_hours(hours), sample: 2 }),
        ..place.settings(key)
    };
    let mut found = Vec::new();
    for (key, hours) in [("first", 24), ("second", 24), ("third", 0)] {
        let summary = import(&gitlab, &place, &settings(key, hours)).await.unwrap();
        found.push(summary.audit.map(|audit| (audit.merge_requests, audit.differences)));
        place.execute("update gitlab_merge_requests set title = 'Another'").await;
    }

    assert_eq!(found, [Some((2, 0)), None, Some((2, 2))]);
}

/// Whoever dies amid an audit leaves nothing of it.
#[tokio::test]
async fn an_audit_that_came_to_no_end_fails_no_import_and_is_made_at_the_end_of_the_next() {
    let gitlab = serve(private()).await;
    for place in Place::each().await {
        let auditing = Auditing { interval: SignedDuration::from_hours(24), sample: 10 };
        let settings = |key: &str| Settings {
            audit: Some(auditing),
            patience: SignedDuration::from_secs(1),
            ..place.settings(key)
        };
        gitlab.faults().add(Fault::at("POST /graphql counts", FaultKind::Status { status: 502 }));
        let failed = import(&gitlab, &place, &settings("first")).await.unwrap();
        gitlab.faults().clear();
        let made = import(&gitlab, &place, &settings("second")).await.unwrap();

        assert_eq!((failed.exit_code(), failed.audit), (0, None));
        assert_eq!(made.audit.map(|audit| audit.merge_requests), Some(3));
        assert_eq!(place.texts("select cast(count(*) as text) from connector_audits").await, ["1"]);
    }
}

#[tokio::test]
async fn of_several_workers_one_makes_the_audit() {
    let gitlab = serve(company(14, Size { projects: 6, ..small() })).await;
    for place in Place::each().await {
        let workers = ["0", "1", "2", "3"].map(|worker| {
            let auditing = Auditing { interval: SignedDuration::from_hours(24), sample: 10 };
            let settings = Settings { worker: worker.into(), audit: Some(auditing), ..place.settings("together") };
            let (client, store) = (client(&gitlab), place.store.clone());
            tokio::spawn(async move {
                importer::run(&client, &store, &settings, &Progress::default(), CancellationToken::new()).await
            })
        });
        let mut audits = 0;
        for worker in workers {
            audits += usize::from(worker.await.unwrap().unwrap().audit.is_some());
        }

        assert_eq!(audits, 1);
        assert_eq!(place.texts("select cast(count(*) as text) from connector_audits").await, ["1"]);
    }
}

/// An import that dies at any moment or gives up, and goes on until it comes to its end. How often it lived.
async fn live_and_die(gitlab: &Simulator, place: &Place, settings: &Settings) -> usize {
    for lives in 1..200 {
        let client = client(gitlab);
        let progress = Progress::default();
        let run = importer::run(&client, &place.store, settings, &progress, CancellationToken::new());
        if let Ok(Ok(summary)) = tokio::time::timeout(Duration::from_millis(fastrand::u64(..300 * lives)), run).await
            && summary.run.run.finished()
        {
            return usize::try_from(lives).unwrap();
        }
    }
    panic!("it never gets to the end")
}

/// Every twentieth answer fails, each in another way, and whoever imports dies again and again.
#[tokio::test]
async fn after_an_import_with_failing_answers_that_was_killed_ten_times_an_audit_finds_no_difference() {
    let kinds = [
        FaultKind::Status { status: 502 },
        FaultKind::Status { status: 500 },
        FaultKind::CutBody,
        FaultKind::Html { status: 200 },
        FaultKind::Html { status: 503 },
        FaultKind::FieldTimeout { fields: vec!["MergeRequest.notes".into()] },
    ];
    let gitlab = serve(company(13, Size { projects: 6, merge_requests: 120, ..small() })).await;
    for place in Place::each().await {
        for (seed, kind) in (0..).zip(&kinds) {
            let share = 0.05 / kinds.len() as f64;
            gitlab.faults().add(Fault::at("* /*", kind.clone()).with_probability(share, seed));
        }
        let mut lives = 0;
        while lives < 10 {
            gitlab.world(|world| world.comment(1, "ann", "and more").unwrap());
            lives += live_and_die(&gitlab, &place, &place.settings(&format!("run {lives}"))).await;
        }
        gitlab.faults().clear();

        assert_eq!(differences(&gitlab, &place).await, [""; 0]);
    }
}
