//! Pipelines of a project and their jobs, the newest first: all of them, or those that changed.
//!
//! GraphQL brings pages of pipelines with their jobs. REST goes beside where only it tells something: why jobs failed, and on
//! servers before 17.2 what started a pipeline.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::gitlab::model::{FailedJob, Sourced};
use crate::gitlab::queries::Connection;
use crate::gitlab::queries::pipelines::{self as answers, Found, JobsAnswer, PAGE, PageAnswer, Pipeline};
use crate::store::Batch;

use super::Error;
use super::adapt::PageSize;
use super::beside::Beside;
use super::later::{Asides, Asked, Outcome, Work, asides, ask, begun, told};
use super::project::earlier;
use super::rows::Rows;

const OFF: &str = "pipelines are switched off or hidden from the tokens";

/// What starts a pipeline that is in the second list.
const PARENT: &str = "parent_pipeline";

/// Where a pass is, in both lists and in those beside.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    own: Cursor,
    children: Cursor,
    sources: Option<String>,
    failed: Option<String>,
}

/// Where a list goes on.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    after: Option<String>,
    /// Below which id.
    below: i64,
    ended: bool,
}

impl Default for Cursor {
    fn default() -> Cursor {
        Cursor { after: None, below: i64::MAX, ended: false }
    }
}

/// What a pass knows while it goes on.
struct Pass<'a> {
    work: Work<'a>,
    path: String,
    size: PageSize,
    changed_since: Option<Timestamp>,
    watermark: Option<Timestamp>,
    sources: Beside<Sourced>,
    failed: Beside<FailedJob>,
    place: Place,
}

/// Reads a project's pipelines.
pub(super) async fn read(work: Work<'_>) -> Result<Outcome, Error> {
    let task = work.task;
    let mut place: Place = task.cursor.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut pass = Pass {
        work,
        path: task.project_path.clone(),
        size: PageSize::new(PAGE),
        changed_since: task.since.map(earlier),
        watermark: begun(work.client, task),
        sources: Beside::at(place.sources.take()),
        failed: Beside::at(place.failed.take()),
        place,
    };
    loop {
        let as_of = Timestamp::now();
        let Found { own, children, .. } = told!(pass.page().await?);
        let (with_own, with_children) = (!pass.place.own.ended, !pass.place.children.ended);
        if with_own && own.is_none() {
            return Ok(Outcome::Hidden(OFF.to_owned()));
        }
        let mut batch = Batch { as_of: Some(as_of), ..Batch::default() };
        let mut rows = Rows::default();
        for (list, is_asked, children) in [(own, with_own, false), (children, with_children, true)] {
            if is_asked {
                batch.gone_pipelines.extend(pass.take(list.unwrap_or_default(), children, &mut rows).await?);
            }
        }
        let Batch { pipelines, jobs, users, .. } = rows.into_batch();
        let batch = Batch { pipelines, jobs, users, ..batch };
        if pass.place.own.ended && pass.place.children.ended {
            return Ok(Outcome::Read { watermark: pass.watermark, last: Box::new(batch) });
        }
        if !work.store(batch, pass.cursor(), pass.watermark).await? {
            return Ok(Outcome::Lost);
        }
    }
}

impl Pass<'_> {
    fn cursor(&mut self) -> Option<String> {
        (self.place.sources, self.place.failed) = (self.sources.place(), self.failed.place());
        serde_json::to_string(&self.place).ok()
    }

    /// A page of both lists, smaller and smaller where that is too much, and under the path that the project has now.
    async fn page(&mut self) -> Result<Asked<Found>, Error> {
        let Work { ctx, client, task, .. } = self.work;
        let document = answers::page(ctx.dialect);
        let reference = task.project_id.to_string();
        let mut moved = false;
        loop {
            let first = self.size.under(document.largest_page(ctx.complexity_limit()).min(PAGE));
            let variables = json!({
                "path": self.path, "first": first, "since": self.changed_since,
                "after": self.place.own.after, "withOwn": !self.place.own.ended,
                "afterChild": self.place.children.after, "withChildren": !self.place.children.ended,
            });
            let request = || async { client.graphql::<PageAnswer>(&document.text, &variables).await?.complete() };
            match ask(ctx, request).await? {
                Asked::Told(PageAnswer { project: Some(found) }) if found.id == task.project_id => {
                    self.size.grow(PAGE);
                    return Ok(Asked::Told(found));
                }
                Asked::Told(_) if moved => return Ok(Asked::Hidden(OFF.to_owned())),
                Asked::Told(_) => match ask(ctx, || client.project(&reference)).await? {
                    Asked::Told(project) => (self.path, moved) = (project.path_with_namespace, true),
                    Asked::Hidden(reason) => return Ok(Asked::Hidden(reason)),
                    Asked::Failed(reason) => return Ok(Asked::Failed(reason)),
                },
                Asked::Hidden(reason) => return Ok(Asked::Hidden(reason)),
                Asked::Failed(_) if self.size.shrink(first) => {}
                Asked::Failed(reason) => return Ok(Asked::Failed(reason)),
            }
        }
    }

    /// Takes a page of a list, and answers which pipelines that are stored are gone.
    async fn take(&mut self, list: Connection<Pipeline>, children: bool, rows: &mut Rows) -> Result<Vec<i64>, Error> {
        let Work { ctx, task, .. } = self.work;
        let after = list.next().map(str::to_owned);
        let mut page: Vec<Pipeline> = list.nodes.into_iter().flatten().collect();
        let is_too_old = |one: &Pipeline| ctx.settings.since.is_some_and(|since| one.created_at < since);
        // Ids grow with the time of creation, changes do not.
        let ends = self.changed_since.is_none() && !page.is_empty() && page.iter().all(is_too_old);
        let below = if children { self.place.children.below } else { self.place.own.below };
        let lowest = page.iter().map(|one| one.id).min();
        let from = if after.is_none() { i64::MIN } else { lowest.unwrap_or(below) };
        let gone = match self.changed_since {
            None => self.gone(&page, children, (from, below)).await?,
            Some(_) => Vec::new(),
        };
        page.retain(|one| !is_too_old(one));
        for one in &mut page {
            self.complete(one).await?;
        }
        self.add_sources(&mut page, children).await?;
        self.add_reasons(&page).await?;
        for one in page {
            rows.pipeline(task.project_id, one, |job| self.failed.take(job));
        }
        let cursor = Cursor { ended: after.is_none() || ends, after, below: from };
        match children {
            true => self.place.children = cursor,
            false => self.place.own = cursor,
        }
        Ok(gone)
    }

    /// Pipelines that are stored with ids of a page's range, and are not there.
    async fn gone(&self, page: &[Pipeline], children: bool, range: (i64, i64)) -> Result<Vec<i64>, Error> {
        let Work { ctx, client, task, .. } = self.work;
        let (project, source) = (task.project_id, ctx.settings.source);
        let stored = ctx.patiently(|| ctx.store.stored_pipelines(source, project, children, range)).await?;
        let listed: HashSet<i64> = page.iter().map(|one| one.id).collect();
        let absent: Vec<i64> = stored.into_iter().filter(|id| !listed.contains(id)).collect();
        let one = |id| client.pipeline(project, id);
        let is_readable = || async { client.pipelines(project, None).page().await.map(drop) };
        let Asides { gone, .. } = asides(ctx, &absent, one, is_readable).await?;
        Ok(gone)
    }

    /// Reads the jobs of a pipeline to their end. What GitLab does not deliver stays cut, and is not called whole.
    async fn complete(&self, one: &mut Pipeline) -> Result<(), Error> {
        let Work { ctx, client, .. } = self.work;
        let document = answers::more_jobs(ctx.dialect);
        let id = answers::global_id(one.id);
        let Some(jobs) = &mut one.jobs else { return Ok(()) };
        while let Some(after) = jobs.next().map(str::to_owned) {
            let variables = json!({ "path": self.path, "id": id, "after": after });
            let request = || async { client.graphql::<JobsAnswer>(&document, &variables).await?.complete() };
            let Asked::Told(JobsAnswer { project: Some(project) }) = ask(ctx, request).await? else { break };
            let Some(more) = project.pipeline.and_then(|pipeline| pipeline.jobs) else { break };
            jobs.extend(more);
            if jobs.next() == Some(after.as_str()) {
                // The server gives the same page again and again.
                break;
            }
        }
        Ok(())
    }

    /// What started pipelines, where GraphQL does not tell it.
    async fn add_sources(&mut self, page: &mut [Pipeline], children: bool) -> Result<(), Error> {
        let Work { ctx, client, task, .. } = self.work;
        if children {
            page.iter_mut().for_each(|one| one.source = Some(PARENT.to_owned()));
            return Ok(());
        }
        let lowest = page.iter().filter(|one| one.source.is_none()).map(|one| one.id).min();
        let Some(lowest) = lowest else { return Ok(()) };
        let list = || client.pipelines(task.project_id, self.changed_since);
        self.sources.reach(ctx, (lowest, false), list, |one| one.id).await?;
        for one in page {
            let known = self.sources.take(one.id).and_then(|known| known.source);
            one.source = one.source.take().or(known);
        }
        Ok(())
    }

    /// Why jobs failed.
    async fn add_reasons(&mut self, page: &[Pipeline]) -> Result<(), Error> {
        let Work { ctx, client, task, .. } = self.work;
        let jobs = page.iter().flat_map(|one| &one.jobs).flat_map(Connection::iter);
        let failed = jobs.filter(|job| job.failed() && !job.is_bridge()).filter_map(answers::Job::number);
        let Some(lowest) = failed.min() else { return Ok(()) };
        let bounded = self.changed_since.is_some();
        self.failed.reach(ctx, (lowest, bounded), || client.failed_jobs(task.project_id), |job| job.id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_from_its_cursor() {
        let own = Cursor { after: Some("eyJ9".to_owned()), below: 7, ended: false };
        let place = Place { own, sources: Some("page=2".to_owned()), ..Place::default() };

        let again: Place = serde_json::from_str(&serde_json::to_string(&place).unwrap()).unwrap();

        assert_eq!(again, place);
    }
}
