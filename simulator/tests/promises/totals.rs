//! What lists tell of their length, and what is in them page by page, in a company whose history is made where it is looked at.

use std::cmp::Reverse;

use gitlab_simulator::World;
use gitlab_simulator::world::{MergeRequest, Role, Scale, Scope};

use crate::support::{READER, Served, answer, serve};

/// A company in which somebody touched some of everything, and somebody is banned.
fn company() -> World {
    let mut world = World::company(7, Scale { projects: 3, merge_requests: 330, ..Scale::default() }).with_group_token(
        READER,
        "acme",
        Role::Developer,
        &[Scope::ReadApi],
    );
    let ids: Vec<i64> = world.merge_requests().map(|row| row.id).collect();
    for id in ids.iter().step_by(11) {
        world.comment(*id, "root", "Why?");
    }
    world.delete_merge_request(ids[5]);
    let project = world.projects().next().unwrap().id;
    let pipelines: Vec<(i64, i64)> = world.pipelines_of(project).map(|one| (one.id, one.jobs[0].id)).collect();
    world.retry_job(pipelines[9].0, pipelines[9].1);
    world.delete_pipeline(pipelines[11].0);
    world.start_pipeline(project, "main", "root", "push");
    let banned = world.merge_request(ids[20]).unwrap().author.unwrap();
    world.ban_user(banned);
    world
}

/// Ids of all rows, page by page; the total is the same on every page.
async fn walked(served: &Served, list: &str) -> (Vec<i64>, usize) {
    let (mut ids, mut totals) = (Vec::new(), Vec::new());
    for page in 1.. {
        let response = served.get(&format!("{list}per_page=50&page={page}"), READER).await;
        totals.push(response.headers()["x-total"].to_str().unwrap().parse::<usize>().unwrap());
        let more = !response.headers()["x-next-page"].is_empty();
        let (_, rows) = answer(response).await;
        ids.extend(rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()));
        if !more {
            break;
        }
    }
    assert!(totals.iter().all(|total| *total == totals[0]));
    (ids, totals[0])
}

#[tokio::test]
async fn totals_of_merge_requests_equal_a_full_count() {
    let world = company();
    let rows: Vec<MergeRequest> = world.merge_requests().filter(|row| !world.hidden(row)).cloned().collect();
    let middle = rows[rows.len() / 2].updated_at;
    let served = serve(world).await;
    type Wanted<'a> = &'a dyn Fn(&MergeRequest) -> bool;
    let lists: [(&str, Wanted<'_>); 5] = [
        ("", &|_| true),
        ("state=opened&", &|row| row.state.name() == "opened"),
        ("draft=yes&wip=yes&", &|row| row.draft),
        (&format!("order_by=updated_at&updated_after={middle}&"), &|row| row.updated_at >= middle),
        (&format!("updated_before={middle}&state=merged&"), &|row| {
            row.updated_at <= middle && row.state.name() == "merged"
        }),
    ];

    for (parameters, wanted) in lists {
        let (mut found, total) = walked(&served, &format!("/groups/acme/merge_requests?{parameters}")).await;
        let mut expected: Vec<i64> = rows.iter().filter(|row| wanted(row)).map(|row| row.id).collect();

        assert_eq!(total, expected.len(), "{parameters}");
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{parameters}");
    }
}

#[tokio::test]
async fn orders_that_are_made_for_a_list_are_those_of_the_rows() {
    let world = company();
    let rows = world.merge_requests().filter(|row| !world.hidden(row));
    let mut rows: Vec<_> = rows.map(|row| (row.merged_at, row.full_title().to_lowercase(), row.id)).collect();
    let served = serve(world).await;

    let (by_title, _) = walked(&served, "/groups/acme/merge_requests?order_by=title&sort=asc&").await;
    rows.sort_by(|left, right| (&left.1, left.2).cmp(&(&right.1, right.2)));
    assert_eq!(by_title, rows.iter().map(|row| row.2).collect::<Vec<_>>());
    let (by_merge, _) = walked(&served, "/groups/acme/merge_requests?order_by=merged_at&sort=desc&").await;
    rows.sort_by_key(|(merged_at, _, id)| (merged_at.is_none(), Reverse((*merged_at, *id))));
    assert_eq!(by_merge, rows.iter().map(|row| row.2).collect::<Vec<_>>());
}

#[tokio::test]
async fn pipelines_jobs_and_deployments_are_listed_as_a_full_look_finds_them() {
    let world = company();
    let project = world.projects().next().unwrap().id;
    let mut pipelines: Vec<i64> = world.pipelines_of(project).map(|one| one.id).collect();
    let failed: Vec<i64> =
        world.pipelines_of(project).filter(|one| one.status == "failed").map(|one| one.id).rev().collect();
    let mut jobs: Vec<i64> = world.pipelines_of(project).flat_map(|one| &one.jobs).map(|job| job.id).collect();
    let deployments: Vec<i64> = world.deployments_of(project).map(|one| one.id).collect();
    let served = serve(world).await;
    let path = |list: &str| format!("/projects/{project}/{list}");
    pipelines.sort_unstable_by_key(|id| Reverse(*id));
    jobs.sort_unstable_by_key(|id| Reverse(*id));

    assert_eq!(walked(&served, &path("pipelines?")).await, (pipelines.clone(), pipelines.len()));
    assert_eq!(walked(&served, &path("pipelines?status=failed&")).await, (failed.clone(), failed.len()));
    assert_eq!(walked(&served, &path("jobs?")).await, (jobs.clone(), jobs.len()));
    assert_eq!(walked(&served, &path("deployments?")).await, (deployments.clone(), deployments.len()));
}
