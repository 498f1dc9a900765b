//! One project, from its checkpoint to now.

use jiff::{SignedDuration, Timestamp};

use crate::gitlab::{Class, Client};
use crate::store::{self, Batch, Progress as TaskProgress, Task, TaskState, Unreadable};

use super::context::Context;
use super::lists::Asking;
use super::pages::{Fetched, Lost, OFF, Page, Place, Reader, Whose};
use super::rows::Rows;
use super::{Difference, Error, absence, lists, retry};

/// How much earlier than the last change seen a pass begins: `merged_at` may be later than `updated_at`, and a change
/// may become visible after a later one.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// To whom may not see merge requests GitLab gives an empty list by GraphQL, and refuses by REST.
pub(super) const NOT_SHOWN: &str =
    "GitLab shows no merge requests to the tokens: they are hidden from them, or switched off";

/// How work on a task ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The project was read, skipped or given up; the store knows.
    Ended(Option<Difference>),
    /// A list that is read after merge requests came to an end; the store knows.
    OfList,
    /// Another worker has the task now.
    Lost,
}

/// Reads one project's merge requests page by page. While a page is stored, the next is on its way.
pub(super) async fn import(ctx: &Context, run: i64, task: Task) -> Result<Ending, Error> {
    let since = pass_begins(task.since, ctx.settings.since);
    let client = ctx.client_among(&task.tokens);
    let mut work = Work::new((ctx, &client), run, &task);
    if task.switched_off {
        return work.give_up(&task, TaskState::Skipped { reason: OFF.to_owned() }).await;
    }
    if task.troubled {
        retry::unreadable(ctx, &task).await?;
    }
    let anchor = task.watermark.max(since);
    let mut reader = Reader::new((ctx, &client), Whose::Project(task.project_id), &task.project_path, anchor);
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
        let begins = at.take();
        work.saw(&page, &task, begins.clone());
        let Some(next) = page.next.clone() else {
            return work.end(&task, page, begins).await;
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
    client: &'a Client,
    run: i64,
    /// What GitLab counted when the pass began.
    expected: Option<i64>,
    found: i64,
    /// The latest change seen.
    watermark: Option<Timestamp>,
    /// The first page from which something was missing that has no name.
    gap: Option<Gap>,
    /// Whether there is anything in the list of what is unreadable.
    troubled: bool,
}

/// A page from which merge requests were missing. Who goes on with the task begins there again.
struct Gap {
    cursor: Option<String>,
    watermark: Option<Timestamp>,
    reason: String,
}

impl<'a> Work<'a> {
    fn new((ctx, client): (&'a Context, &'a Client), run: i64, task: &Task) -> Work<'a> {
        let (found, watermark, troubled) = (task.merge_requests, task.watermark, task.troubled);
        Work { ctx, client, run, expected: None, found, watermark, gap: None, troubled }
    }

    /// Takes note of a page that came, and of where it began.
    fn saw(&mut self, page: &Page, task: &Task, cursor: Option<String>) {
        match &page.lost {
            // It is asked for by itself from now on.
            Some(Lost { iid: Some(_), .. }) => self.troubled = true,
            Some(Lost { iid: None, reason, .. }) if self.gap.is_none() => {
                tracing::warn!(
                    project = page.path,
                    reason,
                    "GitLab left merge requests out, the project will be read again"
                );
                self.gap = Some(Gap { cursor, watermark: self.watermark, reason: reason.clone() });
            }
            _ => {}
        }
        if let Some(count) = page.count {
            self.expected = Some(count);
            if task.since.is_some() {
                self.ctx.progress.planned(0, count.unsigned_abs());
            }
        }
        self.found += i64::try_from(page.merge_requests.len()).unwrap_or(i64::MAX);
        let latest = page.merge_requests.iter().map(|merge_request| merge_request.updated_at).max();
        // What claims to have changed in the future must not hide what changes until then.
        self.watermark = self.watermark.max(latest.map(|latest| latest.min(self.client.server_now())));
    }

    /// Ends the pass with its last page, which began at `cursor`.
    async fn end(&self, task: &Task, page: Page, cursor: Option<String>) -> Result<Ending, Error> {
        // An empty list is what GitLab also gives to whoever may not see it.
        if self.found == 0 {
            match self.own(absence::is_readable(self.ctx, task.project_id).await)? {
                Ok(true) => {}
                Ok(false) => return self.give_up(task, TaskState::Skipped { reason: NOT_SHOWN.to_owned() }).await,
                Err(reason) => return self.give_up(task, TaskState::Failed { reason }).await,
            }
        }
        if !task.full && self.gap.is_none() && !self.troubled {
            return ended(self.store(task, page, TaskState::Done).await, self.difference(task));
        }
        // Who dies from here on leaves a task that goes on behind this page, and so with what follows here.
        let after = page.end.clone().or(cursor);
        let last = Page { next: Some(Place { after, since: None, counted: false }), ..page };
        match self.store(task, last, TaskState::Open).await {
            Err(Error::Store(store::Error::ClaimLost)) => return Ok(Ending::Lost),
            other => other?,
        }
        if task.full && self.gap.is_none() {
            match self.own(absence::settle(self.ctx, task).await)? {
                Ok(true) => {}
                Ok(false) => return self.give_up(task, TaskState::Skipped { reason: NOT_SHOWN.to_owned() }).await,
                Err(reason) => return self.give_up(task, TaskState::Failed { reason }).await,
            }
        }
        let state = self.last_state(task).await?;
        ended(self.close(task, state).await, self.difference(task))
    }

    /// An answer about this project, or why GitLab gave none; only what all projects would meet ends the run.
    fn own<T>(&self, answer: Result<T, Error>) -> Result<Result<T, String>, Error> {
        match answer {
            Err(Error::GitLab(error))
                if error.class() != Class::Fatal && self.ctx.answered_within(self.ctx.patience()) =>
            {
                Ok(Err(error.to_string()))
            }
            Err(error) => Err(error),
            Ok(answer) => Ok(Ok(answer)),
        }
    }

    /// What the task is once all its pages are stored.
    async fn last_state(&self, task: &Task) -> Result<TaskState, Error> {
        if let Some(gap) = &self.gap {
            return Ok(TaskState::Failed { reason: format!("merge requests are missing: {}", gap.reason) });
        }
        if !self.troubled {
            return Ok(TaskState::Done);
        }
        let (store, source) = (&self.ctx.store, self.ctx.settings.source);
        let unreadable = self.ctx.patiently(|| store.unreadable(source, task.project_id)).await?;
        let mut unreadable = unreadable.iter().filter(|(iid, _)| *iid != 0);
        let Some((iid, reason)) = unreadable.next() else { return Ok(TaskState::Done) };
        let more = match unreadable.count() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Ok(TaskState::Incomplete { reason: format!("!{iid}{more} cannot be read: {reason}") })
    }

    /// Stores a page and the progress that it makes, in one transaction.
    async fn store(&self, task: &Task, page: Page, state: TaskState) -> Result<(), Error> {
        let Page { mut merge_requests, next, as_of, path, lost, .. } = page;
        let asking = Asking { ctx: self.ctx, client: self.client, path: &path };
        lists::complete(asking, &mut merge_requests).await?;
        lists::add_closed_at(self.ctx, task.project_id, &mut merge_requests).await?;

        let count = merge_requests.len() as u64;
        let mut rows = Rows::default();
        for merge_request in merge_requests {
            rows.merge_request(task.project_id, merge_request, self.ctx.parts);
        }
        let named =
            |Lost { iid, reason, .. }: Lost| Some(Unreadable { project_id: task.project_id, iid: iid?, reason });
        let batch = Batch {
            as_of: Some(as_of),
            run_id: Some(self.run),
            meets: task.full,
            unreadable: lost.and_then(named).into_iter().collect(),
            progress: Some(self.progress(task, next.and_then(|next| next.after), count, state)),
            ..rows.into_batch()
        };
        self.ctx.commit(batch).await?;
        self.ctx.progress.stored(count);
        Ok(())
    }

    /// How far the task got with `merge_requests` more; the gap keeps it from getting further.
    fn progress(&self, task: &Task, cursor: Option<String>, merge_requests: u64, state: TaskState) -> TaskProgress {
        let (cursor, watermark) = match &self.gap {
            None => (cursor, self.watermark),
            Some(gap) => (gap.cursor.clone(), gap.watermark),
        };
        TaskProgress {
            task: task.id,
            claim: task.claim,
            cursor,
            // Nothing new leaves the checkpoint where it is.
            watermark: watermark.max(task.since),
            merge_requests: i64::try_from(merge_requests).unwrap_or(i64::MAX),
            state,
        }
    }

    /// Ends the task without having read the project.
    async fn give_up(&self, task: &Task, state: TaskState) -> Result<Ending, Error> {
        ended(self.close(task, state).await, None)
    }

    /// Ends the task with nothing more to store.
    async fn close(&self, task: &Task, state: TaskState) -> Result<(), Error> {
        let project = |reason: &String| Unreadable { project_id: task.project_id, iid: 0, reason: reason.clone() };
        let batch = Batch {
            unreadable: match &state {
                TaskState::Failed { reason } => vec![project(reason)],
                _ => Vec::new(),
            },
            readable: match &state {
                TaskState::Done | TaskState::Incomplete { .. } if task.troubled => vec![(task.project_id, 0)],
                _ => Vec::new(),
            },
            progress: Some(self.progress(task, None, 0, state)),
            ..Batch::default()
        };
        self.ctx.commit(batch).await
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

pub(super) fn earlier(at: Timestamp) -> Timestamp {
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
