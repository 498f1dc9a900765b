//! What lists that are read after merge requests have in common: asking, checkpoints, and how they end.
//!
//! A list that GitLab does not give is a state of its project, and one that it cannot give costs only itself.

use jiff::Timestamp;

use crate::gitlab::{self, Class, Client};
use crate::store::{self, Batch, List, ListStanding, ListState, Progress, Task, TaskState};

use super::context::Context;
use super::cure::{Cure, Troubles};
use super::project::Ending;
use super::{Error, deployments, pipelines};

/// Things that are asked for by themselves beside one page. A page that lacks more is hardly telling the truth, and the rest is for
/// the next pass over everything.
const MOST_ASIDES: usize = 100;

/// What asking brought.
#[derive(Debug)]
pub(super) enum Asked<T> {
    Told(T),
    /// It is switched off, hidden, or not there.
    Hidden(String),
    /// GitLab cannot tell, though it tells other things.
    Failed(String),
}

/// How reading a list ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// With the last page, which is not stored yet, all that changed before the time is.
    Read {
        watermark: Option<Timestamp>,
        last: Box<Batch>,
    },
    /// These tokens do not see it.
    Hidden(String),
    Failed(String),
    /// Another worker has the task now.
    Lost,
}

/// Takes what was told, and ends the function with the outcome otherwise.
macro_rules! told {
    ($asked:expr) => {
        match $asked {
            Asked::Told(told) => told,
            Asked::Hidden(reason) => return Ok(Outcome::Hidden(reason)),
            Asked::Failed(reason) => return Ok(Outcome::Failed(reason)),
        }
    };
}
pub(super) use told;

/// Asks, and again where that helps. Only what everything would meet is an error.
pub(super) async fn ask<T, F>(ctx: &Context, request: impl Fn() -> F) -> Result<Asked<T>, Error>
where
    F: Future<Output = Result<T, gitlab::Error>>,
{
    let mut troubles = Troubles::new();
    loop {
        let error = match ctx.or_stop(request()).await {
            Ok(told) => {
                ctx.gitlab_answered();
                return Ok(Asked::Told(told));
            }
            Err(Error::GitLab(error)) => error,
            Err(error) => return Err(error),
        };
        if error.class() == Class::Hidden {
            return Ok(Asked::Hidden(error.to_string()));
        }
        match troubles.cure(ctx, &error).await? {
            Cure::Again => {}
            Cure::Less | Cure::GiveUp => return Ok(Asked::Failed(error.to_string())),
            Cure::TooLate if ctx.answered_within(ctx.patience()) => return Ok(Asked::Failed(error.to_string())),
            Cure::TooLate => return Err(error.into()),
        }
    }
}

/// A task's way of pages into the store.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) ctx: &'a Context,
    /// The tokens to ask with.
    pub(super) client: &'a Client,
    run: i64,
    pub(super) task: &'a Task,
}

impl Work<'_> {
    /// Stores a page and where the next one begins. False where another worker has the task now.
    pub(super) async fn store(
        &self,
        batch: Batch,
        cursor: Option<String>,
        watermark: Option<Timestamp>,
    ) -> Result<bool, Error> {
        self.commit(batch, cursor, watermark, TaskState::Open).await
    }

    async fn commit(
        &self,
        batch: Batch,
        cursor: Option<String>,
        watermark: Option<Timestamp>,
        state: TaskState,
    ) -> Result<bool, Error> {
        let Task { id, claim, .. } = *self.task;
        let progress = Progress { task: id, claim, cursor, watermark, merge_requests: 0, state };
        let batch = Batch { run_id: Some(self.run), progress: Some(progress), ..batch };
        match self.ctx.commit(batch).await {
            Err(Error::Store(store::Error::ClaimLost)) => Ok(false),
            stored => stored.map(|()| true),
        }
    }
}

/// Reads a list with the tokens of each user in turn, until one sees it, and says how it ended.
pub(super) async fn import(ctx: &Context, run: i64, task: &Task) -> Result<Ending, Error> {
    let mut outcome = Outcome::Lost;
    for client in &ctx.views {
        let work = Work { ctx, client, run, task };
        outcome = match task.list {
            List::Deployments => deployments::read(work).await?,
            List::Pipelines => pipelines::read(work).await?,
            // They have tasks of their own.
            List::MergeRequests => Outcome::Lost,
        };
        if !matches!(outcome, Outcome::Hidden(_)) {
            break;
        }
    }
    let (state, ended, watermark, last) = match outcome {
        Outcome::Lost => return Ok(Ending::Lost),
        Outcome::Read { watermark, last } => (ListState::Read, TaskState::Done, watermark, *last),
        Outcome::Hidden(reason) => {
            (ListState::Off(reason.clone()), TaskState::Skipped { reason }, None, Batch::default())
        }
        Outcome::Failed(reason) => {
            tracing::warn!(project = task.project_path, list = task.list.name(), reason, "a list cannot be read");
            (ListState::Failed(reason.clone()), TaskState::Failed { reason }, None, Batch::default())
        }
    };
    let standing = ListStanding { project_id: task.project_id, list: task.list, state, watermark };
    let as_of = last.as_of.or_else(|| Some(Timestamp::now()));
    let batch = Batch { as_of, lists: vec![standing], ..last };
    let work = Work { ctx, client: &ctx.client, run, task };
    match work.commit(batch, None, watermark, ended).await? {
        true => Ok(Ending::OfList),
        false => Ok(Ending::Lost),
    }
}

/// Things that were asked for by themselves.
#[derive(Debug)]
pub(super) struct Asides<T> {
    /// Not there, while their list could be read.
    pub(super) gone: Vec<i64>,
    /// There all the same.
    pub(super) there: Vec<T>,
}

impl<T> Default for Asides<T> {
    fn default() -> Self {
        Asides { gone: Vec::new(), there: Vec::new() }
    }
}

/// Asks for things by themselves that a list lacks: it may have moved under our feet. Not found proves something only while
/// the list itself is readable, which `is_readable` asks afterwards.
pub(super) async fn asides<T, F, G>(
    ctx: &Context,
    absent: &[i64],
    one: impl Fn(i64) -> F,
    is_readable: impl Fn() -> G,
) -> Result<Asides<T>, Error>
where
    F: Future<Output = Result<T, gitlab::Error>>,
    G: Future<Output = Result<(), gitlab::Error>>,
{
    let mut asides = Asides::default();
    for id in absent.iter().take(MOST_ASIDES) {
        match ask(ctx, || one(*id)).await? {
            Asked::Told(there) => asides.there.push(there),
            Asked::Hidden(_) => asides.gone.push(*id),
            // It stays what it was until the next full pass.
            Asked::Failed(_) => {}
        }
    }
    if !asides.gone.is_empty() && !matches!(ask(ctx, is_readable).await?, Asked::Told(())) {
        asides.gone.clear();
    }
    Ok(asides)
}
