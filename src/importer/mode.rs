//! Whether a run reads everything again, or only what has changed since.
//!
//! Everything is read again when the last such run is too long ago, and when other things are asked for than the last run
//! read. The first worker of a run decides for all of them: its answer is kept with the run.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::store::{self, Run, Source, Store};

use super::{Resources, Settings};

/// Key under which it is kept what the last run read that ended.
const KINDS: &str = "import-kinds";
/// Key under which it is kept what the last run reads that began.
const BEGUN: &str = "import-kinds-begun";
/// What a run read whose workers were asked for different things: nothing that anybody asks for.
const MIXED: &str = "mixed";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Begun {
    run: i64,
    kinds: String,
}

/// Whether a run that begins now is to read everything again.
pub(super) async fn is_full(store: &Store, settings: &Settings, now: Timestamp) -> Result<bool, store::Error> {
    if settings.full {
        return Ok(true);
    }
    let kinds = kinds(settings);
    let known = store.state(settings.source, KINDS).await?;
    let begun = begun(store, settings.source).await?.map(|begun| begun.kinds);
    if known.into_iter().chain(begun).any(|read| read != kinds) {
        return Ok(true);
    }
    let Some(interval) = settings.resync_interval else { return Ok(false) };
    let last = store.last_full_run(settings.source).await?;
    Ok(last.is_some_and(|last| now.duration_since(last) > interval))
}

/// Remembers what a run reads. Called once the run is open, so that who comes later and decides anew changes nothing.
pub(super) async fn remember(store: &Store, settings: &Settings, run: &Run) -> Result<(), store::Error> {
    let kinds = kinds(settings);
    let kinds = match begun(store, settings.source).await? {
        Some(begun) if begun.run == run.id && begun.kinds == kinds => return Ok(()),
        Some(begun) if begun.run == run.id => MIXED.to_owned(),
        _ => kinds,
    };
    let begun = serde_json::to_string(&Begun { run: run.id, kinds }).unwrap_or_default();
    store.set_state(settings.source, BEGUN, &begun).await
}

/// Remembers what a run has read that ended.
pub(super) async fn ended(store: &Store, source: Source, run: &Run) -> Result<(), store::Error> {
    match begun(store, source).await?.filter(|begun| begun.run == run.id) {
        Some(begun) => store.set_state(source, KINDS, &begun.kinds).await,
        None => Ok(()),
    }
}

async fn begun(store: &Store, source: Source) -> Result<Option<Begun>, store::Error> {
    let text = store.state(source, BEGUN).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// What is read of a merge request, and since when: a change wants everything read again.
fn kinds(settings: &Settings) -> String {
    let Settings { since, lookback, resources, text, .. } = settings;
    // Lists that are read after merge requests know by themselves how far they were read.
    let Resources { reviews, commits, labels, members, deployments: _, pipelines: _ } = resources;
    let resources =
        format_args!("Resources {{ reviews: {reviews}, commits: {commits}, labels: {labels}, members: {members} }}");
    let lookback = lookback.as_ref().map(SignedDuration::as_secs);
    format!("{:?}", (since.map(|since| since.to_string()), lookback, resources, text))
}
