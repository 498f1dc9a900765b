//! Asks again for what GitLab could not deliver in earlier runs. Their changes lie behind the checkpoint: no page brings them.

use crate::store::{Batch, Refresh, Task, Unreadable};

use super::context::Context;
use super::{Error, refresh};

/// Reads merge requests of a project that were unreadable; what is still so keeps its place in the list.
pub(super) async fn unreadable(ctx: &Context, task: &Task) -> Result<(), Error> {
    let (store, source) = (&ctx.store, ctx.settings.source);
    let known = ctx.patiently(|| store.unreadable(source, task.project_id)).await?;
    let one = |iid| Refresh { project_id: task.project_id, project_path: task.project_path.clone(), iid, mark: 0 };
    let due: Vec<Refresh> = known.into_iter().filter(|(iid, _)| *iid != 0).map(|(iid, _)| one(iid)).collect();
    if due.is_empty() {
        return Ok(());
    }
    let part = refresh::refresh_in_parts(ctx, &due, false).await;
    if let Some(trouble) = part.trouble {
        // The pages meet it too, if it lasts.
        tracing::info!(project = task.project_path, %trouble, "what was unreadable is tried again with the next run");
    }
    let still = part.failed.into_iter().map(|(one, error)| Unreadable {
        project_id: one.project_id,
        iid: one.iid,
        reason: error.to_string(),
    });
    let batch = Batch {
        unreadable: still.collect(),
        readable: part.read.iter().flat_map(|(some, ())| *some).map(|one| (one.project_id, one.iid)).collect(),
        ..Batch::default()
    };
    ctx.commit(batch).await
}
