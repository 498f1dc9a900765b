//! Which merge requests the deployments of a project brought, those of the newest first.
//!
//! GitLab finds that out by itself, in the background, once a deployment has succeeded, and it links a merge request once for each
//! environment. So each deployment is asked about once, and again only while an empty answer may come too early.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::gitlab::queries::carried::{self as answers, CarriedAnswer, Carrying};
use crate::gitlab::queries::counts::global_id;
use crate::store::rows::Carried;
use crate::store::{Batch, Untold};

use super::Error;
use super::adapt::PageSize;
use super::later::{Asked, Outcome, Work, ask};

/// Deployments to ask about at once.
const AT_ONCE: u32 = 20;

/// How long after its end a deployment that brought nothing is asked about again.
const SETTLING: SignedDuration = SignedDuration::from_hours(1);

/// What a cursor of this part of a pass begins with.
const PREFIX: &str = "carried ";

/// Where a pass is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Below which id of a deployment.
    below: i64,
    /// The deployment that is read page by page, and its next page.
    within: Option<(i64, String)>,
}

impl Default for Place {
    fn default() -> Place {
        Place { below: i64::MAX, within: None }
    }
}

impl Place {
    /// The place that a cursor names, if it is one of this part.
    pub(super) fn of(cursor: Option<&str>) -> Option<Place> {
        cursor?.strip_prefix(PREFIX).map(|text| serde_json::from_str(text).unwrap_or_default())
    }

    pub(super) fn cursor(&self) -> Option<String> {
        serde_json::to_string(self).ok().map(|text| format!("{PREFIX}{text}"))
    }
}

/// How a pass ended.
enum Ended {
    Through,
    /// These tokens see no merge requests: that a list is empty says nothing.
    Hidden,
    Lost,
}

/// What was told of some deployments.
#[derive(Default)]
struct Told {
    carried: Vec<Carried>,
    /// Those that are still to be read page by page.
    open: Vec<Untold>,
}

struct Pass<'a> {
    work: Work<'a>,
    watermark: Option<Timestamp>,
    place: Place,
    size: PageSize,
    /// What GitLab could not deliver.
    failed: Option<String>,
}

/// Reads on from a place, with the tokens of each user in turn until one sees merge requests. Where none does, it stays unknown
/// what deployments brought.
pub(super) async fn read(work: Work<'_>, place: Place, watermark: Option<Timestamp>) -> Result<Outcome, Error> {
    for client in &work.ctx.views {
        let work = Work { client, ..work };
        let mut pass = Pass { work, watermark, place: place.clone(), size: PageSize::new(AT_ONCE), failed: None };
        match pass.run().await? {
            Ended::Through => {
                let failed = pass.failed.map(Outcome::Failed);
                return Ok(failed.unwrap_or_else(|| Outcome::Read { watermark, last: Box::default() }));
            }
            Ended::Hidden => {}
            Ended::Lost => return Ok(Outcome::Lost),
        }
    }
    Ok(Outcome::Read { watermark, last: Box::default() })
}

impl Pass<'_> {
    async fn run(&mut self) -> Result<Ended, Error> {
        let Work { ctx, client, task, .. } = self.work;
        let by_graphql = answers::is_known(ctx.dialect);
        if !by_graphql {
            let untold = self.untold(1).await?;
            if untold.is_empty() {
                return Ok(Ended::Through);
            }
            // A list that these tokens do not see is as empty as one of nothing.
            let reference = task.project_id.to_string();
            match ask(ctx, || client.project(&reference)).await? {
                Asked::Told(project) if project.merge_requests_enabled == Some(true) => {}
                _ => return Ok(Ended::Hidden),
            }
        }
        loop {
            let most = match by_graphql {
                true => self.size.under(answers::at_once(ctx.complexity_limit()).min(AT_ONCE)),
                false => AT_ONCE,
            };
            let untold = self.untold(most).await?;
            let Some(lowest) = untold.last().map(|one| one.id) else { return Ok(Ended::Through) };
            let told = match by_graphql {
                true => match self.ask(&untold).await? {
                    Asked::Told(Some(told)) => told,
                    Asked::Told(None) | Asked::Hidden(_) => return Ok(Ended::Hidden),
                    Asked::Failed(_) if self.size.shrink(most) => continue,
                    Asked::Failed(reason) => {
                        self.failed = Some(reason);
                        Told::default()
                    }
                },
                false => Told { open: untold, ..Told::default() },
            };
            if !told.carried.is_empty() && !self.store(told.carried).await? {
                return Ok(Ended::Lost);
            }
            for one in told.open {
                if !self.page_by_page(one).await? {
                    return Ok(Ended::Lost);
                }
            }
            self.place = Place { below: lowest, within: None };
        }
    }

    async fn untold(&self, most: u32) -> Result<Vec<Untold>, Error> {
        let Work { ctx, task, .. } = self.work;
        let (source, project, below) = (ctx.settings.source, task.project_id, self.place.below);
        ctx.patiently(|| ctx.store.untold_deployments(source, project, below, most.into())).await
    }

    /// Asks about some deployments at once; nothing where these tokens see no merge requests.
    async fn ask(&mut self, untold: &[Untold]) -> Result<Asked<Option<Told>>, Error> {
        let Work { ctx, client, task, .. } = self.work;
        let ids: Vec<i64> = untold.iter().map(|one| one.id).collect();
        let (document, variables) = (answers::document(&ids), json!({ "ids": [global_id(task.project_id)] }));
        let request = || async { client.graphql::<CarriedAnswer>(&document, &variables).await?.complete() };
        let answer = match ask(ctx, request).await? {
            Asked::Told(answer) => answer,
            Asked::Hidden(reason) => return Ok(Asked::Hidden(reason)),
            Asked::Failed(reason) => return Ok(Asked::Failed(reason)),
        };
        self.size.grow(AT_ONCE);
        let is_seen =
            |project: &Carrying| project.id == task.project_id && project.merge_requests_enabled == Some(true);
        let project = answer.projects.into_iter().flat_map(|list| list.nodes).flatten().find(is_seen);
        let told = project.map(|mut project| {
            let mut told = Told::default();
            for one in untold {
                match project.brought_by(one.id) {
                    Some(list) if !list.is_cut() && list.nodes.iter().all(Option::is_some) => {
                        let merge_requests = list.iter().map(|known| known.id).collect();
                        told.carried.push(self.carried(*one, merge_requests));
                    }
                    _ => told.open.push(*one),
                }
            }
            told
        });
        Ok(Asked::Told(told))
    }

    /// What a deployment brought, told to the end. Where that is nothing, GitLab may be about to find out.
    fn carried(&self, one: Untold, merge_requests: Vec<i64>) -> Carried {
        let young = self.work.client.server_now().checked_sub(SETTLING).unwrap_or(Timestamp::MIN);
        let told = !merge_requests.is_empty() || one.ended.is_none_or(|ended| ended <= young);
        Carried { deployment_id: one.id, merge_requests, told }
    }

    /// Reads what one deployment brought. False where another worker has the task now.
    async fn page_by_page(&mut self, one: Untold) -> Result<bool, Error> {
        let Work { ctx, client, task, .. } = self.work;
        let mut page = self.place.within.take().filter(|(id, _)| *id == one.id).map(|(_, page)| page);
        loop {
            let list = || client.brought(task.project_id, one.id).at(page.as_deref());
            let told = match ask(ctx, || list().page()).await? {
                Asked::Told(told) => told,
                // It was deleted meanwhile, or these tokens do not see it: it stays unknown.
                Asked::Hidden(_) => return Ok(true),
                Asked::Failed(reason) => {
                    self.failed = Some(reason);
                    return Ok(true);
                }
            };
            let is_first = page.is_none();
            let merge_requests: Vec<i64> = told.items.iter().map(|found| found.id).collect();
            page = told.next;
            let carried = match &page {
                Some(_) => Carried { deployment_id: one.id, merge_requests, told: false },
                None if is_first => self.carried(one, merge_requests),
                None => Carried { deployment_id: one.id, merge_requests, told: true },
            };
            self.place.within = page.clone().map(|page| (one.id, page));
            if !self.store(vec![carried]).await? {
                return Ok(false);
            }
            if page.is_none() {
                return Ok(true);
            }
        }
    }

    async fn store(&self, carried: Vec<Carried>) -> Result<bool, Error> {
        let batch = Batch { carried, ..Batch::default() };
        self.work.store(batch, self.place.cursor(), self.watermark).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_from_its_cursor() {
        for place in [Place::default(), Place { below: 7, within: Some((5, "page=2&per_page=100".to_owned())) }] {
            assert_eq!(Place::of(place.cursor().as_deref()), Some(place));
        }
        assert_eq!(Place::of(Some("7 page=2&per_page=100")), None);
        assert_eq!(Place::of(None), None);
    }
}
