//! Deployments or pipelines of a project, which are read after its merge requests, from their checkpoint to now.
//!
//! A list that GitLab does not give is a state of its project, and one that it cannot give costs only itself.

use jiff::Timestamp;

use crate::store::{Batch, List, ListStanding, ListState, Task, TaskState};

use super::context::Context;
use super::later::{Outcome, Work};
use super::project::Ending;
use super::{Error, deployments, pipelines};

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
