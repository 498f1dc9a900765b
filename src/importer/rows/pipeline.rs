//! Pipelines and their jobs.

use crate::gitlab::model::FailedJob;
use crate::gitlab::queries::pipelines as answers;
use crate::store::rows::{Job, Pipeline};

use super::Rows;

impl Rows {
    /// Adds a pipeline with its jobs. `failed` tells why a job failed, as far as that is known.
    pub(in crate::importer) fn pipeline(
        &mut self,
        project_id: i64,
        answer: answers::Pipeline,
        mut failed: impl FnMut(i64) -> Option<FailedJob>,
    ) {
        let merge_request_iid = answer.merge_request.map(|one| one.iid);
        let row = Pipeline {
            id: answer.id,
            iid: answer.iid,
            project_id,
            name: answer.name,
            status: answer.status.to_lowercase(),
            started_by: answer.source,
            merge_request_iid: merge_request_iid.or_else(|| merge_request_of(answer.ref_name.as_deref())),
            ref_name: answer.ref_name,
            sha: answer.sha,
            user_id: answer.user.map(|person| self.person(person)),
            upstream_id: answer.upstream.map(|upstream| upstream.id),
            created_at: answer.created_at,
            updated_at: answer.updated_at,
            started_at: answer.started_at,
            finished_at: answer.finished_at,
            duration: answer.duration,
            queued_duration: answer.queued_duration,
            coverage: answer.coverage,
            jobs_complete: super::whole(answer.jobs.as_ref()),
        };
        for one in answer.jobs.unwrap_or_default().nodes.into_iter().flatten() {
            self.batch.jobs.extend(job((project_id, row.id), one, &mut failed));
        }
        self.batch.pipelines.push(row);
    }
}

/// A job that has an id: others are only planned.
fn job(
    (project_id, pipeline_id): (i64, i64),
    answer: answers::Job,
    failed: impl FnOnce(i64) -> Option<FailedJob>,
) -> Option<Job> {
    let id = answer.number()?;
    let failed = failed(id);
    let kind = if answer.is_bridge() { "bridge" } else { "build" };
    let shown = answer.runner.map(|runner| (runner.id, runner.description));
    let told = failed.as_ref().and_then(|job| job.runner.clone()).map(|runner| (Some(runner.id), runner.description));
    let (runner_id, runner) = shown.or(told).unwrap_or_default();
    Some(Job {
        id,
        pipeline_id,
        project_id,
        kind,
        name: answer.name,
        stage: answer.stage.and_then(|stage| stage.name),
        status: answer.status.map(|status| status.to_lowercase()),
        allow_failure: answer.allow_failure,
        retried: answer.retried,
        manual: answer.manual_job,
        failure_reason: failed.and_then(|job| job.failure_reason),
        runner_id,
        runner,
        downstream_id: answer.downstream_pipeline.map(|pipeline| pipeline.id),
        coverage: answer.coverage,
        created_at: answer.created_at,
        queued_at: answer.queued_at,
        started_at: answer.started_at,
        finished_at: answer.finished_at,
        duration: answer.duration,
        queued_duration: answer.queued_duration,
    })
}

/// The number in a ref such as `refs/merge-requests/7/head`.
fn merge_request_of(name: Option<&str>) -> Option<i64> {
    name?.strip_prefix("refs/merge-requests/")?.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_of_a_merge_request_tells_its_number() {
        assert_eq!(merge_request_of(Some("refs/merge-requests/7/head")), Some(7));
        assert_eq!(merge_request_of(Some("main")), None);
        assert_eq!(merge_request_of(None), None);
    }
}
