//! What a page of merge requests lacks: the rest of long lists, and what old servers tell only by REST.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use crate::gitlab::queries::merge_request::{MergeRequest, PageAnswer, Place, RestAnswer};
use crate::gitlab::queries::merge_requests::{self, List};
use crate::gitlab::{Class, Client};

use super::Error;
use super::context::Context;

/// Who asks for what is in a project, and by which path.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) ctx: &'a Context,
    /// The tokens that see the project.
    pub(super) client: &'a Client,
    pub(super) path: &'a str,
}

/// Merge requests whose long lists are read with one request: their lists are a hundred entries long.
const AT_ONCE: usize = 25;

/// Requests for the rest of lists in flight for one page.
const IN_FLIGHT: usize = 4;

/// Reads all lists inside merge requests to their ends.
///
/// Those with long lists are read again with a hundred entries of each list, many merge requests with one request; only
/// what is longer still is followed one by one. A list that GitLab cannot read in time stays as it is, and is not called
/// whole.
pub(super) async fn complete(asking: Asking<'_>, page: &mut [MergeRequest]) -> Result<(), Error> {
    let cut: Vec<i64> = page.iter().filter(|one| one.is_cut()).map(|one| one.iid).collect();
    let mut requests = Vec::new();
    for iids in cut.chunks(AT_ONCE) {
        requests.push(by_iids_if_possible(asking, iids));
    }
    let requests = stream::iter(requests).buffer_unordered(IN_FLIGHT);
    let answers: Vec<Vec<MergeRequest>> = requests.try_collect().await?;
    for longer in answers.into_iter().flatten() {
        if let Some(place) = page.iter_mut().find(|one| one.id == longer.id) {
            *place = longer;
        }
    }
    follow_all(asking, page).await
}

/// Follows what is longer than a hundred entries, one merge request by one.
pub(super) async fn follow_all(asking: Asking<'_>, page: &mut [MergeRequest]) -> Result<(), Error> {
    let mut requests = Vec::new();
    for one in page {
        if !one.open_ends(asking.ctx.parts).is_empty() {
            requests.push(follow(asking, one));
        }
    }
    stream::iter(requests).buffer_unordered(IN_FLIGHT).try_collect().await
}

/// A project with some merge requests by their iids, and lists of a hundred entries in them. What is gone is missing.
pub(super) async fn by_iids(asking: Asking<'_>, iids: &[i64]) -> Result<Option<Place<MergeRequest>>, Error> {
    let Asking { ctx, client, path } = asking;
    let iids: Vec<String> = iids.iter().map(i64::to_string).collect();
    let variables = json!({ "path": path, "iids": iids });
    let answer = ctx.or_stop(client.graphql::<PageAnswer<MergeRequest>>(&ctx.by_iids.text, &variables)).await?;
    Ok(answer.complete()?.place)
}

/// As [`by_iids`]; where that is too much for the server it brings nothing, and they are followed one by one.
async fn by_iids_if_possible(asking: Asking<'_>, iids: &[i64]) -> Result<Vec<MergeRequest>, Error> {
    let project = match by_iids(asking, iids).await {
        Err(Error::GitLab(error)) if is_of_the_lists(asking.ctx, error.class()) || error.is_transient() => None,
        other => other?,
    };
    let list = project.and_then(|project| project.merge_requests).unwrap_or_default();
    Ok(list.nodes.into_iter().flatten().collect())
}

/// Reads the lists of one merge request to their ends.
async fn follow(asking: Asking<'_>, one: &mut MergeRequest) -> Result<(), Error> {
    let Asking { ctx, client, path } = asking;
    loop {
        let open = one.open_ends(ctx.parts);
        if open.is_empty() {
            return Ok(());
        }
        let lists: Vec<List> = open.iter().map(|(list, _)| *list).collect();
        let document = merge_requests::rest_of(ctx.dialect, &lists);
        let mut variables = json!({ "path": path, "iid": one.iid.to_string() });
        for (list, cursor) in &open {
            variables[list.name()] = json!(cursor);
        }
        let ask = || async { client.graphql::<RestAnswer>(&document, &variables).await?.complete() };
        let more = match ctx.persist(ask).await {
            Ok(answer) => answer.project.and_then(|project| project.merge_request),
            Err(Error::GitLab(error)) if is_of_the_lists(ctx, error.class()) => {
                tracing::warn!(project = path, iid = one.iid, %error, "the lists of a merge request stay cut");
                None
            }
            Err(error) => return Err(error),
        };
        let Some(more) = more else { return Ok(()) };
        one.extend(more);
        if one.open_ends(ctx.parts) == open {
            // The server gives the same page again and again.
            return Ok(());
        }
    }
}

/// Servers before 18.0 tell by REST only when a merge request was closed.
pub(super) async fn add_closed_at(ctx: &Context, project_id: i64, page: &mut [MergeRequest]) -> Result<(), Error> {
    if ctx.dialect.since(18, 0) {
        return Ok(());
    }
    let closed: Vec<i64> = page.iter().filter(|one| one.state == "closed").map(|one| one.iid).collect();
    if closed.is_empty() {
        return Ok(());
    }
    let found = match ctx.persist(|| ctx.client.merge_requests_by_iid(project_id, &closed)).await {
        Ok(found) => found,
        // Anything else may pass, and to go on without an answer would store "unknown" over what is known.
        Err(Error::GitLab(error)) if error.class() == Class::Hidden => return Ok(()),
        Err(error) => return Err(error),
    };
    for one in page {
        if let Some(told) = found.iter().find(|told| told.id == one.id) {
            one.closed_at = told.closed_at;
        }
    }
    Ok(())
}

/// Whether the trouble is that of the lists asked for: the merge requests themselves are there, and others are read.
fn is_of_the_lists(ctx: &Context, class: Class) -> bool {
    match class {
        Class::TooBig | Class::Refused | Class::Outdated => true,
        Class::Slow | Class::Failed | Class::Unwell => ctx.answered_within(ctx.patience()),
        Class::Hidden | Class::Fatal => false,
    }
}
