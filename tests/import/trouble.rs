//! Bad days: limits, timeouts, broken answers, lost tokens, and what is never asked for.

use std::time::{Duration, Instant};

use gitlab_connector::importer::{self, Progress, Scope, Settings};
use gitlab_simulator::world::{Scope as TokenScope, Size};
use gitlab_simulator::{Fault, FaultKind};
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use sqlx::Connection as _;
use tokio_util::sync::CancellationToken;

use super::{Place, TOKEN, assert_same, client, company, import, serve, small};

const PAGES: &str = "POST /graphql mergeRequests";

#[tokio::test]
async fn no_trouble_that_passes_changes_a_row() {
    let size = Size { projects: 2, merge_requests: 120, notes: 2, commits: 1, ..Size::default() };
    let gitlab = serve(company(1, size)).await;
    let quiet = Place::sqlite().await;
    import(&gitlab, &quiet, &quiet.settings("quiet")).await.unwrap();
    let quiet = quiet.rows().await;

    let troubles = [
        FaultKind::RetryLater { seconds: 1 },
        FaultKind::TooManyRequests,
        FaultKind::Status { status: 502 },
        FaultKind::CutBody,
        FaultKind::FieldTimeout { fields: vec!["MergeRequest.diffStatsSummary".into()] },
        FaultKind::FieldTimeout { fields: vec!["MergeRequest.notes".into()] },
    ];
    for trouble in troubles {
        gitlab.faults().add(Fault::at(PAGES, trouble.clone()).after(1).times(2));
        let place = Place::sqlite().await;

        let summary = import(&gitlab, &place, &place.settings("troubled")).await.unwrap();

        assert_eq!(summary.exit_code(), 0, "{trouble:?}");
        assert!(gitlab.faults().list().is_empty(), "{trouble:?} has struck");
        assert_same(&place.rows().await, &quiet);
        gitlab.faults().clear();
    }
}

#[tokio::test]
async fn seconds_of_502_do_not_make_an_import_dearer() {
    let size = Size { projects: 2, merge_requests: 500, notes: 2, commits: 1, ..Size::default() };
    let gitlab = serve(company(1, size)).await;
    let place = Place::sqlite().await;
    gitlab.faults().add(Fault::at("POST /graphql*", FaultKind::Status { status: 502 }).after(3).times(16));
    gitlab.forget_requests();

    let summary = import(&gitlab, &place, &place.settings("first")).await.unwrap();

    assert_eq!(summary.exit_code(), 0, "{summary:?}");
    assert_eq!(place.count("gitlab_merge_requests").await, 1000);
    let pages = gitlab.counts()[PAGES];
    assert!(pages <= 10 + 16 + 2, "{pages} pages: ten of a hundred, and each refused one again");
}

#[tokio::test]
async fn a_page_that_is_too_slow_twice_is_asked_for_in_halves_and_soon_in_full_again() {
    let size = Size { projects: 1, merge_requests: 900, notes: 1, commits: 1, ..Size::default() };
    let gitlab = serve(company(1, size)).await;
    let place = Place::sqlite().await;
    gitlab.faults().add(Fault::at(PAGES, FaultKind::Status { status: 504 }).after(1).times(12));
    gitlab.forget_requests();

    let summary = import(&gitlab, &place, &place.settings("first")).await.unwrap();

    assert_eq!(summary.exit_code(), 0, "{summary:?}");
    assert_eq!(place.count("gitlab_merge_requests").await, 900);
    let pages = gitlab.counts()[PAGES];
    assert!(pages <= 60, "{pages} pages: not one for each merge request");
}

#[tokio::test]
async fn a_repository_that_gitlab_cannot_read_keeps_no_project_from_being_read() {
    let gitlab = serve(company(2, small())).await;
    let place = Place::sqlite().await;
    let broken = FaultKind::FieldTimeout { fields: vec!["Repository.rootRef".into()] };
    gitlab.faults().add(Fault::at("POST /graphql scope", broken));

    let summary = import(&gitlab, &place, &place.settings("first")).await.unwrap();

    assert_eq!(summary.exit_code(), 0, "{summary:?}");
    assert_eq!(summary.run.progress.done, 3);
}

#[tokio::test]
async fn a_merge_request_that_gitlab_cannot_deliver_costs_itself_alone() {
    let size = Size { projects: 1, merge_requests: 40, notes: 1, commits: 1, ..Size::default() };
    let gitlab = serve(company(2, size)).await;
    gitlab.world(|world| {
        let project = world.projects().next().unwrap().id;
        let id = world.merge_request_by_iid(project, 17).unwrap().id;
        world.edit_merge_request(id, |merge_request| merge_request.title = "Broken on disk".into());
    });
    let place = Place::sqlite().await;
    gitlab.faults().add(Fault::at(PAGES, FaultKind::PoisonedBy { text: "Broken on disk".into(), status: 500 }));

    let summary = import(&gitlab, &place, &place.settings("first")).await.unwrap();

    assert_eq!((summary.exit_code(), summary.run.progress.failed), (42, 1), "{summary:?}");
    assert!(summary.message().contains("!17 cannot be read"), "{}", summary.message());
    assert_eq!(place.count("gitlab_merge_requests").await, 39, "what is behind it is read");
    gitlab.faults().clear();
    let summary = import(&gitlab, &place, &place.settings("again")).await.unwrap();
    assert_eq!(summary.exit_code(), 0, "{summary:?}");
    assert_eq!(place.count("gitlab_merge_requests").await, 40, "the next run tries it again");
}

#[tokio::test]
async fn an_address_block_is_waited_for_and_ends_no_run() {
    let gitlab = serve(company(2, small())).await;
    let place = Place::sqlite().await;
    gitlab.faults().add(Fault::at("POST /graphql*", FaultKind::Html { status: 403 }).after(1).times(5));

    let summary = import(&gitlab, &place, &place.settings("first")).await.unwrap();

    assert_eq!(summary.exit_code(), 0, "{summary:?}");
    assert_eq!(summary.run.progress.done, 3);
}

/// It says 200: of an address that never was a GitLab, that would be the end.
#[tokio::test]
async fn a_page_for_maintenance_amid_an_import_is_waited_for() {
    let gitlab = serve(company(2, small())).await;
    let place = Place::sqlite().await;
    gitlab.faults().add(Fault::at("POST /graphql*", FaultKind::Html { status: 200 }).after(1).times(5));

    let summary = import(&gitlab, &place, &place.settings("first")).await.unwrap();

    assert_eq!(summary.exit_code(), 0, "{summary:?}");
    assert_eq!(summary.run.progress.done, 3);
}

#[tokio::test]
async fn a_server_that_answers_only_small_pages_gets_small_pages() {
    let size = Size { projects: 1, merge_requests: 60, notes: 2, commits: 1, ..Size::default() };
    let gitlab = serve(company(2, size)).await;
    let place = Place::sqlite().await;
    // Fails until the page has been halved a few times.
    let timeout = FaultKind::FieldTimeout { fields: vec!["MergeRequest.notes".into()] };
    gitlab.faults().add(Fault::at(PAGES, timeout).times(3));
    gitlab.forget_requests();

    let summary = import(&gitlab, &place, &place.settings("first")).await.unwrap();

    assert_eq!(summary.exit_code(), 0);
    assert_eq!(place.count("gitlab_merge_requests").await, 60);
    let pages = gitlab.counts()[PAGES];
    assert!((6..=14).contains(&pages), "{pages} pages: 12 a page at first, then more");
}

#[tokio::test]
async fn a_field_that_always_times_out_stays_unknown_and_the_rest_is_stored() {
    let size = Size { projects: 1, merge_requests: 3, ..Size::default() };
    let gitlab = serve(company(2, size)).await;
    let place = Place::sqlite().await;
    let timeout = FaultKind::FieldTimeout { fields: vec!["MergeRequest.diffStatsSummary".into()] };
    gitlab.faults().add(Fault::at(PAGES, timeout));

    let summary = import(&gitlab, &place, &place.settings("first")).await.unwrap();

    assert_eq!(summary.exit_code(), 0, "{summary:?}");
    assert_eq!(place.count("gitlab_merge_requests").await, 3);
    assert!(place.count("gitlab_notes").await > 0);
}

#[tokio::test]
async fn merge_requests_that_gitlab_leaves_out_fail_their_project_and_are_neither_swept_nor_forgotten() {
    let size = Size { projects: 1, merge_requests: 3, ..Size::default() };
    let gitlab = serve(company(2, size)).await;
    let place = Place::sqlite().await;
    import(&gitlab, &place, &place.settings("quiet")).await.unwrap();
    let quiet = place.rows().await;
    let settings = |key| Settings { full: true, patience: SignedDuration::from_millis(500), ..place.settings(key) };

    for field in ["MergeRequest.title", "Project.mergeRequests"] {
        // A null node looks like nothing, and a null list like merge requests that are switched off.
        let timeout = FaultKind::FieldTimeout { fields: vec![field.into()] };
        gitlab.faults().add(Fault::at(PAGES, timeout));

        let summary = import(&gitlab, &place, &settings(field)).await.unwrap();

        assert_eq!((summary.exit_code(), summary.run.progress.failed), (42, 1), "{field}: {summary:?}");
        assert_same(&place.rows().await, &quiet);
        gitlab.faults().clear();
    }
    let summary = import(&gitlab, &place, &settings("again")).await.unwrap();
    assert_eq!(summary.exit_code(), 0, "{summary:?}");
}

#[tokio::test]
async fn a_complexity_limit_that_falls_during_the_import_gets_smaller_pages() {
    let size = Size { projects: 1, merge_requests: 350, notes: 1, commits: 1, ..Size::default() };
    let gitlab = serve(company(8, size)).await;
    let quiet = Place::sqlite().await;
    import(&gitlab, &quiet, &quiet.settings("quiet")).await.unwrap();

    // 180 leaves room for fewer at once, 100 not even for one with all its notes.
    for limit in [180, 100] {
        gitlab.world(|world| world.settings.complexity_limit = None);
        let place = Place::sqlite().await;
        let (progress, connection) = (Progress::default(), client(&gitlab));
        let settings = place.settings("limited");
        let run = importer::run(&connection, &place.store, &settings, &progress, CancellationToken::new());
        let lower = async {
            while progress.snapshot().merge_requests == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            gitlab.world(|world| world.settings.complexity_limit = Some(limit));
        };
        let (summary, ()) = tokio::join!(run, lower);

        assert_eq!(summary.unwrap().exit_code(), 0, "{limit}");
        assert_same(&place.rows().await, &quiet.rows().await);
    }
}

#[tokio::test]
async fn a_revoked_token_ends_the_run_with_its_code() {
    let gitlab = serve(company(3, small())).await;
    let place = Place::sqlite().await;
    gitlab.world(|world| {
        let token = world.token_by_secret(TOKEN).unwrap().id;
        world.token_mut(token).unwrap().revoked = true;
    });

    let error = import(&gitlab, &place, &place.settings("first")).await.unwrap_err();

    assert_eq!((error.exit_code(), error.reason()), (43, "invalid_credentials"), "{error}");
    assert!(!error.to_string().contains(TOKEN));
}

/// What verification finds out first may also come up once an import is under way.
#[tokio::test]
async fn an_import_that_graphql_does_not_answer_says_what_verification_says() {
    let troubles = [
        (FaultKind::Status { status: 404 }, (1, "GraphQLUnavailable")),
        (FaultKind::Status { status: 403 }, (1, "GraphQLUnavailable")),
        (FaultKind::Html { status: 403 }, (1, "GitLabUnreachable")),
    ];
    for (trouble, said) in troubles {
        let place = Place::sqlite().await;
        let gitlab = serve(company(3, small())).await;
        gitlab.faults().add(Fault::at("POST /graphql", trouble.clone()));
        let settings = Settings { patience: SignedDuration::from_millis(200), ..place.settings("tick") };

        let error = import(&gitlab, &place, &settings).await.unwrap_err();

        assert_eq!((error.exit_code(), error.reason()), said, "{trouble:?}: {error}");
        assert!(error.to_string().contains("/api/graphql"), "{error}");
    }
}

#[tokio::test]
async fn a_server_or_a_token_that_no_import_can_use_ends_the_run_with_its_code() {
    let old = company(3, small()).with_version("13.12.15");
    let mut fine_grained = company(3, small());
    let reader = fine_grained.token_by_secret(TOKEN).unwrap().id;
    fine_grained.token_mut(reader).unwrap().scopes = vec![TokenScope::Granular];

    for (world, said) in [(old, (42, "UnsupportedVersion")), (fine_grained, (43, "invalid_permissions"))] {
        let place = Place::sqlite().await;
        let gitlab = serve(world).await;

        let error = import(&gitlab, &place, &place.settings("tick")).await.unwrap_err();

        assert_eq!((error.exit_code(), error.reason()), said, "{error}");
    }
}

#[tokio::test]
async fn a_scope_that_does_not_exist_is_named() {
    let gitlab = serve(company(3, small())).await;
    let place = Place::sqlite().await;
    let scope = |groups: &[&str]| Scope {
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        include_subgroups: true,
        include_archived: true,
        ..Scope::default()
    };

    let nothing = Settings { scope: scope(&["nobody/home"]), ..place.settings("nothing") };
    let error = import(&gitlab, &place, &nothing).await.unwrap_err();
    assert_eq!((error.exit_code(), error.reason()), (42, "ScopeNotFound"));
    assert!(error.to_string().contains("nobody/home"), "{error}");

    let some = Settings { scope: scope(&["acme", "nobody/home"]), ..place.settings("some") };
    let summary = import(&gitlab, &place, &some).await.unwrap();
    assert_eq!(summary.missing, ["nobody/home"]);
    assert_eq!((summary.exit_code(), summary.run.progress.done), (42, 3));
}

#[tokio::test]
async fn stopping_takes_no_time_and_loses_nothing() {
    let size = Size { projects: 2, merge_requests: 250, ..Size::default() };
    let gitlab = serve(company(4, size)).await;
    let place = Place::sqlite().await;
    gitlab.faults().add(Fault::at(PAGES, FaultKind::Latency { millis: 400 }));
    let (stop, progress) = (CancellationToken::new(), Progress::default());
    let settings = place.settings("first");
    let connection = client(&gitlab);
    let run = importer::run(&connection, &place.store, &settings, &progress, stop.clone());

    let stopper = async {
        while progress.snapshot().merge_requests == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
        Instant::now()
    };
    let (ended, stopped) = tokio::join!(run, stopper);

    assert!(matches!(ended, Err(importer::Error::Stopped)), "{ended:?}");
    assert!(stopped.elapsed() < Duration::from_secs(1), "{:?}", stopped.elapsed());
    gitlab.faults().clear();
    import(&gitlab, &place, &settings).await.unwrap();
    assert_eq!(place.count("gitlab_merge_requests").await, 500);
}

#[tokio::test]
async fn stopping_takes_no_time_while_a_run_begins() {
    let gitlab = serve(company(4, small())).await;
    let place = Place::sqlite().await;
    gitlab.faults().add(Fault::at("*", FaultKind::Hang));
    let (stop, connection, progress) = (CancellationToken::new(), client(&gitlab), Progress::default());
    let settings = place.settings("first");
    let run = importer::run(&connection, &place.store, &settings, &progress, stop.clone());
    let stopper = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stop.cancel();
        Instant::now()
    };

    let (ended, stopped) = tokio::join!(run, stopper);

    assert!(matches!(ended, Err(importer::Error::Stopped)), "{ended:?}");
    assert!(stopped.elapsed() < Duration::from_secs(1), "{:?}", stopped.elapsed());
}

#[tokio::test]
async fn a_gitlab_that_goes_away_ends_the_run_after_its_patience_and_nothing_is_lost() {
    let size = Size { projects: 1, merge_requests: 250, ..Size::default() };
    let gitlab = serve(company(5, size)).await;
    let place = Place::sqlite().await;
    gitlab.faults().add(Fault::at(PAGES, FaultKind::Status { status: 503 }).after(1));
    let settings = Settings { patience: SignedDuration::from_millis(500), ..place.settings("first") };

    let error = import(&gitlab, &place, &settings).await.unwrap_err();

    assert_eq!((error.exit_code(), error.reason()), (1, "GitLabUnreachable"), "{error}");
    gitlab.faults().clear();
    gitlab.forget_requests();
    import(&gitlab, &place, &settings).await.unwrap();
    assert_eq!(place.count("gitlab_merge_requests").await, 250);
    assert!(gitlab.counts()[PAGES] <= 3, "it went on where it had been: {:?}", gitlab.counts());
}

#[tokio::test]
async fn file_contents_are_never_asked_for() {
    let gitlab = serve(company(6, small())).await;
    let place = Place::sqlite().await;

    import(&gitlab, &place, &place.settings("first")).await.unwrap();

    for request in gitlab.requests() {
        let said = format!("{request:?}").to_lowercase();
        for word in ["blob", "/files", "/archive", "/raw", "/diffs", "rawtextblob", "repository/tree"] {
            assert!(!said.contains(word), "{said}");
        }
    }
}

#[tokio::test]
async fn ten_projects_of_five_hundred_take_few_requests() {
    let size = Size { projects: 10, merge_requests: 500, notes: 5, commits: 3, ..Size::default() };
    let gitlab = serve(company(7, size)).await;
    let place = Place::sqlite().await;

    import(&gitlab, &place, &Settings { concurrency: 16, ..place.settings("first") }).await.unwrap();

    assert_eq!(place.count("gitlab_merge_requests").await, 5000);
    assert!(gitlab.requests().len() <= 60, "{:?}", gitlab.counts());
}

#[tokio::test]
async fn a_database_that_breaks_off_connections_loses_nothing() {
    let size = Size { projects: 4, merge_requests: 120, notes: 1, commits: 1, ..Size::default() };
    let gitlab = serve(company(9, size)).await;
    let quiet = Place::postgres().await;
    import(&gitlab, &quiet, &quiet.settings("quiet")).await.unwrap();
    let place = Place::postgres().await;
    let settings = place.settings("broken");
    let run = import(&gitlab, &place, &settings);
    let breaker = async {
        let mut connection = sqlx::PgConnection::connect(place.url.expose_secret()).await.unwrap();
        let query = "select pg_terminate_backend(pid) from pg_stat_activity \
                     where datname = current_database() and pid <> pg_backend_pid()";
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(40)).await;
            sqlx::query(query).execute(&mut connection).await.unwrap();
        }
    };

    let (summary, ()) = tokio::join!(run, breaker);

    let summary = match summary {
        Ok(summary) => summary,
        // Some trouble cannot be told from a lasting one: then the next worker goes on.
        Err(error) => {
            assert_eq!(error.exit_code(), 1, "{error}");
            import(&gitlab, &place, &settings).await.unwrap()
        }
    };
    assert!(summary.run.run.finished() && summary.exit_code() == 0, "{summary:?}");
    assert_same(&place.rows().await, &quiet.rows().await);
}

/// As two `sync` on one database are, or a cron job that overlaps with itself.
#[tokio::test]
async fn two_processes_of_one_name_do_not_take_each_others_work_away_for_ever() {
    let size = Size { projects: 2, merge_requests: 150, ..Size::default() };
    let gitlab = serve(company(5, size)).await;
    let place = Place::postgres().await;
    gitlab.faults().add(Fault::at(PAGES, FaultKind::Latency { millis: 1200 }));
    let settings = place.settings("together");

    let (one, other) = tokio::join!(import(&gitlab, &place, &settings), import(&gitlab, &place, &settings));

    assert_eq!((one.unwrap().exit_code(), other.unwrap().exit_code()), (0, 0));
    let claims = place.texts("select cast(max(claim) as text) from connector_tasks").await.join("");
    assert!(claims.parse::<i64>().unwrap() <= 3, "{claims} claims of one task");
    assert_eq!(place.count("gitlab_merge_requests").await, 300);
}

#[tokio::test]
async fn a_change_in_the_future_hides_none_and_a_full_pass_takes_gitlabs_word_where_its_clock_went_back() {
    for place in Place::each().await {
        let gitlab = serve(company(6, Size { projects: 1, merge_requests: 3, ..Size::default() })).await;
        let future = "2099-01-01T00:00:00Z".parse().unwrap();
        let id = gitlab.world(|world| world.merge_request_by_iid(1, 1).unwrap().id);
        let before = gitlab.world(|world| world.merge_request(id).unwrap().updated_at);
        gitlab.world(|world| world.edit_merge_request(id, |one| one.updated_at = future));
        let scheduled = |key: &str| Settings { walk_interval: SignedDuration::from_hours(24), ..place.settings(key) };
        import(&gitlab, &place, &scheduled("first")).await.unwrap();

        gitlab.world(|world| {
            let other = world.merge_request_by_iid(1, 2).unwrap().id;
            world.comment(other, "root", "one more word").unwrap();
        });
        import(&gitlab, &place, &scheduled("second")).await.unwrap();
        let words = "select cast(count(*) as text) from gitlab_notes where body = 'one more word'";
        assert_eq!(place.texts(words).await, ["1"]);

        gitlab.world(|world| world.edit_merge_request(id, |one| one.updated_at = before));
        import(&gitlab, &place, &Settings { full: true, ..scheduled("full") }).await.unwrap();
        let late =
            "select cast(count(*) as text) from gitlab_merge_requests where cast(updated_at as text) like '2099%'";
        assert_eq!(place.texts(late).await, ["0"]);
    }
}
