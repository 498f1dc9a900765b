//! Holds the database against GitLab: counts merge requests project by project, reads some of them anew by their numbers,
//! and compares every field, children included. Stores nothing but what it found.
//!
//! What changed in GitLab after the last import began is not expected to be stored. What differs is looked at twice, because
//! deliveries and imports go on meanwhile.

mod compare;
mod count;
mod sample;

use futures::{TryStreamExt as _, stream::FuturesUnordered};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::instrument;

use crate::gitlab::Client;
use crate::store::{Audit, Audited, Finding, Run, Store};
use crate::verdict::{AuditVerdict, EXAMPLES};

use super::context::Context;
use super::{Auditing, Error, Progress, Settings};

pub use sample::Sample;

/// Requests in flight.
const IN_FLIGHT: usize = 8;

/// How much earlier than the last import a change may seem to be that it could not bring: GitLab tells whole seconds, of
/// changes and of its clock.
const ROUNDED: SignedDuration = SignedDuration::from_secs(2);

/// What an audit works with.
struct Auditor<'a> {
    ctx: &'a Context,
    /// What was opened later is not expected to be stored, by GitLab's clock.
    until: Timestamp,
}

/// Compares the database with GitLab, and keeps what it found.
///
/// # Errors
/// Where nothing was imported yet, GitLab refuses the tokens or stays away, the database stays away, or `stop` was called.
#[instrument(skip_all)]
pub async fn run(
    client: &Client,
    store: &Store,
    settings: &Settings,
    sample: Sample,
    progress: &Progress,
    stop: CancellationToken,
) -> Result<Audit, Error> {
    compare(&Context::new(client, store, settings, Progress::default(), stop).await?, sample, progress).await
}

/// Key under which the run is kept whose end was audited last, or is now.
const RUN: &str = "audit.run";

/// Compares at the end of a run where that is due: one of its workers does. Trouble with it is no trouble of the run.
pub(super) async fn if_due(ctx: &Context, run: &Run) -> Option<Audit> {
    let Auditing { interval, sample } = ctx.settings.audit?;
    let audit = async {
        let last = ctx.patiently(|| ctx.store.last_audit(ctx.settings.source)).await?;
        if last.is_some_and(|last| Timestamp::now().duration_since(last) < interval) {
            return Ok(None);
        }
        let run = run.id.to_string();
        if !ctx.patiently(|| ctx.store.change_state(ctx.settings.source, RUN, &run)).await? {
            return Ok(None);
        }
        compare(ctx, Sample::Random(sample), &Progress::default()).await.map(Some)
    };
    let audit: Result<Option<Audit>, Error> = audit.await;
    audit.unwrap_or_else(|error| {
        tracing::warn!(%error, "the database cannot be held against GitLab; the next import tries again");
        None
    })
}

async fn compare(ctx: &Context, sample: Sample, progress: &Progress) -> Result<Audit, Error> {
    let source = ctx.settings.source;
    let imported = ctx.patiently(|| ctx.store.last_import(source)).await?.ok_or(Error::NeverImported)?;
    let ahead = ctx.client.server_now().duration_since(Timestamp::now()) - ROUNDED;
    let until = last_of_its_second(imported.checked_add(ahead).unwrap_or(imported));
    let auditor = Auditor { ctx, until };
    let mut audit = Audit::begun(Timestamp::now());

    let projects = auditor.projects().await?;
    let newest = auditor.count(&projects, &mut audit).await?;
    let population = sample::Population::new(projects, &newest, ctx.settings.since.is_some());
    let drawn = population.draw(sample);
    progress.planned(population.projects().len() as u64, drawn.len());
    let mut portions = drawn.portions();
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < IN_FLIGHT
            && let Some((project, iids)) = portions.next()
        {
            under_way.push(auditor.compare(project, iids));
        }
        let Some(compared) = under_way.try_next().await? else { break };
        progress.stored(compared.asked);
        audit.merge_requests += compared.merge_requests;
        audit.behind += compared.behind;
        audit.unreadable += compared.unreadable;
        audit.note(compared.noted);
    }
    audit.finished_at = Timestamp::now();
    ctx.patiently(|| ctx.store.keep_audit(source, &audit)).await?;
    Ok(audit)
}

impl Auditor<'_> {
    /// The projects to compare, with what is stored of them.
    async fn projects(&self) -> Result<Vec<Audited>, Error> {
        let Settings { source, since, scope, .. } = &self.ctx.settings;
        let projects = || self.ctx.store.audited_projects(*source, (*since, self.until), scope.include_archived);
        self.ctx.patiently(projects).await
    }
}

/// GitLab compares fractions of seconds that it does not tell. At the end of a second, both see the same.
fn last_of_its_second(at: Timestamp) -> Timestamp {
    Timestamp::new(at.as_second(), 999_999_000).unwrap_or(at)
}

/// What a finished worker has to say of an audit.
#[must_use]
pub fn verdict(audit: &Audit) -> AuditVerdict {
    let counts = audit.miscounts.iter().map(|one| format!("{}: {} of {}", one.path, one.stored, one.gitlab));
    let rows = audit.noted.iter().map(|one| {
        let what = match &one.difference.finding {
            Finding::Missing => "not stored",
            Finding::Extra => "not in GitLab",
            Finding::Other { column, .. } => column,
        };
        let row = one.difference.row.as_ref().map(|row| format!(" ({} {row})", one.difference.table));
        format!("{}!{}{}: {what}", one.path, one.iid, row.unwrap_or_default())
    });
    AuditVerdict {
        finished_at: audit.finished_at,
        projects: audit.projects,
        merge_requests: audit.merge_requests,
        behind: audit.behind,
        unreadable: audit.unreadable,
        differences: audit.differences,
        examples: counts.chain(rows).take(EXAMPLES).collect(),
    }
}

fn number(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}
