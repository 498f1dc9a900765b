//! One project, from its checkpoint to now.

use jiff::{SignedDuration, Timestamp};

use crate::store::{self, Batch, Progress as TaskProgress, Sweep, Task, TaskState};

use super::context::Context;
use super::pages::{Fetched, OFF, Page, Place, Reader};
use super::rows::Rows;
use super::{Difference, Error, lists};

/// How much earlier than the last change seen a pass begins: `merged_at` may be later than `updated_at`, and a change
/// may become visible after a later one.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// To whom may not see merge requests GitLab gives an empty list, no error: it cannot tell that all are gone.
const NONE_LEFT: &str = "GitLab shows none of the merge requests that it had: hidden from the tokens, or deleted";

/// How work on a task ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The project was read, skipped or given up; the store knows.
    Ended(Option<Difference>),
    /// Another worker has the task now.
    Lost,
}

/// Reads one project's merge requests page by page. While a page is stored, the next is on its way.
pub(super) async fn import(ctx: &Context, run: i64, task: Task) -> Result<Ending, Error> {
    let since = pass_begins(task.since, ctx.settings.since);
    let mut work = Work { ctx, run, expected: None, found: task.merge_requests, watermark: task.watermark, lost: None };
    if task.switched_off {
        return work.give_up(&task, TaskState::Skipped { reason: OFF.to_owned() }).await;
    }
    let mut reader = Reader::new(ctx, &task, since);
    let resumed = task.cursor.is_some();
    let mut at = task.cursor.clone();
    let mut fetched = reader.fetch(Place { after: task.cursor.clone(), since, counted: !resumed }).await;
    loop {
        let page = match fetched {
            Ok(Fetched::Page(page)) => page,
            Ok(Fetched::Skip(reason)) => {
                return work.give_up(&task, TaskState::Skipped { reason }).await;
            }
            Ok(Fetched::Fail(reason)) => {
                return work.give_up(&task, TaskState::Failed { reason }).await;
            }
            Err(error) => return Err(error),
        };
        work.saw(&page, &task, at.take());
        let Some(next) = page.next.clone() else {
            if work.found == 0 && work.would_remove(&task).await? {
                return work.give_up(&task, TaskState::Skipped { reason: NONE_LEFT.to_owned() }).await;
            }
            let stored = work.store(&task, page, work.last_state()).await;
            return ended(stored, work.difference(&task));
        };
        reader.anchor(work.watermark.map(earlier));
        at.clone_from(&next.after);
        let (following, stored) = tokio::join!(reader.fetch(next), work.store(&task, page, TaskState::Open));
        match stored {
            Err(Error::Store(store::Error::ClaimLost)) => return Ok(Ending::Lost),
            other => other?,
        }
        fetched = following;
    }
}

/// A task's share of numbers, and the way of its pages into the store.
struct Work<'a> {
    ctx: &'a Context,
    run: i64,
    /// What GitLab counted when the pass began.
    expected: Option<i64>,
    found: i64,
    /// The latest change seen.
    watermark: Option<Timestamp>,
    /// The first page from which merge requests were missing.
    lost: Option<Lost>,
}

/// A page from which merge requests were missing. Who goes on with the task begins there again.
struct Lost {
    cursor: Option<String>,
    watermark: Option<Timestamp>,
    reason: String,
}

impl Work<'_> {
    /// Takes note of a page that came, and of where it began.
    fn saw(&mut self, page: &Page, task: &Task, cursor: Option<String>) {
        if let (Some(reason), None) = (&page.lost, &self.lost) {
            tracing::warn!(
                project = page.path,
                reason,
                "GitLab left merge requests out, the project will be read again"
            );
            self.lost = Some(Lost { cursor, watermark: self.watermark, reason: reason.clone() });
        }
        if let Some(count) = page.count {
            self.expected = Some(count);
            if task.since.is_some() {
                self.ctx.progress.planned(0, count.unsigned_abs());
            }
        }
        self.found += i64::try_from(page.merge_requests.len()).unwrap_or(i64::MAX);
        let latest = page.merge_requests.iter().map(|merge_request| merge_request.updated_at).max();
        self.watermark = self.watermark.max(latest);
    }

    /// What the task is once its last page is stored. Only what is done moves the project's checkpoint.
    fn last_state(&self) -> TaskState {
        match &self.lost {
            None => TaskState::Done,
            Some(lost) => TaskState::Failed { reason: format!("merge requests are missing: {}", lost.reason) },
        }
    }

    /// Stores a page and the progress that it makes, in one transaction.
    async fn store(&self, task: &Task, page: Page, state: TaskState) -> Result<(), Error> {
        let Page { mut merge_requests, next, as_of, path, .. } = page;
        lists::complete(self.ctx, &path, &mut merge_requests).await?;
        lists::add_closed_at(self.ctx, task.project_id, &mut merge_requests).await?;

        let count = merge_requests.len() as u64;
        let mut rows = Rows::default();
        for merge_request in merge_requests {
            rows.merge_request(task.project_id, merge_request, self.ctx.settings.text);
        }
        let done = state == TaskState::Done;
        let (cursor, watermark) = match &self.lost {
            None => (next.and_then(|next| next.after), self.watermark),
            Some(lost) => (lost.cursor.clone(), lost.watermark),
        };
        let batch = Batch {
            as_of: Some(as_of),
            run_id: Some(self.run),
            sweep: (done && self.sweeps(task)).then_some(Sweep { project_id: task.project_id }),
            progress: Some(TaskProgress {
                task: task.id,
                claim: task.claim,
                cursor,
                // Nothing new leaves the checkpoint where it is.
                watermark: watermark.max(task.since),
                merge_requests: i64::try_from(count).unwrap_or(i64::MAX),
                state,
            }),
            ..rows.into_batch()
        };
        self.ctx.commit(batch).await?;
        self.ctx.progress.stored(count);
        Ok(())
    }

    /// Whether what this pass has not met is gone. Where GitLab left something out, or counts more than it gave, it may still
    /// be there.
    fn sweeps(&self, task: &Task) -> bool {
        let is_whole = self.lost.is_none() && self.difference(task).is_none();
        task.full && self.ctx.settings.since.is_none() && is_whole
    }

    /// Whether the end of this pass would remove merge requests.
    async fn would_remove(&self, task: &Task) -> Result<bool, Error> {
        if !self.sweeps(task) {
            return Ok(false);
        }
        let (store, source) = (&self.ctx.store, self.ctx.settings.source);
        self.ctx.patiently(|| store.has_unmet(source, task.project_id, self.run)).await
    }

    /// Ends the task without having read the project.
    async fn give_up(&self, task: &Task, state: TaskState) -> Result<Ending, Error> {
        let progress = TaskProgress {
            task: task.id,
            claim: task.claim,
            cursor: None,
            watermark: self.watermark,
            merge_requests: 0,
            state,
        };
        ended(self.ctx.commit(Batch { progress: Some(progress), ..Batch::default() }).await, None)
    }

    /// What GitLab counted and we did not find. More than it counted is no trouble: work goes on during a pass.
    fn difference(&self, task: &Task) -> Option<Difference> {
        let expected = self.expected.filter(|expected| self.found < *expected)?;
        Some(Difference { project: task.project_path.clone(), expected, found: self.found })
    }
}

fn ended(stored: Result<(), Error>, difference: Option<Difference>) -> Result<Ending, Error> {
    match stored {
        Ok(()) => Ok(Ending::Ended(difference)),
        Err(Error::Store(store::Error::ClaimLost)) => Ok(Ending::Lost),
        Err(error) => Err(error),
    }
}

/// From when on a pass asks for changes: the checkpoint, or what the connection wants at most.
fn pass_begins(checkpoint: Option<Timestamp>, wanted: Option<Timestamp>) -> Option<Timestamp> {
    checkpoint.map(earlier).max(wanted)
}

fn earlier(at: Timestamp) -> Timestamp {
    at.checked_sub(OVERLAP).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_begins_a_little_before_the_checkpoint_but_not_before_what_is_wanted() {
        let at = |text: &str| text.parse::<Timestamp>().ok();

        assert_eq!(pass_begins(None, None), None);
        assert_eq!(pass_begins(at("2026-01-01T12:00:00Z"), None), at("2026-01-01T11:55:00Z"));
        assert_eq!(pass_begins(at("2026-01-01T12:00:00Z"), at("2025-01-01T00:00:00Z")), at("2026-01-01T11:55:00Z"));
        assert_eq!(pass_begins(None, at("2025-01-01T00:00:00Z")), at("2025-01-01T00:00:00Z"));
    }
}
