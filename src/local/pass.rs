//! One round over one connection. A step that fails does not stop the ones that do not need it: each outcome is a verdict.

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{Settings, Stored, Work, hooks, stored};
use crate::{
    access::{self, Access, Verdict},
    api::conditions::reason,
    asked,
    connection::{Hooks, missing_references, needs},
    gitlab::Client,
    importer::{self, Progress, Summary},
    status::{Verdicts, known_reason},
};

/// Name of the only worker. A second process on the same database takes over what the first one held.
const WORKER: &str = "local";
/// A run that was interrupted less than this ago is as good as one that begins now.
const RECENT: SignedDuration = SignedDuration::from_mins(10);

/// What one round came to.
#[derive(Debug, Clone)]
pub struct Pass {
    /// The verdict of each step.
    pub verdicts: Verdicts,
    /// What the tokens can do; `None` where nobody could be asked.
    pub access: Option<Access>,
    /// What became of the hooks.
    pub hooks: Hooks,
    /// How the last import went, where one ended.
    pub summary: Option<Summary>,
}

/// What a round is to do about the import.
#[derive(Debug, Clone, Copy)]
pub enum Import<'a> {
    /// One is due; the progress is raised while it runs.
    Due(&'a Progress),
    /// None is due: what the last one came to stands.
    NotDue(&'a Pass),
}

/// Verifies, ensures hooks, imports if that is due. Never fails: what went wrong is in the verdicts.
pub async fn pass(
    work: &Work<'_>,
    stored: Result<&Stored, &stored::Error>,
    settings: &Settings,
    due: Import<'_>,
    stop: &CancellationToken,
) -> Pass {
    let spec = work.spec();
    if spec.suspend {
        return suspended();
    }
    let missing = missing_references(&work.observed);
    let access = if work.observed.may_ask() {
        Some(access::verify(&work.client, &spec.scope, &needs(spec, &work.observed)).await)
    } else {
        None
    };
    access.iter().for_each(|access| work.found(access));
    // Webhooks first: what happens while a project is read is delivered then.
    let hooks = hooks::ensure(work, settings, access.as_ref(), stored.ok()).await;
    let (import, summary) = match due {
        Import::Due(progress) => import(work, settings, access.as_ref(), stored, (progress, stop)).await,
        Import::NotDue(last) => (last.verdicts.import.clone(), last.summary.clone()),
    };

    let waiting = || Verdict::unknown(reason::WAITING, "waits for the Secrets and keys that are missing");
    let verdicts = Verdicts {
        credentials: missing.unwrap_or_else(|| access.as_ref().map_or_else(waiting, Access::credentials)),
        access: access.as_ref().map_or_else(waiting, Access::reading),
        webhooks: hooks.verdict.clone(),
        deliveries: hooks.deliveries.clone(),
        import,
        expiring: access.as_ref().and_then(|access| access.expiring(Timestamp::now())),
    };
    Pass { verdicts, access, hooks, summary }
}

/// Everything is left as it is, so nobody can tell how it stands.
fn suspended() -> Pass {
    let verdict = || Verdict::unknown(reason::SUSPENDED, "the spec suspends the connection");
    let verdicts = Verdicts {
        credentials: verdict(),
        access: verdict(),
        webhooks: verdict(),
        deliveries: None,
        import: verdict(),
        expiring: None,
    };
    Pass { verdicts, access: None, hooks: Hooks::only(verdict()), summary: None }
}

async fn import(
    work: &Work<'_>,
    settings: &Settings,
    access: Option<&Access>,
    stored: Result<&Stored, &stored::Error>,
    (progress, stop): (&Progress, &CancellationToken),
) -> (Verdict, Option<Summary>) {
    let stored = match stored {
        Ok(stored) => stored,
        Err(error @ stored::Error::Missing { .. }) => {
            return (Verdict::unknown(reason::WAITING, error.to_string()), None);
        }
        Err(error) => return (Verdict::bad(reason::STORE_UNAVAILABLE, error.to_string()), None),
    };
    let Some(access) = access else {
        return (Verdict::bad(reason::NEVER_RUN, "waits for the credentials"), None);
    };
    let reading = access.reading();
    let readers = access.usable_readers();
    // A part of the scope that does not exist keeps nobody from the rest.
    let part = reading.reason == reason::SCOPE_NOT_FOUND && !(access.groups.is_empty() && access.projects.is_empty());
    if readers.is_empty() && !part {
        return (Verdict { message: "waits until the scope can be read".to_owned(), ..reading }, None);
    }
    if work.spec().import.suspend {
        return (Verdict { reason: reason::SUSPENDED, ..Verdict::good("the spec suspends imports") }, None);
    }
    let client =
        if readers.is_empty() { work.client.among(&work.observed.readers) } else { work.client.among(&readers) };
    match run(work, settings, stored, &client, (progress, stop)).await {
        Ok(summary) => (imported(&summary), Some(summary)),
        Err(error) => (not_imported(&error), None),
    }
}

/// Goes on with a run that did not end, and begins one where that is not the latest news.
async fn run(
    work: &Work<'_>,
    settings: &Settings,
    stored: &Stored,
    client: &Client,
    (progress, stop): (&Progress, &CancellationToken),
) -> Result<Summary, importer::Error> {
    let Stored { store, registered, .. } = stored;
    let now = Timestamp::now();
    let usual = asked::import_settings(work.spec(), registered.source);
    let usual = importer::Settings { worker: WORKER.to_owned(), patience: settings.patience, ..usual };

    let unfinished = store.unfinished_run(registered.source).await?;
    if let Some(run) = unfinished.filter(|run| run.full || !settings.full) {
        let resumed = importer::Settings { run_key: run.key, ..usual.clone() };
        let summary = importer::run(client, store, &resumed, progress, stop.clone()).await?;
        if now.duration_since(run.started_at) < RECENT {
            return Ok(summary);
        }
        // Its plan is old: projects that came since are not in it, and what it read first has changed.
    }
    let walk_interval = if settings.walk { SignedDuration::ZERO } else { usual.walk_interval };
    let fresh = importer::Settings { run_key: format!("sync-{now}"), full: settings.full, walk_interval, ..usual };
    importer::run(client, store, &fresh, progress, stop.clone()).await
}

fn imported(summary: &Summary) -> Verdict {
    let message = summary.message();
    if !summary.missing.is_empty() {
        return Verdict::bad(reason::SCOPE_NOT_FOUND, message);
    }
    if summary.run.progress.has_failures() {
        return Verdict::bad(reason::PARTIALLY_FAILED, message);
    }
    if summary.run.run.finished_at.is_none() {
        return Verdict::bad(reason::RUNNING, "other workers are still importing");
    }
    Verdict::good(message)
}

fn not_imported(error: &importer::Error) -> Verdict {
    match error {
        importer::Error::Stopped => Verdict::unknown(reason::RUNNING, error.to_string()),
        importer::Error::Store(_) => Verdict::bad(reason::STORE_UNAVAILABLE, error.to_string()),
        importer::Error::ScopeNotFound { .. } | importer::Error::Unseen { .. } => {
            Verdict::bad(reason::SCOPE_NOT_FOUND, error.to_string())
        }
        importer::Error::GitLab(gitlab) if gitlab.is_transient() => Verdict::bad(reason::FAILED, error.to_string()),
        importer::Error::GitLab(gitlab) => Verdict::bad(known_reason(gitlab.reason()), error.to_string()),
        importer::Error::BadGlob { .. } => Verdict::bad(reason::INVALID_SPEC, error.to_string()),
        importer::Error::NeverImported | importer::Error::Internal(_) => {
            Verdict::bad(reason::FAILED, error.to_string())
        }
    }
}
