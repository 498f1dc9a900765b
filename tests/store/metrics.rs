//! Both databases give the same figures, and they are the ones counted by hand.

use gitlab_connector::store::rows::{Approval, MergeRequest, Note, Project, User};
use gitlab_connector::store::{Batch, Question, Value};
use jiff::Timestamp;

use super::{Home, at, excluded, homes};

const ALICE: i64 = 1;
const BOB: i64 = 2;
const BOT: i64 = 3;
const GHOST: i64 = 4;

pub(super) fn hours(hours: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "a few hours")]
    at((hours * 3600.0) as i64)
}

fn note(merge_request_id: i64, author: i64, when: f64, action: Option<&str>) -> Note {
    Note {
        #[expect(clippy::cast_possible_truncation, reason = "a few hours")]
        id: merge_request_id * 10_000 + (when * 10.0) as i64 * 10 + author,
        merge_request_id,
        project_id: 1,
        author_id: Some(author),
        system: action.is_some(),
        action: action.map(str::to_owned),
        created_at: hours(when),
        updated_at: hours(when),
        ..Note::default()
    }
}

fn merge_request(id: i64, author: i64, created: f64, merged: Option<f64>) -> MergeRequest {
    MergeRequest {
        id,
        iid: id,
        project_id: 1,
        title: Some(format!("MR {id}")),
        state: Some(if merged.is_some() { "merged" } else { "opened" }.into()),
        draft: Some(false),
        author_id: Some(author),
        created_at: hours(created),
        updated_at: hours(merged.unwrap_or(created)),
        merged_at: merged.map(hours),
        reviews_complete: Some(true),
        ..MergeRequest::default()
    }
}

/// Two weeks, from Monday 2026-03-02 08:00 UTC on; `hours` counts from there.
pub(super) fn two_weeks() -> Batch {
    let size = |row, additions, deletions, files| MergeRequest {
        additions: Some(additions),
        deletions: Some(deletions),
        changed_files: Some(files),
        ..row
    };
    let user = |id, username: &str| User { id, username: username.into(), ..User::default() };
    Batch {
        projects: vec![Project { id: 1, path_with_namespace: "acme/api".into(), ..Project::default() }],
        users: vec![user(ALICE, "alice"), user(BOB, "bob"), user(BOT, "project_1_bot_f00")],
        merge_requests: vec![
            // A draft for two hours, then 10 hours to the merge on Monday at 20:00.
            MergeRequest { ready_at: Some(hours(2.0)), ..size(merge_request(1, ALICE, 0.0, Some(12.0)), 10, 2, 2) },
            // Nobody looked at it, and GitLab has not counted its lines.
            merge_request(2, BOB, 1.0, Some(5.0)),
            // A bot's: in no metric.
            size(merge_request(3, BOT, 0.0, Some(1.0)), 1_000, 0, 9),
            // Monday 12:00 to Wednesday 12:00; it changes no line.
            size(merge_request(4, ALICE, 4.0, Some(52.0)), 0, 0, 1),
            // Friday 16:00, ready at 20:00, merged on Monday at 09:00; reviewed while it was a draft.
            MergeRequest { ready_at: Some(hours(108.0)), ..size(merge_request(5, BOB, 104.0, Some(169.0)), 5, 0, 1) },
            // Still a draft in the second week.
            MergeRequest { draft: Some(true), ..merge_request(6, ALICE, 170.0, None) },
        ],
        notes: vec![
            note(1, BOT, 2.5, None),
            note(1, ALICE, 3.0, None),
            Note { requested_reviewers: Some(vec!["bob".to_owned()]), ..note(1, ALICE, 3.5, Some("review_requested")) },
            note(1, BOB, 4.0, None),
            note(1, BOB, 6.0, Some("approved")),
            note(4, ALICE, 5.0, Some("labelled")),
            note(5, ALICE, 106.0, None),
        ],
        approvals: vec![
            Approval { merge_request_id: 1, user_id: BOB, approved_at: Some(hours(6.0)) },
            Approval { merge_request_id: 4, user_id: BOB, approved_at: Some(hours(28.0)) },
        ],
        ..Batch::default()
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "?".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Real(number) => format!("{number:.3}"),
        Value::Text(text) => text.clone(),
        Value::Time(at) => at.to_string(),
    }
}

#[tokio::test]
async fn the_figures_are_those_counted_by_hand() {
    let expected: [(Question, &[&str]); 8] = [
        (
            Question::SlowestReviews,
            &["acme/api 4 MR 4 alice 24.000", "acme/api 1 MR 1 alice 2.000", "acme/api 5 MR 5 bob 0.000"],
        ),
        (Question::MergeRequestsPerWeek, &["2026-03-09 1 1 0", "2026-03-02 5 4 0"]),
        (Question::CycleTimeByProject, &["acme/api 4 29.000 2.000 5.000"]),
        (Question::CycleTimeWeekly, &["2026-03-09 1 61.000 1.000 65.000", "2026-03-02 3 10.000 8.000 12.000"]),
        (Question::ReviewLatencyWeekly, &["2026-03-09 1 0.000 ? 0 0.000", "2026-03-02 3 13.000 14.000 1 0.333"]),
        (Question::ThroughputWeekly, &["2026-03-09 1 2 0.500", "2026-03-02 3 2 1.500"]),
        (Question::SizeWeekly, &["2026-03-09 1 5.000 1.000", "2026-03-02 2 6.000 1.500"]),
        (Question::ReviewLoadWeekly, &["2026-03-02 bob 2 2 1", "2026-03-02 alice 1 0 1"]),
    ];
    for home in homes().await {
        home.store.commit(home.source, &two_weeks()).await.unwrap();
        for (question, expected) in &expected {
            let answer = home.store.ask(*question, home.source, 10).await.unwrap();

            let rows: Vec<String> =
                answer.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join(" ")).collect();

            assert_eq!(rows, *expected, "{question:?} {:?}", home.store);
            assert!(answer.rows.iter().all(|row| row.len() == answer.columns.len()));
        }
    }
}

#[tokio::test]
async fn a_review_counts_from_its_request_where_one_is_recorded() {
    let reviews = "select cast(merge_request_id as text) || ' ' || review_type || ' ' || \
                   cast(cast(time_since_request as integer) as text) || \
                   case when request_recorded then ' from request' else ' from creation' end
                   from gitlab_reviews where is_own is not true and is_bot is not true order by 1";
    for home in homes().await {
        home.store.commit(home.source, &two_weeks()).await.unwrap();

        assert_eq!(
            home.texts(reviews).await,
            [
                "1 approved 9000 from request",
                "1 commented 1800 from request",
                "4 approved 86400 from creation",
                "5 commented 7200 from creation",
            ]
        );
    }
}

#[tokio::test]
async fn bots_are_known_by_flag_and_by_name_and_exceptions_win() {
    for home in homes().await {
        let user = |id, username: &str, bot| User { id, username: username.into(), bot, ..User::default() };
        let users = vec![
            user(1, "alice", None),
            user(2, "Project_12_Bot_9f", Some(false)),
            user(3, "quiet", Some(true)),
            user(4, "service_account_group_1", None),
            user(5, "renovate-bot", None),
            user(6, "jean-bot", None),
            user(7, "projectxbot", None),
        ];
        home.store.commit(home.source, &Batch { users, ..Batch::default() }).await.unwrap();
        home.texts("insert into connector_bot_patterns (pattern, is_bot) values ('jean-%', false) returning pattern")
            .await;

        home.store.recognise_bots(home.source).await.unwrap();

        assert_eq!(
            home.texts("select username from users where is_bot order by id").await,
            ["Project_12_Bot_9f", "quiet", "service_account_group_1", "renovate-bot"]
        );
    }
}

/// First review and counts of a merge request, as the view has them.
async fn reviews_of(home: &Home, id: i64) -> String {
    let cell = |name: &str| format!("coalesce(cast({name} as text), '?')");
    let sql = format!(
        "select {} || ' reviews, ' || {} || ' people, ' || {} || ' approvals, ' || {} || ' comments' from pull_requests where id = {id}",
        cell("review_count"),
        cell("reviewer_count"),
        cell("approval_count"),
        cell("comment_count"),
    );
    home.texts(sql.leak()).await.join(";")
}

fn users() -> Vec<User> {
    let user = |id, username: &str| User { id, username: username.into(), ..User::default() };
    vec![user(ALICE, "alice"), user(BOB, "bob"), user(BOT, "project_1_bot_f00"), user(GHOST, "ghost")]
}

#[tokio::test]
async fn what_comes_after_the_merge_is_no_review() {
    for home in homes().await {
        let notes = vec![
            note(1, BOB, 4.0, Some("requested_changes")),
            note(1, BOB, 5.0, None),
            note(1, BOB, 6.0, Some("approved")),
            note(2, BOB, 6.0, None),
        ];
        let merge_requests = vec![merge_request(1, ALICE, 0.0, Some(5.0)), merge_request(2, ALICE, 0.0, Some(5.0))];
        let batch = Batch { users: users(), merge_requests, notes, ..Batch::default() };
        home.store.commit(home.source, &batch).await.unwrap();

        assert_eq!(reviews_of(&home, 1).await, "2 reviews, 1 people, 0 approvals, 1 comments");
        assert_eq!(reviews_of(&home, 2).await, "0 reviews, 0 people, 0 approvals, 1 comments");
        let latency = home.store.ask(Question::ReviewLatencyWeekly, home.source, 10).await.unwrap();
        let latency: Vec<String> = latency.rows[0].iter().map(text).collect();
        assert_eq!(latency, ["2026-03-02", "2", "4.000", "?", "1", "0.500"]);
    }
}

#[tokio::test]
async fn an_account_that_is_gone_is_neither_a_reviewer_nor_an_engineer_nor_the_author() {
    for home in homes().await {
        let unknown = Note { author_id: None, ..note(1, 9, 2.0, None) };
        let batch = Batch {
            users: users(),
            merge_requests: vec![
                merge_request(1, ALICE, 0.0, Some(5.0)),
                merge_request(2, GHOST, 0.0, Some(5.0)),
                merge_request(3, GHOST, 0.0, Some(5.0)),
            ],
            notes: vec![unknown, note(1, GHOST, 3.0, None), note(2, GHOST, 3.0, None), note(3, BOB, 3.0, None)],
            ..Batch::default()
        };
        home.store.commit(home.source, &batch).await.unwrap();

        assert_eq!(reviews_of(&home, 1).await, "0 reviews, 0 people, 0 approvals, 0 comments");
        assert_eq!(reviews_of(&home, 2).await, "0 reviews, 0 people, 0 approvals, 0 comments");
        assert_eq!(reviews_of(&home, 3).await, "1 reviews, 1 people, 0 approvals, 1 comments");
        let own = "select cast(count(*) as text) from gitlab_reviews where is_own";
        assert_eq!(home.texts(own).await, ["0"]);
        let throughput = home.store.ask(Question::ThroughputWeekly, home.source, 10).await.unwrap();
        assert_eq!(throughput.rows[0].iter().map(text).collect::<Vec<_>>(), ["2026-03-02", "3", "1", "3.000"]);
    }
}

#[tokio::test]
async fn reviews_that_are_not_stored_to_their_end_are_unknown_and_no_lack_of_reviews() {
    for home in homes().await {
        let part = |id| MergeRequest { reviews_complete: None, ..merge_request(id, ALICE, 0.0, Some(5.0)) };
        let whole = merge_request(3, ALICE, 0.0, Some(5.0));
        let notes = vec![note(1, BOB, 1.0, None)];
        let batch = Batch { users: users(), merge_requests: vec![part(1), part(2), whole], notes, ..Batch::default() };
        home.store.commit(home.source, &batch).await.unwrap();

        assert_eq!(reviews_of(&home, 1).await, "? reviews, ? people, ? approvals, ? comments");
        let latency = "select cast(merge_requests as text) || ' ' || cast(reviews_known as text) || ' ' || \
                       cast(merged_unreviewed as text) from metrics_review_latency_weekly";
        assert_eq!(home.texts(latency).await, ["3 1 1"]);
    }
}

#[tokio::test]
async fn what_is_deleted_or_not_followed_is_in_no_figure() {
    const VIEWS: [&str; 8] = [
        "pull_requests",
        "gitlab_reviews",
        "metrics_samples",
        "metrics_cycle_time_weekly",
        "metrics_throughput_weekly",
        "metrics_review_load_weekly",
        "merge_requests_per_week",
        "cycle_time_by_project",
    ];
    let project_goes = Batch { standings: vec![excluded(1)], ..Batch::default() };
    let all_go = Batch { deleted: (1..=6).collect(), ..Batch::default() };
    for gone in [project_goes, all_go] {
        for home in homes().await {
            home.store.commit(home.source, &two_weeks()).await.unwrap();
            let rows = async |view: &str| {
                home.texts(format!("select cast(count(*) as text) from {view}").leak()).await.join("")
            };
            for view in VIEWS {
                assert_ne!(rows(view).await, "0", "{view}");
            }

            home.store.commit(home.source, &gone).await.unwrap();

            for view in VIEWS {
                assert_eq!(rows(view).await, "0", "{view}");
            }
        }
    }
}

#[tokio::test]
async fn figures_follow_whoever_turns_out_to_be_a_bot() {
    for home in homes().await {
        home.store.commit(home.source, &two_weeks()).await.unwrap();
        assert_eq!(reviews_of(&home, 1).await, "2 reviews, 1 people, 1 approvals, 2 comments");

        let bot = User { id: BOB, username: "bob".into(), bot: Some(true), ..User::default() };
        home.store.commit(home.source, &Batch { users: vec![bot], ..Batch::default() }).await.unwrap();
        assert_eq!(reviews_of(&home, 1).await, "0 reviews, 0 people, 0 approvals, 1 comments");

        home.change("insert into connector_bot_patterns (pattern, is_bot) values ('bob', false)").await;
        home.store.recognise_bots(home.source).await.unwrap();
        assert_eq!(reviews_of(&home, 1).await, "2 reviews, 1 people, 1 approvals, 2 comments");
        assert_eq!(home.texts("select cast(count(*) as text) from connector_recounts").await, ["0"]);
    }
}

#[tokio::test]
async fn figures_of_what_was_stored_before_are_made_by_the_migration() {
    for home in homes().await {
        let mut before = two_weeks();
        before.notes.iter_mut().for_each(|note| note.requested_reviewers = None);
        home.store.commit(home.source, &before).await.unwrap();
        let expected = home.dump().await;
        home.without_facts().await;

        home.store.migrate().await.unwrap();

        assert_eq!(home.dump().await, expected);
    }
}
