//! From a Job that ended and the last words of its pods to what is kept of the run. Pure.

use super::{import_job::CONTAINER, runs::OwnedJob};
use crate::{
    access::Verdict,
    api::{AuditStatus, FailureStatus, RunOutcome, RunStatus, RunningStatus, conditions::reason},
    connection::FAILURES,
    status::{audit, known_reason},
    verdict::{Projects, RunVerdict},
};
use jiff::Timestamp;
use k8s_openapi::{
    api::{
        batch::v1::{Job, JobCondition},
        core::v1::{ContainerStateTerminated, Pod},
    },
    apimachinery::pkg::apis::meta::v1::Time,
};

/// What is kept of a run that ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended {
    pub(super) run: RunStatus,
    /// Projects that it followed, where a worker said so.
    pub(super) projects: Option<i64>,
    /// Projects that failed, and why.
    pub(super) failures: Vec<FailureStatus>,
    /// How the database compared with GitLab, where a worker looked.
    pub(super) audit: Option<AuditStatus>,
}

/// What is kept of a run whose Job ended.
pub(super) fn ended(owned: &OwnedJob, job: &Job, pods: &[Pod], now: Timestamp) -> Ended {
    let terminated: Vec<_> = pods.iter().filter_map(terminated).collect();
    let complete = condition(job, "Complete").is_some();
    // One of those that saw the run end holds the database against GitLab.
    let audits = terminated.iter().filter_map(|(end, _)| words(end)?.audit);
    let audit = audits.max_by_key(|audit| audit.finished_at).map(audit);
    // The worker that saw the run end knows all of it; without one, whoever saw most.
    let summaries = terminated.iter().filter_map(|(end, _)| words(end)).filter(is_summary);
    let summary = summaries.max_by_key(|words| (words.run_ended, words.projects.done + words.projects.skipped));
    let (outcome, verdict, summary) = match summary {
        Some(summary) if complete || summary.run_ended => {
            let (outcome, verdict) = summarised(&summary);
            (outcome, verdict, Some(summary))
        }
        _ if complete => (RunOutcome::Succeeded, Verdict::good("everything is imported"), None),
        _ => (RunOutcome::Failed, failed(&terminated), None),
    };
    let failures = summary.iter().flat_map(|words| &words.failures).take(FAILURES).map(|failure| FailureStatus {
        subject: format!("project {}", failure.project),
        reason: if failure.failed { "Failed" } else { "Skipped" }.to_owned(),
        message: failure.reason.clone(),
    });
    let run = RunStatus {
        key: owned.key.clone(),
        outcome,
        reason: Some(verdict.reason.to_owned()),
        message: Some(verdict.message),
        asked: owned.asked.clone(),
        started_at: Some(Time(owned.started)),
        finished_at: Some(Time(finished_at(job).unwrap_or(now))),
        projects: summary.as_ref().map_or(0, |words| words.projects.total),
        merge_requests: summary.as_ref().map_or(0, |words| words.merge_requests),
    };
    Ended { run, projects: summary.as_ref().map(|words| words.projects.total), failures: failures.collect(), audit }
}

/// What is kept of a run whose Job is no more.
pub(super) fn gone(running: &RunningStatus, now: Timestamp) -> Ended {
    let run = RunStatus {
        key: running.key.clone(),
        outcome: RunOutcome::Failed,
        reason: Some(reason::FAILED.to_owned()),
        message: Some("its Job was deleted before it ended; the next import goes on where it stopped".to_owned()),
        asked: None,
        started_at: running.started_at.clone(),
        finished_at: Some(Time(now)),
        projects: 0,
        merge_requests: 0,
    };
    Ended { run, projects: None, failures: Vec::new(), audit: None }
}

/// What is said of the last run, for as long as it is the last.
pub(super) fn verdict(run: &RunStatus) -> Verdict {
    let message = run.message.clone().unwrap_or_default();
    match run.outcome {
        RunOutcome::Succeeded => Verdict::good(message),
        RunOutcome::PartiallyFailed | RunOutcome::Failed => {
            Verdict::bad(known_reason(run.reason.as_deref().unwrap_or_default()), message)
        }
    }
}

/// Whether a worker saw the run's tasks, and did not break off.
fn is_summary(words: &RunVerdict) -> bool {
    words.run_ended || words.projects != Projects::default()
}

fn summarised(words: &RunVerdict) -> (RunOutcome, Verdict) {
    match words.reason.as_str() {
        reason::SUCCEEDED => (RunOutcome::Succeeded, Verdict::good(&words.message)),
        reason => (RunOutcome::PartiallyFailed, Verdict::bad(known_reason(reason), &words.message)),
    }
}

/// Why a run came to no end: what the worker says that a person can do most about.
fn failed(terminated: &[(&ContainerStateTerminated, Timestamp)]) -> Verdict {
    let weight = |code: i32| match code {
        43 => 2,
        42 => 1,
        _ => 0,
    };
    let failures = terminated.iter().filter(|(end, _)| end.exit_code != 0);
    let Some((end, _)) = failures.max_by_key(|(end, at)| (weight(end.exit_code), words(end).is_some(), *at)) else {
        return Verdict::bad(reason::FAILED, "its Job failed, and no worker said why: see the Job's events");
    };
    match words(end) {
        Some(words) if !is_summary(&words) => Verdict::bad(known_reason(&words.reason), words.message),
        _ if end.reason.as_deref() == Some("OOMKilled") => {
            let message = "a worker took more memory than it may: raise spec.import.podTemplate.resources";
            Verdict::bad(reason::FAILED, message)
        }
        _ => Verdict::bad(reason::FAILED, format!("a worker ended with exit code {}: see its log", end.exit_code)),
    }
}

fn words(end: &ContainerStateTerminated) -> Option<RunVerdict> {
    RunVerdict::from_message(end.message.as_deref()?)
}

/// How a pod's container ended, and when.
fn terminated(pod: &Pod) -> Option<(&ContainerStateTerminated, Timestamp)> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    // A mesh may have put containers of its own beside ours.
    let ours = statuses.iter().find(|status| status.name == CONTAINER)?;
    let end = ours.state.as_ref()?.terminated.as_ref()?;
    Some((end, end.finished_at.as_ref().map_or(Timestamp::UNIX_EPOCH, |at| at.0)))
}

fn condition<'a>(job: &'a Job, kind: &str) -> Option<&'a JobCondition> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == kind && condition.status == "True")
}

fn finished_at(job: &Job) -> Option<Timestamp> {
    let end = condition(job, "Complete").or_else(|| condition(job, "Failed"))?;
    Some(end.last_transition_time.as_ref()?.0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::access::Outcome;

    fn job(end: &str) -> Job {
        let condition = json!({"type": end, "status": "True", "lastTransitionTime": "2026-01-01T00:05:00Z"});
        serde_json::from_value(json!({
            "metadata": {"name": "acme-import-1", "annotations": {
                "gitlab-connector.dev/run": "first", "gitlab-connector.dev/asked": "a",
                "gitlab-connector.dev/started-at": "2026-01-01T00:00:00Z"}},
            "status": {"conditions": [condition]},
        }))
        .unwrap()
    }

    fn pod(code: i32, words: &Value) -> Pod {
        let message = if words.is_null() { Value::Null } else { json!(words.to_string()) };
        let end = json!({"exitCode": code, "message": message, "finishedAt": "2026-01-01T00:04:00Z"});
        serde_json::from_value(json!({
            "status": {"containerStatuses": [{
                "name": "import", "image": "i", "imageID": "i", "ready": false, "restartCount": 0,
                "state": {"terminated": end},
            }]},
        }))
        .unwrap()
    }

    fn counts(done: i64, failed: i64) -> Value {
        json!({"total": done + failed, "done": done, "skipped": 0, "failed": failed})
    }

    fn end(job: &Job, pods: &[Pod]) -> Ended {
        let owned = super::super::import_job::read(job);
        ended(&owned, job, pods, "2026-01-01T00:06:00Z".parse().unwrap())
    }

    #[test]
    fn the_worker_that_saw_the_end_speaks_for_the_run() {
        let early = json!({"reason": "Succeeded", "message": "2 projects are imported", "projects": counts(2, 0)});
        let last = json!({"reason": "Succeeded", "message": "7 projects are imported", "runEnded": true,
                          "projects": counts(7, 0), "mergeRequests": 12});

        let Ended { run, projects, failures, .. } = end(&job("Complete"), &[pod(0, &last), pod(0, &early)]);

        assert_eq!((run.outcome, run.projects, run.merge_requests), (RunOutcome::Succeeded, 7, 12));
        assert_eq!((projects, failures), (Some(7), Vec::new()));
        assert_eq!(run.finished_at, Some(Time("2026-01-01T00:05:00Z".parse().unwrap())));
        assert_eq!(verdict(&run), Verdict::good("7 projects are imported"));
    }

    #[test]
    fn projects_that_failed_are_named() {
        let words = json!({"reason": "PartiallyFailed", "message": "2 of 3 projects failed", "runEnded": true, "projects": counts(1, 2), "mergeRequests": 1,
                           "failures": [{"project": "acme/tool", "failed": true, "reason": "500"}]});

        let Ended { run, failures, .. } = end(&job("Failed"), &[pod(42, &words)]);

        assert_eq!(run.outcome, RunOutcome::PartiallyFailed);
        assert_eq!(verdict(&run), Verdict::bad("PartiallyFailed", "2 of 3 projects failed"));
        assert_eq!(failures[0].subject, "project acme/tool");
    }

    #[test]
    fn refused_credentials_speak_louder_than_a_crash() {
        let refused = json!({"reason": "invalid_credentials", "message": "token 'primary' is not accepted"});

        let Ended { run, .. } = end(&job("Failed"), &[pod(137, &Value::Null), pod(43, &refused)]);

        assert_eq!(run.outcome, RunOutcome::Failed);
        assert_eq!(verdict(&run), Verdict::bad("invalid_credentials", "token 'primary' is not accepted"));
    }

    #[test]
    fn a_job_without_words_still_has_an_outcome() {
        assert_eq!(end(&job("Complete"), &[]).run.outcome, RunOutcome::Succeeded);
        let failed = verdict(&end(&job("Failed"), &[]).run);
        assert_eq!((failed.outcome, failed.reason), (Outcome::Denied, "Failed"));
    }
}
