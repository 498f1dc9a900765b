//! From merged to production: both databases give the same figures, and they are those counted by hand.

use gitlab_connector::store::Batch;
use gitlab_connector::store::rows::{Carried, Deployment, Environment, MergeRequestCommit};

use super::metrics::{hours, two_weeks};
use super::{Home, excluded, homes};

fn deployment(id: i64, environment: i64, there: f64) -> Deployment {
    Deployment {
        id,
        iid: id,
        project_id: 1,
        environment_id: Some(environment),
        status: Some("success".to_owned()),
        created_at: hours(there - 0.5),
        updated_at: hours(there),
        finished_at: Some(hours(there)),
        ..Deployment::default()
    }
}

/// The two weeks of merge requests, and how they went out.
fn delivered() -> Batch {
    let environment = |id, name: &str, tier: &str| Environment {
        id,
        project_id: 1,
        name: name.to_owned(),
        tier: Some(tier.to_owned()),
        ..Environment::default()
    };
    let carried = |deployment_id, merge_requests: &[i64]| Carried {
        deployment_id,
        merge_requests: merge_requests.to_vec(),
        told: true,
    };
    let mut merged = two_weeks();
    merged.merge_requests.iter_mut().filter(|one| one.id == 4).for_each(|one| one.commits_complete = Some(true));
    Batch {
        environments: vec![
            environment(1, "www", "production"),
            environment(2, "EU-live", "other"),
            environment(3, "staging", "staging"),
        ],
        deployments: vec![
            // The first of its environment: what it brought was not waiting for it.
            deployment(1, 1, 6.0),
            deployment(2, 1, 20.0),
            deployment(3, 1, 60.0),
            // The next week.
            deployment(4, 1, 200.0),
            deployment(5, 3, 1.0),
            deployment(6, 3, 13.0),
            deployment(7, 2, 10.0),
            deployment(8, 2, 30.0),
            // It brought nothing.
            deployment(9, 1, 61.0),
        ],
        carried: vec![
            carried(1, &[3]),
            carried(2, &[1, 2]),
            carried(3, &[4]),
            carried(4, &[5]),
            carried(6, &[1]),
            carried(8, &[1, 2]),
            carried(9, &[]),
        ],
        commits: vec![MergeRequestCommit {
            merge_request_id: 4,
            sha: "a1".to_owned(),
            authored_at: Some(hours(1.0)),
            committed_at: Some(hours(3.0)),
            ..MergeRequestCommit::default()
        }],
        ..merged
    }
}

const BY_PROJECT: &str = "select repo || ' ' || cast(week as text) || ' ' || cast(deployments as text) || ' ' ||
    cast(merge_requests as text) || ' ' || cast(round(cast(open_to_deploy_hours * 100 as numeric)) as text) || ' ' ||
    cast(round(cast(merge_to_deploy_hours * 100 as numeric)) as text) || ' ' ||
    cast(round(cast(merge_to_deploy_hours_p75 * 100 as numeric)) as text) || ' ' ||
    cast(round(cast(merge_to_deploy_hours_p90 * 100 as numeric)) as text)
  from metrics_lead_time_weekly order by week";
const BY_AUTHOR: &str = "select username || ' ' || cast(week as text) || ' ' || cast(merge_requests as text) || ' ' ||
    cast(round(cast(merge_to_deploy_hours * 100 as numeric)) as text) || ' ' ||
    cast(round(cast(merge_to_deploy_hours_p75 * 100 as numeric)) as text) || ' ' ||
    cast(round(cast(merge_to_deploy_hours_p90 * 100 as numeric)) as text)
  from metrics_lead_time_by_author_weekly order by username, week";
const STAGES: &str = "select cast(week as text) || ' ' || stage || ' ' || cast(merge_requests as text) || ' ' ||
    cast(round(cast(hours * 100 as numeric)) as text) || ' ' || cast(round(cast(hours_p75 * 100 as numeric)) as text) || ' ' ||
    cast(round(cast(hours_p90 * 100 as numeric)) as text)
  from metrics_stages_weekly order by week, place";

async fn told(home: &Home, query: &'static str) -> Vec<String> {
    home.texts(query).await.iter().map(|row| row.replace(".0", "")).collect()
}

#[tokio::test]
async fn lead_times_and_stages_are_those_counted_by_hand() {
    for home in homes().await {
        home.store.commit(home.source, &delivered()).await.unwrap();

        let rows = ["acme/api 2026-03-02 2 3 3800 1150 1325 1430", "acme/api 2026-03-09 1 1 9600 3100 3100 3100"];
        assert_eq!(told(&home, BY_PROJECT).await, rows);
        let rows =
            ["alice 2026-03-02 2 800 800 800", "bob 2026-03-02 1 1500 1500 1500", "bob 2026-03-09 1 3100 3100 3100"];
        assert_eq!(told(&home, BY_AUTHOR).await, rows);
        assert_eq!(
            told(&home, STAGES).await,
            [
                "2026-03-02 coding 1 300 300 300",
                "2026-03-02 pickup 2 1300 1850 2180",
                "2026-03-02 review 2 1600 2000 2240",
                "2026-03-02 approval_to_merge 2 1500 1950 2220",
                "2026-03-02 to_production 3 800 1150 1360",
                "2026-03-09 pickup 1 0 0 0",
                "2026-03-09 review 1 6300 6300 6300",
                "2026-03-09 to_production 1 3100 3100 3100",
            ]
        );
    }
}

#[tokio::test]
async fn what_counts_as_production_is_a_matter_of_the_spec_at_once_and_without_an_import() {
    for home in homes().await {
        home.store.commit(home.source, &delivered()).await.unwrap();
        let before = told(&home, BY_AUTHOR).await;

        home.store.set_production_environments(home.source, &["eu-*".to_owned()]).await.unwrap();
        let wider = told(&home, BY_AUTHOR).await;
        home.store.set_production_environments(home.source, &[]).await.unwrap();

        let rows =
            ["alice 2026-03-02 2 1300 1550 1700", "bob 2026-03-02 1 2500 2500 2500", "bob 2026-03-09 1 3100 3100 3100"];
        assert_eq!(wider, rows, "the last of several environments counts");
        assert_eq!(told(&home, BY_AUTHOR).await, before);
    }
}

#[tokio::test]
async fn what_is_gone_or_not_followed_has_no_lead_time() {
    let gone = Batch { gone_deployments: (1..=9).collect(), ..Batch::default() };
    let not_followed = Batch { standings: vec![excluded(1)], ..Batch::default() };
    for change in [gone, not_followed] {
        for home in homes().await {
            home.store.commit(home.source, &delivered()).await.unwrap();
            home.store.commit(home.source, &change).await.unwrap();

            assert!(told(&home, BY_PROJECT).await.is_empty());
            assert!(told(&home, BY_AUTHOR).await.is_empty());
            assert!(told(&home, STAGES).await.iter().all(|row| !row.contains("to_production")));
        }
    }
}
