//! Holds the database against GitLab: counts merge requests project by project, reads some of them anew by their numbers,
//! and compares every field, children included. Stores nothing but what it found.
//!
//! What changed in GitLab after the last import began is not expected to be stored. What differs is looked at twice, because
//! deliveries and imports go on meanwhile.

mod compare;
mod count;
mod sample;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::instrument;

use crate::gitlab::Client;
use crate::store::{Audit, Audited, Store};

use super::context::Context;
use super::{Error, Progress, Settings};

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
    let ctx = Context::new(client, store, settings, progress.clone(), stop).await?;
    let source = ctx.settings.source;
    let imported = ctx.patiently(|| ctx.store.last_import(source)).await?.ok_or(Error::NeverImported)?;
    let ahead = client.server_now().duration_since(Timestamp::now()) - ROUNDED;
    let auditor = Auditor { ctx: &ctx, until: imported.checked_add(ahead).unwrap_or(imported) };
    let mut audit = Audit::begun(Timestamp::now());

    let projects = auditor.projects().await?;
    let newest = auditor.count(&projects, &mut audit).await?;
    let population = sample::Population::new(projects, &newest, ctx.settings.since.is_some());
    let drawn = population.draw(sample);
    ctx.progress.planned(population.projects().len() as u64, drawn.len());
    let portions = stream::iter(drawn.portions());
    let compared = portions.map(|(project, iids)| auditor.compare(project, iids)).buffer_unordered(IN_FLIGHT);
    futures::pin_mut!(compared);
    while let Some(compared) = compared.try_next().await? {
        ctx.progress.stored(compared.asked);
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

fn number(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}
