//! What lists that are read after merge requests have in common: asking, checkpoints, and things asked for by themselves.

use jiff::Timestamp;

use crate::gitlab::{self, Class, Client};
use crate::store::{self, Batch, Progress, Task, TaskState};

use super::Error;
use super::context::Context;
use super::cure::{Cure, Troubles};

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

/// Up to when a pass over a list stores what changed: when it began, by GitLab's clock, whoever goes on with it. What the rows tell
/// would not do: pages come by age, and an old row that changed while they were read is later than what was missed on the first.
pub(super) fn begun(client: &Client, task: &Task) -> Option<Timestamp> {
    match task.cursor {
        Some(_) => task.watermark,
        None => Some(client.server_now()),
    }
}

/// A task's way of pages into the store.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) ctx: &'a Context,
    /// The tokens to ask with.
    pub(super) client: &'a Client,
    pub(super) run: i64,
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

    /// The same, with what becomes of the task.
    pub(super) async fn commit(
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
        let found = || async {
            match one(*id).await {
                Err(gitlab::Error::NotFound { .. }) => Ok(None),
                other => other.map(Some),
            }
        };
        match ask(ctx, found).await? {
            Asked::Told(Some(there)) => asides.there.push(there),
            Asked::Told(None) => asides.gone.push(*id),
            // Refused is not gone. It stays what it was until the next full pass.
            Asked::Hidden(_) | Asked::Failed(_) => {}
        }
    }
    if !asides.gone.is_empty() && !matches!(ask(ctx, is_readable).await?, Asked::Told(())) {
        asides.gone.clear();
    }
    Ok(asides)
}
