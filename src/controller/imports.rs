//! Makes sure that a due import runs, and takes note of how one ended.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::{batch::v1::Job, core::v1::Pod},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions},
    runtime::reflector::Store,
};
use serde_json::json;

use super::{
    Context, Error,
    import_job::{self, Order},
    observe::Seen,
    outcome,
    runs::{self, Decision, Facts, OwnedJob, Start, Trigger},
    waiting,
};
use crate::{
    access::{Access, Outcome, Verdict},
    api::{GitLabConnectionSpec, IMPORT_REQUESTED_AT, ImportStatus, KeyRef, RunningStatus, conditions::reason},
    cluster::{CONNECTION_UID, ConnectionRef, is_conflict, is_gone, timely},
    connection::Observed,
};

/// How soon a Job that was refused is tried again: what refuses it may be none of the connection's.
const REFUSED: SignedDuration = SignedDuration::from_mins(5);

/// How long pods may take to start before somebody asks them why they do not.
const STARTING: SignedDuration = SignedDuration::from_mins(2);

/// How it stands with the imports.
#[derive(Debug)]
pub(super) struct Imports {
    pub(super) status: ImportStatus,
    pub(super) verdict: Verdict,
    /// When to look again, where nothing else will tell.
    pub(super) due: Option<Timestamp>,
    /// The request that was answered.
    pub(super) handled: Option<String>,
}

/// Makes sure of the imports. `access` is what the tokens can do, where somebody could ask; `logged` is what was last said
/// of a run that does not start.
///
/// # Errors
/// When Kubernetes cannot be asked.
pub(super) async fn ensure(
    seen: &Seen,
    access: Option<&Access>,
    logged: &mut Option<String>,
    ctx: &Context,
    now: Timestamp,
) -> Result<Imports, Error> {
    let spec = seen.spec();
    let unfit = unfit(spec, &seen.observed);
    let reachable = seen.observed.may_ask() && seen.observed.database.is_some();
    let tokens = access.map(|access| tokens(access, &seen.observed)).unwrap_or_default();
    let asked = import_job::asked(spec);
    let mut before = seen.status().and_then(|status| status.import.clone()).unwrap_or_default();
    let mut jobs = cached(&ctx.jobs, &seen.at);
    let (mut live, mut again, mut stuck, mut handled) = (false, None, None, None);
    let any = Start { key: String::new(), trigger: Trigger::First };
    let made_of = order(seen, &any, None, &tokens, ctx).as_ref().map(import_job::made_of).unwrap_or_default();
    let (planned, trouble) = loop {
        let owned: Vec<OwnedJob> = jobs.iter().map(import_job::read).collect();
        let answered = handled.as_ref().or(seen.status().and_then(|status| status.last_handled_import_at.as_ref()));
        let facts = Facts {
            uid: &seen.at.uid,
            generation: seen.connection.metadata.generation.unwrap_or(0),
            import: &spec.import,
            suspended: spec.suspend || spec.import.suspend,
            withheld: seen.observed.withheld(),
            known: access.is_some() || !seen.observed.may_ask(),
            asked: &asked,
            before: &before,
            requested: seen.requested(IMPORT_REQUESTED_AT, answered),
            jobs: &owned,
            readable: unfit.is_none() && !tokens.is_empty() && reachable,
            made_of: &made_of,
        };
        let decision = match runs::decide(&facts, now) {
            Ok(decision) => decision,
            Err(error) => break (None, Some(Verdict::bad(reason::INVALID_SPEC, error.to_string()))),
        };
        // What the watch has not told of yet must neither be started again nor be taken for gone.
        let acts = matches!(decision, Decision::Start(_) | Decision::Replace { .. } | Decision::Gone(_));
        if acts && !live {
            (jobs, live) = (listed(&seen.at, ctx).await?, true);
            continue;
        }
        let (start, request) = match decision {
            Decision::Wait => {
                let plan = runs::plan(&facts);
                break (plan.ok().flatten().and_then(|(at, _)| at), None);
            }
            Decision::Ended(job) => {
                handled = job.request.clone().or(handled);
                let ended = record(&seen.at, job, &jobs, ctx, now).await?;
                before = runs::recorded(&before, ended);
                continue;
            }
            Decision::Gone(running) => {
                tracing::warn!(run = running.key, "the Job of a running import is gone");
                before = runs::recorded(&before, outcome::gone(running, now));
                continue;
            }
            Decision::Start(start) => {
                let request = facts.requested.filter(|_| start.trigger == Trigger::Request).map(str::to_owned);
                (start, request)
            }
            Decision::Replace { job, start } => {
                let request = job.request.clone();
                let name = job.name.clone();
                remove(&seen.at, &name, &jobs, ctx).await?;
                jobs.retain(|job| job.metadata.name.as_ref() != Some(&name));
                // It never began: that is no failed run.
                before.running = None;
                (start, request)
            }
            Decision::Running { job, pause } => {
                if let Some(pause) = pause {
                    suspend(&seen.at, &job.name, pause, ctx).await?;
                } else if !job.begun && !job.suspended {
                    let asks_at = job.active_since.checked_add(STARTING).unwrap_or(Timestamp::MAX);
                    if asks_at <= now {
                        stuck = waiting::why(&job.name, &pods(&seen.at, &job.name, &jobs, ctx).await?);
                        tell_once(logged, &job.key, stuck.as_deref());
                    }
                    // Pods do not tell by themselves.
                    again = if asks_at > now { Some(asks_at) } else { now.checked_add(STARTING).ok() };
                }
                handled = job.request.clone().or(handled);
                let during = ImportStatus { running: Some(running(job)), ..before.clone() };
                let plan = runs::plan(&Facts { before: &during, ..facts });
                before = during;
                break (plan.ok().flatten().and_then(|(at, _)| at), None);
            }
        };
        let job = match begin(seen, &start, request.as_deref(), &tokens, ctx, now).await {
            Ok(job) => job,
            // Another try would not help, and without a status nobody would know.
            Err(error) => {
                let Some(refusal) = refused(&error) else { return Err(error) };
                tracing::warn!(run = start.key, error = refusal.message, "the Job of an import is refused");
                again = now.checked_add(REFUSED).ok();
                break (None, Some(refusal));
            }
        };
        before.running = Some(running(&import_job::read(&job)));
        jobs.push(job);
    };
    before.next = planned.map(Time);
    let verdict = trouble.unwrap_or_else(|| verdict(spec, &before, access, unfit, stuck));
    // A run that cannot start now waits for what keeps it, which tells by itself.
    let due = again.or(planned.filter(|at| *at > now && before.running.is_none()));
    Ok(Imports { status: before, verdict, due, handled })
}

/// Whether the API server will say the same next time: a pod template that breaks its rules, a policy, a quota.
pub(super) fn is_refusal(status: &kube::core::Status) -> bool {
    [400, 403, 422].contains(&status.code)
}

/// Why there is no Job, where another try would come to the same.
fn refused(error: &Error) -> Option<Verdict> {
    match error {
        // A quota or a policy, which is not the connection's: it is tried again without a change of the spec.
        Error::Kube(kube::Error::Api(status)) if status.code == 403 => {
            let message = format!("a quota or policy of the cluster forbids the Job of the import: {}", status.message);
            Some(Verdict::bad(reason::JOB_FORBIDDEN, message))
        }
        Error::Kube(kube::Error::Api(status)) if is_refusal(status) => {
            let message = format!("the API server refuses the Job of the import: {}", status.message);
            Some(Verdict::bad(reason::INVALID_SPEC, message))
        }
        Error::ForeignJob(_) => Some(Verdict::bad(reason::INVALID_SPEC, error.to_string())),
        _ => None,
    }
}

/// What keeps every import of this spec from running.
fn unfit(spec: &GitLabConnectionSpec, observed: &Observed) -> Option<String> {
    if spec.store.is_none() {
        return Some(
            "spec.store is not set: name the Secret and key that hold the URL of a database, such as postgres://…"
                .into(),
        );
    }
    observed.database.as_ref()?.is_file().then(|| {
        "spec.store names an SQLite file, which would go with the pod that fills it: use PostgreSQL (postgres://…)"
            .into()
    })
}

/// The tokens to read with. A part of the scope that does not exist keeps nobody from the rest.
fn tokens(access: &Access, observed: &Observed) -> Vec<(String, KeyRef)> {
    let usable = access.usable_readers();
    let reading = access.reading();
    let part = reading.reason == reason::SCOPE_NOT_FOUND && !(access.groups.is_empty() && access.projects.is_empty());
    let wanted = |(name, _): &&(String, KeyRef)| usable.contains(name) || (usable.is_empty() && part);
    observed.sources.iter().filter(wanted).cloned().collect()
}

fn verdict(
    spec: &GitLabConnectionSpec,
    import: &ImportStatus,
    access: Option<&Access>,
    broken: Option<String>,
    stuck: Option<String>,
) -> Verdict {
    if spec.import.suspend {
        // Somebody asked for it: that is no failure.
        return Verdict { reason: reason::SUSPENDED, ..Verdict::good("the spec suspends imports") };
    }
    if let Some(broken) = broken {
        return Verdict::bad(reason::INVALID_SPEC, broken);
    }
    if let Some(last) = &import.last_run {
        // Rows grow old while a later run waits in vain, however well the last one went.
        let stuck = stuck.filter(|_| import.running.is_some());
        return stuck.map_or_else(
            || outcome::verdict(last),
            |why| Verdict::bad(reason::IMPORT_STUCK, format!("the import that is due does not start: {why}")),
        );
    }
    if import.running.is_some() {
        let message = stuck.map(|why| format!("the first import does not start: {why}"));
        return Verdict::unknown(reason::RUNNING, message.unwrap_or_else(|| "the first import is running".to_owned()));
    }
    if spec.import.schedule.is_empty() {
        return Verdict::good("imports run on request only, and none has been asked for");
    }
    match access.map(Access::reading) {
        None => Verdict::unknown(reason::NEVER_RUN, "waits for the credentials"),
        Some(reading) if reading.outcome == Outcome::Ok => Verdict::unknown(reason::NEVER_RUN, "no import has run yet"),
        Some(reading) => Verdict { message: "waits until the scope can be read".to_owned(), ..reading },
    }
}

fn running(job: &OwnedJob) -> RunningStatus {
    RunningStatus { key: job.key.clone(), started_at: Some(Time(job.started)), job: Some(job.name.clone()) }
}

/// The connection's Jobs, as the watch tells of them.
fn cached(jobs: &Store<Job>, at: &ConnectionRef) -> Vec<Job> {
    let ours = |job: &&std::sync::Arc<Job>| {
        job.metadata.namespace.as_ref() == Some(&at.namespace) && controlled_by(&job.metadata, &at.uid)
    };
    jobs.state().iter().filter(ours).map(|job| Job::clone(job)).collect()
}

/// Whether an object is another's own. Labels do not tell: who may create Jobs or pods may give them any.
fn controlled_by(meta: &ObjectMeta, uid: &str) -> bool {
    meta.owner_references.iter().flatten().any(|owner| owner.controller == Some(true) && owner.uid == uid)
}

/// The connection's Jobs, as the API server knows them.
async fn listed(at: &ConnectionRef, ctx: &Context) -> Result<Vec<Job>, Error> {
    let labels = format!("{},{CONNECTION_UID}={}", import_job::IMPORTS, at.uid);
    let mut jobs = timely(jobs(at, ctx).list(&ListParams::default().labels(&labels))).await?.items;
    jobs.retain(|job| controlled_by(&job.metadata, &at.uid));
    Ok(jobs)
}

/// What a Job is made for; `None` without a database.
fn order<'a>(
    seen: &'a Seen,
    start: &'a Start,
    request: Option<&'a str>,
    tokens: &'a [(String, KeyRef)],
    ctx: &'a Context,
) -> Option<Order<'a>> {
    let store = seen.spec().store.as_ref()?;
    let (connection, at, image) = (&seen.connection, &seen.at, &ctx.settings.image);
    Some(Order { connection, at, start, request, tokens, store, image })
}

/// Makes the Job of a run. One of its name is there already where we died before we could say so.
async fn begin(
    seen: &Seen,
    start: &Start,
    request: Option<&str>,
    tokens: &[(String, KeyRef)],
    ctx: &Context,
    now: Timestamp,
) -> Result<Job, Error> {
    let Some(order) = order(seen, start, request, tokens, ctx) else { return Err(Error::Nameless) };
    let job = import_job::build(&order, now);
    match timely(jobs(&seen.at, ctx).create(&PostParams::default(), &job)).await {
        Ok(job) => {
            ctx.kube.metrics.kube.wrote("Job", "create");
            tracing::info!(run = start.key, trigger = start.trigger.as_str(), "an import starts");
            Ok(job)
        }
        Err(error) if is_conflict(&error) => {
            let name = job.metadata.name.unwrap_or_default();
            let known = timely(jobs(&seen.at, ctx).get(&name)).await?;
            if controlled_by(&known.metadata, &seen.at.uid) { Ok(known) } else { Err(Error::ForeignJob(name)) }
        }
        Err(error) => Err(error.into()),
    }
}

async fn suspend(at: &ConnectionRef, job: &str, pause: bool, ctx: &Context) -> Result<(), Error> {
    let patch = Patch::Merge(json!({ "spec": { "suspend": pause } }));
    timely(jobs(at, ctx).patch(job, &PatchParams::default(), &patch)).await?;
    ctx.kube.metrics.kube.wrote("Job", "patch");
    tracing::info!(job, pause, "an import is paused or goes on");
    Ok(())
}

/// Removes a Job, unless something happened to it meanwhile.
async fn remove(at: &ConnectionRef, name: &str, jobs: &[Job], ctx: &Context) -> Result<(), Error> {
    let meta = jobs.iter().map(|job| &job.metadata).find(|meta| meta.name.as_deref() == Some(name));
    let preconditions = Preconditions {
        uid: meta.and_then(|meta| meta.uid.clone()),
        resource_version: meta.and_then(|meta| meta.resource_version.clone()),
    };
    let params = DeleteParams::background().preconditions(preconditions);
    match timely(self::jobs(at, ctx).delete(name, &params)).await {
        Err(error) if !is_gone(&error) => return Err(error.into()),
        _ => ctx.kube.metrics.kube.wrote("Job", "delete"),
    }
    tracing::info!(job = name, "an import is made anew: its pods would be made otherwise now");
    Ok(())
}

/// The pods of a Job.
async fn pods(at: &ConnectionRef, job: &str, jobs: &[Job], ctx: &Context) -> Result<Vec<Pod>, Error> {
    let pods: Api<Pod> = Api::namespaced(ctx.kube.client.clone(), &at.namespace);
    let labels = format!("batch.kubernetes.io/job-name={job}");
    let mut pods = timely(pods.list(&ListParams::default().labels(&labels))).await?.items;
    let job = jobs.iter().find(|known| known.metadata.name.as_deref() == Some(job));
    let uid = job.and_then(|job| job.metadata.uid.as_deref()).unwrap_or_default();
    pods.retain(|pod| controlled_by(&pod.metadata, uid));
    Ok(pods)
}

/// Logs why a run does not start, unless that is what was logged last.
fn tell_once(logged: &mut Option<String>, run: &str, why: Option<&str>) {
    let Some(why) = why else { return };
    let said = format!("{run}: {why}");
    if logged.as_ref() != Some(&said) {
        tracing::warn!(run, why, "an import does not start");
        *logged = Some(said);
    }
}

/// How a run ended, from its Job and the last words of its pods.
async fn record(
    at: &ConnectionRef,
    owned: &OwnedJob,
    jobs: &[Job],
    ctx: &Context,
    now: Timestamp,
) -> Result<outcome::Ended, Error> {
    let pods = pods(at, &owned.name, jobs, ctx).await?;
    let job = jobs.iter().find(|job| job.metadata.name.as_ref() == Some(&owned.name)).cloned().unwrap_or_default();
    let ended = outcome::ended(owned, &job, &pods, now);
    let run = &ended.run;
    ctx.kube.metrics.imported(run.projects, run.merge_requests);
    tracing::info!(
        run = run.key,
        outcome = ?run.outcome,
        reason = run.reason,
        projects = run.projects,
        merge_requests = run.merge_requests,
        "an import ended"
    );
    Ok(ended)
}

/// Lets the Jobs go soon whose ends the status tells of: not before, because who finds no Job takes its import for lost.
pub(super) async fn let_go(seen: &Seen, ctx: &Context) {
    let Some(import) = seen.status().and_then(|status| status.import.as_ref()) else { return };
    let stays = |job: &&Job| {
        let stays = job.spec.as_ref().and_then(|spec| spec.ttl_seconds_after_finished);
        stays.is_some_and(|seconds| seconds > import_job::RECORDED_SECONDS)
    };
    for job in cached(&ctx.jobs, &seen.at).iter().filter(stays).map(import_job::read) {
        if !job.ended || !runs::is_recorded(&job, import) {
            continue;
        }
        let patch = json!({ "spec": { "ttlSecondsAfterFinished": import_job::RECORDED_SECONDS } });
        match timely(jobs(&seen.at, ctx).patch(&job.name, &PatchParams::default(), &Patch::Merge(patch))).await {
            Ok(_) => ctx.kube.metrics.kube.wrote("Job", "patch"),
            // It stays for longer, then.
            Err(error) => tracing::debug!(job = job.name, %error, "the Job of an ended import keeps its time"),
        }
    }
}

fn jobs(at: &ConnectionRef, ctx: &Context) -> Api<Job> {
    Api::namespaced(ctx.kube.client.clone(), &at.namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> GitLabConnectionSpec {
        serde_json::from_value(json!({"url": "https://gitlab.example.com/", "scope": {"groups": ["acme"]}})).unwrap()
    }

    #[test]
    fn a_later_import_that_does_not_start_is_said_however_well_the_last_one_went() {
        let told = json!({"lastRun": {"key": "first", "outcome": "Succeeded"}, "running": {"key": "second"}});
        let import: ImportStatus = serde_json::from_value(told).unwrap();
        let why = || Some("image 'x' cannot be pulled (ImagePullBackOff)".to_owned());

        let starts = verdict(&spec(), &import, None, None, None);
        let stuck = verdict(&spec(), &import, None, None, why());
        let over = verdict(&spec(), &ImportStatus { running: None, ..import }, None, None, why());

        assert_eq!((starts.outcome, over.outcome), (Outcome::Ok, Outcome::Ok));
        assert_eq!((stuck.outcome, stuck.reason), (Outcome::Denied, reason::IMPORT_STUCK));
        assert!(stuck.message.contains("image 'x' cannot be pulled"), "{}", stuck.message);
    }
}
