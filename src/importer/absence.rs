//! What a full pass has not met: gone, hidden, or there all the same. Silence is no proof, so GitLab is asked.
//!
//! GitLab gives an empty list of merge requests to whoever may not see them, and no error. By REST it refuses instead: an
//! answer there says that the very token that got it may read the project's merge requests. What is missing from it, asked for
//! by its number, is not there. One exception is left: merge requests of a banned author are hidden from everybody.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::gitlab::{Class, MergeRequestFilter};
use crate::store::{Absent, Batch, Task};

use super::Error;
use super::context::Context;

/// Marks what is gone or hidden of a project. False where no token may read its merge requests: then nothing is known.
pub(super) async fn settle(ctx: &Context, task: &Task) -> Result<bool, Error> {
    let (store, source) = (&ctx.store, ctx.settings.source);
    let mut authors = HashMap::new();
    let mut after = i64::MIN;
    loop {
        let unmet = || store.unmet(source, (task.id, task.project_id), ctx.settings.since, after);
        let unmet = ctx.patiently(unmet).await?;
        let Some(last) = unmet.last() else { return Ok(true) };
        after = last.id;

        let as_of = Timestamp::now();
        let Some(Proof { deleted, hidden }) = prove(ctx, task.project_id, unmet, &mut authors).await? else {
            return Ok(false);
        };
        tracing::info!(
            project = task.project_path,
            deleted = deleted.len(),
            hidden = hidden.len(),
            "merge requests are not there any more"
        );
        let ids = |some: Vec<Absent>| some.into_iter().map(|one| one.id).collect();
        ctx.commit(Batch { as_of: Some(as_of), deleted: ids(deleted), hidden: ids(hidden), ..Batch::default() })
            .await?;
    }
}

/// Merge requests that are not shown, by why.
#[derive(Default)]
pub(super) struct Proof {
    /// They are gone.
    pub(super) deleted: Vec<Absent>,
    /// Their author is banned, which hides them from everybody.
    pub(super) hidden: Vec<Absent>,
}

/// Tells of some merge requests of a project which are gone and which are hidden; those that are there are left out. Nothing
/// where no token may read its merge requests. `authors` remembers which are seen.
pub(super) async fn prove(
    ctx: &Context,
    project: i64,
    asked: Vec<Absent>,
    authors: &mut HashMap<i64, bool>,
) -> Result<Option<Proof>, Error> {
    let Some(absent) = absent(ctx, project, asked).await? else { return Ok(None) };
    let mut proof = Proof::default();
    for one in absent {
        let seen = match one.author_id {
            None => true,
            Some(author) => match authors.get(&author) {
                Some(seen) => *seen,
                None => *authors.entry(author).or_insert(is_seen(ctx, project, author).await?),
            },
        };
        if seen { proof.deleted.push(one) } else { proof.hidden.push(one) }
    }
    Ok(Some(proof))
}

/// Whether some token may read a project's merge requests.
pub(super) async fn is_readable(ctx: &Context, project: i64) -> Result<bool, Error> {
    Ok(first(ctx, project, MergeRequestFilter::default()).await?.is_some())
}

/// Those of some merge requests of a project that are not there. Nothing where no token may read its merge requests.
async fn absent(ctx: &Context, project: i64, asked: Vec<Absent>) -> Result<Option<Vec<Absent>>, Error> {
    let iids: Vec<i64> = asked.iter().map(|one| one.iid).collect();
    let found = match ctx.persist(|| ctx.client.merge_requests_by_iid(project, &iids)).await {
        Ok(found) => found,
        Err(Error::GitLab(error)) if error.class() == Class::Hidden => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_there = |one: &Absent| found.iter().any(|found| found.id == one.id);
    Ok(Some(asked.into_iter().filter(|one| !is_there(one)).collect()))
}

/// Whether what a person wrote is seen, so that something of theirs that is missing is gone.
async fn is_seen(ctx: &Context, project: i64, author: i64) -> Result<bool, Error> {
    match ctx.persist(|| ctx.client.user(author)).await {
        Ok(user) if user.state.as_deref() == Some("banned") => return Ok(false),
        Ok(_) => return Ok(true),
        // Blocked people are hidden as well, but not what they did.
        Err(Error::GitLab(error)) if error.class() == Class::Hidden => {}
        Err(error) => return Err(error),
    }
    let of_author = MergeRequestFilter { author_id: Some(author), ..MergeRequestFilter::default() };
    Ok(first(ctx, project, of_author).await?.is_some_and(|some| some))
}

/// Whether a project has merge requests of a kind. Nothing where no token may read them.
async fn first(ctx: &Context, project: i64, filter: MergeRequestFilter) -> Result<Option<bool>, Error> {
    let filter = MergeRequestFilter { per_page: Some(1), ..filter };
    let first = || async { ctx.client.merge_requests(project, &filter).next().await.transpose() };
    match ctx.persist(first).await {
        Ok(first) => Ok(Some(first.is_some_and(|page| !page.is_empty()))),
        Err(Error::GitLab(error)) if error.class() == Class::Hidden => Ok(None),
        Err(error) => Err(error),
    }
}
