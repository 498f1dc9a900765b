//! Figures of deployments, pipelines and jobs: both databases give the same ones, and they are those counted by hand.

use gitlab_connector::store::Batch;
use gitlab_connector::store::rows::{Deployment, Environment, Job, Pipeline, Project};
use jiff::Timestamp;

use super::{at, excluded, homes};

/// Minutes from Monday 2026-03-02 08:00 UTC on.
fn minutes(minutes: i64) -> Timestamp {
    at(minutes * 60)
}

const DAY: i64 = 24 * 60;

fn deployment(id: i64, environment: i64, status: &str, ended: i64) -> Deployment {
    Deployment {
        id,
        iid: id,
        project_id: 1,
        environment_id: Some(environment),
        status: Some(status.to_owned()),
        created_at: minutes(ended - 5),
        updated_at: minutes(ended),
        finished_at: Some(minutes(ended)),
        ..Deployment::default()
    }
}

fn pipeline(id: i64, status: &str, (ended, ran, waited): (i64, i64, f64)) -> Pipeline {
    Pipeline {
        id,
        iid: id,
        project_id: 1,
        status: status.to_owned(),
        started_by: Some("push".to_owned()),
        created_at: minutes(ended - 60),
        updated_at: minutes(ended),
        finished_at: Some(minutes(ended)),
        duration: Some(ran * 60),
        queued_duration: Some(waited * 60.0),
        jobs_complete: true,
        ..Pipeline::default()
    }
}

fn job(id: i64, pipeline_id: i64, name: &str, (status, retried): (&str, bool), (ended, ran): (i64, i64)) -> Job {
    Job {
        id,
        pipeline_id,
        project_id: 1,
        kind: "build",
        name: Some(name.to_owned()),
        status: Some(status.to_owned()),
        retried: Some(retried),
        finished_at: Some(minutes(ended)),
        duration: Some(ran * 60),
        queued_duration: Some(30.0),
        ..Job::default()
    }
}

fn two_weeks() -> Batch {
    let environment = |id, name: &str, tier: Option<&str>| Environment {
        id,
        project_id: 1,
        name: name.to_owned(),
        tier: tier.map(str::to_owned),
        ..Environment::default()
    };
    Batch {
        projects: vec![Project { id: 1, path_with_namespace: "acme/api".into(), ..Project::default() }],
        environments: vec![
            environment(1, "eu/live", Some("production")),
            environment(2, "staging", Some("staging")),
            // A server that tells no tiers.
            environment(3, "Production", None),
        ],
        deployments: vec![
            // Twice on Monday, once on Tuesday, and once in vain.
            deployment(1, 1, "success", 60),
            deployment(2, 1, "success", 120),
            deployment(3, 3, "success", DAY),
            deployment(4, 1, "failed", DAY + 60),
            // Not to production, not over, given up.
            deployment(5, 2, "success", 30),
            deployment(6, 1, "running", 90),
            deployment(7, 1, "canceled", 90),
            // The next week.
            deployment(8, 1, "failed", 7 * DAY),
        ],
        pipelines: vec![
            pipeline(1, "success", (60, 10, 1.0)),
            pipeline(2, "failed", (120, 4, 2.0)),
            pipeline(3, "success", (DAY, 20, 3.0)),
            // They say nothing, or are part of another.
            pipeline(4, "canceled", (DAY, 1, 0.0)),
            Pipeline { finished_at: None, ..pipeline(5, "running", (DAY, 1, 0.0)) },
            Pipeline { started_by: Some("parent_pipeline".into()), ..pipeline(6, "failed", (DAY, 1, 9.0)) },
            Pipeline { duration: None, queued_duration: None, ..pipeline(7, "success", (7 * DAY, 0, 0.0)) },
        ],
        jobs: vec![
            // Failed twice, then passed: flaky, and six minutes lost.
            job(1, 1, "test", ("failed", true), (10, 4)),
            job(2, 1, "test", ("failed", true), (20, 2)),
            job(3, 1, "test", ("success", false), (30, 5)),
            // Failed and stayed so, although it was tried twice.
            job(4, 2, "test", ("failed", true), (100, 3)),
            job(5, 2, "test", ("failed", false), (110, 3)),
            // Passed at once.
            job(6, 3, "test", ("success", false), (DAY, 5)),
            job(7, 1, "lint", ("success", false), (10, 1)),
            // Bridges take no runner; what does not end takes nothing yet.
            Job { kind: "bridge", ..job(8, 1, "deploy", ("success", false), (10, 100)) },
            Job { finished_at: None, ..job(9, 3, "lint", ("running", false), (10, 100)) },
        ],
        ..Batch::default()
    }
}

#[tokio::test]
async fn figures_of_delivery_are_those_counted_by_hand() {
    let expected: [(&str, &[&str]); 4] = [
        (
            "select repo || ' ' || cast(week as text) || ' ' || cast(deployments as text) || ' ' || cast(deploy_days as text)
               || ' ' || cast(failed as text) || ' ' || cast(failed_share as text)
             from metrics_deployment_frequency_weekly order by week",
            &["acme/api 2026-03-02 3 2 1 0.25", "acme/api 2026-03-09 0 0 1 1"],
        ),
        (
            "select cast(week as text) || ' ' || cast(pipelines as text) || ' ' || cast(failed as text) || ' ' ||
               cast(round(cast(success_share * 1000 as numeric)) as text) || ' ' ||
               coalesce(cast(round(cast(duration_minutes as numeric)) as text), '?') || ' ' ||
               coalesce(cast(round(cast(queued_minutes as numeric)) as text), '?')
             from metrics_pipelines_weekly order by week",
            &["2026-03-02 3 1 667 10 2", "2026-03-09 1 0 1000 ? ?"],
        ),
        (
            "select name || ' ' || cast(week as text) || ' ' || cast(pipelines as text) || ' ' || cast(flaky as text) || ' ' ||
               cast(round(cast(flaky_share * 1000 as numeric)) as text) || ' ' ||
               cast(round(cast(lost_minutes as numeric)) as text)
             from metrics_flaky_jobs_weekly order by week, name",
            &["test 2026-03-02 3 1 333 6"],
        ),
        (
            "select cast(week as text) || ' ' || cast(jobs as text) || ' ' || cast(round(cast(minutes as numeric)) as text) || ' ' ||
               cast(round(cast(retried_minutes as numeric)) as text) || ' ' ||
               cast(round(cast(failed_minutes as numeric)) as text) || ' ' ||
               cast(round(cast(queued_minutes * 10 as numeric)) as text)
             from metrics_job_minutes_weekly order by week",
            &["2026-03-02 7 23 9 12 5"],
        ),
    ];
    for home in homes().await {
        home.store.commit(home.source, &two_weeks()).await.unwrap();
        for (query, rows) in expected {
            let whole = |row: &String| row.replace(".0 ", " ").trim_end_matches(".0").to_owned();
            let found: Vec<String> = home.texts(query).await.iter().map(whole).collect();
            assert_eq!(found, rows, "{query}");
        }
    }
}

#[tokio::test]
async fn what_is_gone_or_not_followed_is_in_no_figure_of_delivery() {
    const VIEWS: [&str; 4] = [
        "metrics_deployment_frequency_weekly",
        "metrics_pipelines_weekly",
        "metrics_flaky_jobs_weekly",
        "metrics_job_minutes_weekly",
    ];
    let gone = Batch { gone_deployments: (1..=8).collect(), gone_pipelines: (1..=7).collect(), ..Batch::default() };
    let not_followed = Batch { standings: vec![excluded(1)], ..Batch::default() };
    for change in [gone, not_followed] {
        for home in homes().await {
            home.store.commit(home.source, &two_weeks()).await.unwrap();
            home.store.commit(home.source, &change).await.unwrap();

            for view in VIEWS {
                let rows = home.texts(format!("select cast(count(*) as text) from {view}").leak()).await;
                assert_eq!(rows, ["0"], "{view}");
            }
        }
    }
}
