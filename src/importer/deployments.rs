//! Environments and deployments of a project: all of them, the newest first, or those that changed.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::gitlab::{Page, model};
use crate::store::Batch;

use super::Error;
use super::carried;
use super::later::{Asides, Asked, Outcome, Work, asides, ask, begun, told};
use super::project::earlier;
use super::rows::Rows;

/// Reads a project's environments and deployments, and what these brought.
pub(super) async fn read(work: Work<'_>) -> Result<Outcome, Error> {
    if let Some(place) = carried::Place::of(work.task.cursor.as_deref()) {
        return carried::read(work, place, work.task.watermark).await;
    }
    if work.task.cursor.is_none() {
        match environments(work).await? {
            Outcome::Read { .. } => {}
            other => return Ok(other),
        }
    }
    let (watermark, last) = match deployments(work).await? {
        Outcome::Read { watermark, last } => (watermark, last),
        other => return Ok(other),
    };
    let place = carried::Place::default();
    match work.store(*last, place.cursor(), watermark).await? {
        true => carried::read(work, place, watermark).await,
        false => Ok(Outcome::Lost),
    }
}

/// There is no telling which environments changed: the list is read whole.
async fn environments(work: Work<'_>) -> Result<Outcome, Error> {
    let Work { ctx, client, task, .. } = work;
    let project = task.project_id;
    let stored = ctx.patiently(|| ctx.store.stored_environments(ctx.settings.source, project)).await?;
    let mut listed = HashSet::new();
    let mut place: Option<String> = None;
    loop {
        let as_of = Timestamp::now();
        let page = ask(ctx, || client.environments(project).at(place.as_deref()).page()).await?;
        let Page { items, next } = told!(page);
        listed.extend(items.iter().map(|one| one.id));
        let mut rows = Rows::default();
        items.into_iter().for_each(|one| rows.environment(project, one));
        if !work.store(Batch { as_of: Some(as_of), ..rows.into_batch() }, None, None).await? {
            return Ok(Outcome::Lost);
        }
        place = next;
        if place.is_none() {
            break;
        }
    }
    let absent: Vec<i64> = stored.into_iter().filter(|id| !listed.contains(id)).collect();
    let as_of = Timestamp::now();
    let one = |id| client.environment(project, id);
    let is_readable = || async { client.environments(project).page().await.map(drop) };
    let Asides { gone, there } = asides(ctx, &absent, one, is_readable).await?;
    let mut rows = Rows::default();
    there.into_iter().for_each(|one| rows.environment(project, one));
    let batch = Batch { as_of: Some(as_of), gone_environments: gone, ..rows.into_batch() };
    let last = Box::default();
    Ok(if work.store(batch, None, None).await? { Outcome::Read { watermark: None, last } } else { Outcome::Lost })
}

/// Where a pass over all deployments is: below which id it goes on, and with which page.
struct Place {
    below: i64,
    page: Option<String>,
}

impl Place {
    fn of(cursor: Option<&str>) -> Place {
        match cursor.and_then(|cursor| cursor.split_once(' ')) {
            Some((below, page)) => Place { below: below.parse().unwrap_or(i64::MAX), page: Some(page.to_owned()) },
            None => Place { below: i64::MAX, page: None },
        }
    }

    fn cursor(&self) -> Option<String> {
        self.page.as_ref().map(|page| format!("{} {page}", self.below))
    }
}

async fn deployments(work: Work<'_>) -> Result<Outcome, Error> {
    let Work { ctx, client, task, .. } = work;
    let changed_since = task.since.map(earlier);
    let mut place = Place::of(task.cursor.as_deref());
    let watermark = begun(client, task);
    loop {
        let as_of = Timestamp::now();
        let page =
            ask(ctx, || client.deployments(task.project_id, changed_since).at(place.page.as_deref()).page()).await?;
        let Page { items, next } = told!(page);
        let is_too_old = |one: &model::Deployment| ctx.settings.since.is_some_and(|since| one.created_at < since);
        // Ids grow with the time of creation, changes do not.
        let ends = changed_since.is_none() && !items.is_empty() && items.iter().all(is_too_old);
        let lowest = items.iter().map(|one| one.id).min();
        let from = if next.is_none() { i64::MIN } else { lowest.unwrap_or(place.below) };
        let Asides { gone, there } = match changed_since {
            None => lacking(work, &items, (from, place.below)).await?,
            Some(_) => Asides::default(),
        };
        let mut rows = Rows::default();
        for one in items.into_iter().chain(there).filter(|one| !is_too_old(one)) {
            rows.deployment(task.project_id, one);
        }
        place = Place { below: from, page: next.filter(|_| !ends) };
        let batch = Batch { as_of: Some(as_of), gone_deployments: gone, ..rows.into_batch() };
        if place.page.is_none() {
            return Ok(Outcome::Read { watermark, last: Box::new(batch) });
        }
        if !work.store(batch, place.cursor(), watermark).await? {
            return Ok(Outcome::Lost);
        }
    }
}

/// Deployments that are stored with ids of a page's range, and are not on it.
async fn lacking(
    work: Work<'_>,
    page: &[model::Deployment],
    range: (i64, i64),
) -> Result<Asides<model::Deployment>, Error> {
    let Work { ctx, client, task, .. } = work;
    let project = task.project_id;
    let stored = ctx.patiently(|| ctx.store.stored_deployments(ctx.settings.source, project, range)).await?;
    let listed: HashSet<i64> = page.iter().map(|one| one.id).collect();
    let absent: Vec<i64> = stored.into_iter().filter(|id| !listed.contains(id)).collect();
    let one = |id| client.deployment(project, id);
    let is_readable = || async { client.deployments(project, None).page().await.map(drop) };
    asides(ctx, &absent, one, is_readable).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_from_its_cursor() {
        let place = Place { below: 7, page: Some("page=2&per_page=100".to_owned()) };

        let again = Place::of(place.cursor().as_deref());

        assert_eq!((again.below, again.page), (place.below, place.page));
    }
}
