//! What only the database knows and the status is to say: when the last delivery arrived, and how far an import is.
//!
//! Several receivers read the same database and would say the same, so each says only what is not said yet.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep},
};

use super::{connection::Context, world::Seen};
use crate::{
    api::ProgressStatus,
    cluster::{ConnectionRef, apply_status, is_conflict, is_gone},
    store::{self, RunProgress, Source, Store},
};

/// Who says it, to the API server.
const MANAGER: &str = "gitlab-connector-receiver";

/// How old the last delivery in a status may be while newer ones arrive.
const DELIVERY_AGE: SignedDuration = SignedDuration::from_mins(10);
/// How often progress is told at most, by all receivers together.
const PROGRESS_PAUSE: Duration = Duration::from_secs(10);
/// Deliveries come in bursts: so much later, the first that somebody waits for is told of.
const AWAITED_DELIVERY: Duration = Duration::from_millis(500);
/// The same where nobody waits for one.
const ANY_DELIVERY: Duration = Duration::from_secs(10);
/// How soon what could not be read or told is tried again; twice as late each time.
const RETRY: Duration = Duration::from_secs(5);
/// How often to look at all, whatever happens or not.
const AT_REST: Duration = Duration::from_secs(600);

/// What is said, and all of it: what was said before and is not said now would go.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Facts {
    #[serde(skip_serializing_if = "Option::is_none")]
    webhooks: Option<Webhooks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<Import>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Webhooks {
    last_delivery: Time,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Import {
    progress: ProgressStatus,
}

/// What the database knows.
#[derive(Debug, Clone, Default)]
struct Known {
    last_delivery: Option<Timestamp>,
    /// Of the run that the status names; `None` while the database knows nothing of it.
    progress: Option<ProgressStatus>,
}

/// Whether somebody waits for a delivery: none has been told of since the webhooks changed. Statuses know whole seconds.
fn is_awaited(seen: &Seen, hooks_changed: Option<Timestamp>) -> bool {
    let before = |last: Timestamp| hooks_changed.is_some_and(|changed| last.as_second() < changed.as_second());
    seen.last_delivery.is_none_or(before)
}

/// What the status is to say from now on; `None` where it says enough. `quiet` is how long its progress has not changed.
fn worth_telling(seen: &Seen, known: &Known, hooks_changed: Option<Timestamp>, quiet: Duration) -> Option<Seen> {
    let mut told = seen.clone();
    let newest = known.last_delivery.and_then(|last| Timestamp::from_second(last.as_second()).ok());
    let age = if is_awaited(seen, hooks_changed) { SignedDuration::from_secs(1) } else { DELIVERY_AGE };
    if let Some(newest) = newest
        && seen.last_delivery.is_none_or(|before| newest.duration_since(before) >= age)
    {
        told.last_delivery = Some(newest);
    }
    let of_the_run = |progress: &&ProgressStatus| seen.running.as_ref() == Some(&progress.run);
    told.progress = match (seen.progress.as_ref().filter(of_the_run), known.progress.as_ref().filter(of_the_run)) {
        (Some(before), Some(_)) if quiet < PROGRESS_PAUSE => Some(before.clone()),
        (_, Some(now)) => Some(now.clone()),
        (before, None) => before.cloned(),
    };
    (told != *seen).then_some(told)
}

impl From<&Seen> for Facts {
    fn from(told: &Seen) -> Facts {
        Facts {
            webhooks: told.last_delivery.map(|at| Webhooks { last_delivery: Time(at) }),
            import: told.progress.clone().map(|progress| Import { progress }),
        }
    }
}

/// How far a run is, as people count: by merge requests where GitLab says how many there are, else by projects.
fn progress(run: &str, progress: &RunProgress) -> ProgressStatus {
    let (ended, total) = (progress.tasks - progress.open(), progress.tasks);
    let part = |done: i64, all: i64| (all > 0).then(|| done.clamp(0, all).saturating_mul(100) / all);
    let by_projects = part(ended, total).unwrap_or_default();
    let percent = match progress.open() {
        0 if progress.lists_open == 0 => by_projects,
        // Deployments and pipelines come after all merge requests, and take their time.
        0 => by_projects.min(99),
        // What GitLab counted may be more than there is to read, or less: the end is reached when the projects are.
        _ => part(progress.merge_requests, progress.expected).unwrap_or(by_projects).min(99),
    };
    ProgressStatus {
        run: run.to_owned(),
        projects_done: ended,
        projects_total: total,
        merge_requests: progress.merge_requests,
        percent: i32::try_from(percent).unwrap_or_default(),
    }
}

async fn read(place: Option<(&Store, Source)>, seen: &Seen) -> Result<Known, store::Error> {
    let Some((store, source)) = place else { return Ok(Known::default()) };
    let last_delivery = store.last_delivery(source).await?;
    let Some(key) = &seen.running else { return Ok(Known { last_delivery, progress: None }) };
    let run = store.last_run(source).await?.filter(|last| last.run.key == *key);
    Ok(Known { last_delivery, progress: run.map(|run| progress(key, &run.progress)) })
}

/// Where the facts are.
pub(super) struct Sources<'a> {
    /// Where the connection is stored, if it is.
    pub(super) place: Option<(&'a Store, Source)>,
    /// When its webhooks last changed.
    pub(super) hooks_changed: Option<Timestamp>,
    /// Rung by each delivery.
    pub(super) delivered: &'a Notify,
}

/// Tells the status what is worth telling, for as long as the connection is served.
pub(super) async fn tell(
    context: &Context,
    connection: &ConnectionRef,
    mut seen: watch::Receiver<Seen>,
    Sources { place, hooks_changed, delivered }: Sources<'_>,
) {
    let mut now = seen.borrow_and_update().clone();
    let mut progressed = Instant::now().checked_sub(PROGRESS_PAUSE).unwrap_or_else(Instant::now);
    let mut retry = RETRY;
    loop {
        let told = match read(place, &now).await {
            Ok(known) => match worth_telling(&now, &known, hooks_changed, progressed.elapsed()) {
                None => true,
                Some(told) => {
                    if told.progress != now.progress {
                        progressed = Instant::now();
                    }
                    let applied = apply(context, connection, &told).await;
                    if applied {
                        now = told;
                    }
                    applied
                }
            },
            // Others say that the database is away; the facts can wait.
            Err(error) => {
                tracing::debug!(%error, %connection, "cannot read what the status is to say");
                false
            }
        };
        let usual = if now.running.is_some() { PROGRESS_PAUSE } else { AT_REST };
        let look_again = if told { usual } else { retry.min(usual) };
        retry = if told { RETRY } else { (retry * 2).min(AT_REST) };
        let settle = if is_awaited(&now, hooks_changed) { AWAITED_DELIVERY } else { ANY_DELIVERY };
        tokio::select! {
            () = sleep(look_again) => {}
            () = delivered.notified() => sleep(settle).await,
            changed = seen.changed() => if changed.is_err() { return },
        }
        let newer = seen.borrow_and_update().clone();
        if newer.progress != now.progress {
            progressed = Instant::now();
        }
        now = newer;
    }
}

/// Writes the facts; false where that did not work.
async fn apply(context: &Context, connection: &ConnectionRef, told: &Seen) -> bool {
    match apply_status(&context.client, MANAGER, connection, &Facts::from(told)).await {
        Ok(()) => {
            context.metrics.kube.wrote("GitLabConnection", "apply");
            true
        }
        Err(error) if is_gone(&error) || is_conflict(&error) => false,
        Err(error) => {
            tracing::warn!(%error, %connection, "cannot tell the status of deliveries and progress");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Option<Timestamp> {
        Timestamp::from_second(seconds).ok()
    }

    fn done(run: &str, projects_done: i64) -> Option<ProgressStatus> {
        Some(ProgressStatus { run: run.into(), projects_done, projects_total: 9, merge_requests: 0, percent: 0 })
    }

    fn running(progress: Option<ProgressStatus>) -> Seen {
        Seen { running: Some("tick".into()), progress, ..Seen::default() }
    }

    #[test]
    fn the_first_delivery_is_told_of_at_once_and_later_ones_every_ten_minutes() {
        let told = |before, last, hooks_changed| {
            let seen = Seen { last_delivery: before, ..Seen::default() };
            let known = Known { last_delivery: last, progress: None };
            worth_telling(&seen, &known, hooks_changed, LONG).map(|told| told.last_delivery)
        };

        assert_eq!(told(None, None, None), None);
        assert_eq!(told(None, at(1000), None), Some(at(1000)));
        assert_eq!(told(at(1000), at(1599), at(1000)), None);
        assert_eq!(told(at(1000), at(1600), at(1000)), Some(at(1600)));
        assert_eq!(told(at(1000), at(1003), at(1002)), Some(at(1003)), "the first since the webhooks changed");
        assert_eq!(told(at(1000), at(1000), at(1002)), None);
        assert_eq!(told(at(1003), at(1004), at(1002)), None);
        assert_eq!(told(at(1000), at(900), None), None, "another receiver knew better");
    }

    #[test]
    fn progress_is_told_at_most_every_ten_seconds_and_goes_with_its_run() {
        let told = |seen: &Seen, progress, quiet| {
            worth_telling(seen, &Known { last_delivery: None, progress }, None, Duration::from_secs(quiet))
                .map(|told| told.progress)
        };

        assert_eq!(told(&running(None), None, 0), None);
        assert_eq!(told(&running(None), done("tick", 1), 0), Some(done("tick", 1)));
        assert_eq!(told(&running(done("tick", 1)), done("tick", 2), 9), None);
        assert_eq!(told(&running(done("tick", 1)), done("tick", 2), 10), Some(done("tick", 2)));
        assert_eq!(told(&running(done("tick", 1)), done("tick", 1), 60), None);
        assert_eq!(told(&running(done("before", 9)), None, 0), Some(None));
        assert_eq!(told(&Seen { running: None, ..running(done("tick", 9)) }, None, 0), Some(None));
        assert_eq!(told(&Seen::default(), None, 60), None, "at rest nothing is written");
    }

    #[test]
    fn percent_is_of_merge_requests_and_reaches_a_hundred_with_the_last_project() {
        let percent = |tasks, done, merge_requests, expected| {
            let run =
                RunProgress { tasks, done, skipped: 0, failed: 0, expected, merge_requests, ..RunProgress::default() };
            progress("tick", &run).percent
        };

        assert_eq!(percent(0, 0, 0, 0), 0);
        assert_eq!(percent(4, 1, 500, 1000), 50);
        assert_eq!(percent(4, 1, 3, 0), 25);
        assert_eq!(percent(4, 3, 2000, 1000), 99);
        assert_eq!(percent(4, 4, 10, 1000), 100);
    }

    #[test]
    fn all_that_is_said_is_said_each_time() {
        let told = Seen { last_delivery: at(0), ..running(done("tick", 1)) };
        let progress = json!({
            "run": "tick", "projectsDone": 1, "projectsTotal": 9, "mergeRequests": 0, "percent": 0
        });

        assert_eq!(
            serde_json::to_value(Facts::from(&told)).unwrap(),
            json!({"webhooks": {"lastDelivery": "1970-01-01T00:00:00Z"}, "import": {"progress": progress}})
        );
        assert_eq!(serde_json::to_value(Facts::from(&Seen::default())).unwrap(), json!({}));
    }
}
