//! What changed in a group since the last run, all of its projects together: requests follow changes, not projects.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::json;

use crate::gitlab::Class;
use crate::gitlab::queries::merge_request::{InProject, MergeRequest};
use crate::gitlab::queries::scope::{self as answers, Owner};
use crate::store::{Batch, Kind, NewTask, Standing, Unreadable};

use super::discover::is_of_the_token;
use super::lists::Asking;
use super::pages::{Fetched, Lost, Page, Place, Reader, Whose};
use super::planner::Planner;
use super::project::earlier;
use super::rows::Rows;
use super::{Error, belongings, lists};

/// What users saw of the changes of a group. Where one of them met trouble, what another saw is not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Looked {
    Nothing,
    Everything,
    Part,
}

impl Planner<'_> {
    /// Reads what changed in the groups of the scope that were read before. Those are left out from then on that cannot be read
    /// so: their projects are read one by one.
    ///
    /// What changed since `once_more` is read again, where that is earlier.
    pub(super) async fn changes(&mut self, once_more: Option<Timestamp>) -> Result<(), Error> {
        let groups = &self.ctx.settings.scope.groups;
        let known = groups.iter().filter_map(|group| Some((group, *self.read_to.groups.get(group)?)));
        let known: BTreeMap<&String, Timestamp> = known.collect();
        for (group, since) in known {
            let mut looked = Looked::Nothing;
            for user in 0..self.ctx.views.len() {
                self.user = user;
                let begin = once_more.map_or(since, |at| at.min(since));
                looked = looked.max(match self.changes_of(group, (begin, since)).await {
                    // The others see what they see.
                    Err(Error::GitLab(error)) if is_of_the_token(&error) && self.ctx.views.len() > 1 => Looked::Nothing,
                    other => other?,
                });
            }
            if looked != Looked::Everything {
                tracing::info!(group, "what changed in a group cannot be read at once, reading project by project");
                self.read_to.groups.remove(group);
            }
        }
        Ok(())
    }

    /// Reads what changed in a group as one user sees it, from `begin` on; what was there before `since` is no news.
    async fn changes_of(&mut self, group: &str, (begin, since): (Timestamp, Timestamp)) -> Result<Looked, Error> {
        let Some(path) = self.group_path(group).await? else { return Ok(Looked::Nothing) };
        let begin = Some(earlier(begin));
        let mut reader = Reader::new((self.ctx, self.view()), Whose::Group, &path, begin);
        let after = self.read_to.reached(self.run, group);
        let mut fetched = reader.fetch(Place { after, since: begin, counted: false }).await?;
        loop {
            let page = match fetched {
                Fetched::Page(page) => page,
                Fetched::Skip(_) => return Ok(Looked::Nothing),
                Fetched::Fail(_) => return Ok(Looked::Part),
            };
            if matches!(page.lost, Some(Lost { project: None, .. })) {
                return Ok(Looked::Part);
            }
            let latest = page.merge_requests.iter().map(|one| one.updated_at).max();
            // What claims to have changed in the future must not hide what changes until then.
            let latest = latest.map(|latest| latest.min(self.ctx.client.server_now()));
            let Some(next) = page.next.clone() else {
                self.store_changes(page, since).await?;
                return self.have_read(group, latest, None).await.map(|()| Looked::Everything);
            };
            reader.anchor(latest.map(earlier));
            let after = next.after.clone();
            let (following, stored) = tokio::join!(reader.fetch(next), self.store_changes(page, since));
            stored?;
            self.have_read(group, latest, after).await?;
            fetched = following?;
        }
    }

    /// All changes of a group up to `latest` are stored, and pages up to the cursor: who goes on from here begins there.
    async fn have_read(&mut self, group: &str, latest: Option<Timestamp>, cursor: Option<String>) -> Result<(), Error> {
        // With several users, each begins where the last run ended.
        if self.ctx.views.len() > self.user + 1 {
            return Ok(());
        }
        if self.ctx.views.len() == 1 {
            self.read_to.reaches(self.run, group, cursor.as_deref());
        }
        if let (Some(known), Some(latest)) = (self.read_to.groups.get_mut(group), latest) {
            *known = latest.max(*known);
        }
        self.save_read_to().await
    }

    /// Stores a page of changes, and meets the projects that are new or have moved.
    async fn store_changes(&mut self, page: Page, since: Timestamp) -> Result<(), Error> {
        let Page { merge_requests, as_of, lost, .. } = page;
        let mut projects: HashMap<i64, (String, Vec<MergeRequest>)> = HashMap::new();
        for merge_request in merge_requests {
            if let Some(InProject { id, full_path }) = merge_request.project.clone() {
                projects.entry(id).or_insert_with(|| (full_path, Vec::new())).1.push(merge_request);
            }
        }
        let mut rows = Rows::default();
        for (project, (path, mut merge_requests)) in projects {
            if !self.follows(project, &path).await? {
                continue;
            }
            let asking = Asking { ctx: self.ctx, client: self.view(), path: &path };
            lists::complete(asking, &mut merge_requests).await?;
            lists::add_closed_at(self.ctx, project, &mut merge_requests).await?;
            let changed = merge_requests.iter().filter(|one| one.updated_at > since).count();
            *self.changed.entry(project).or_default() += i64::try_from(changed).unwrap_or(i64::MAX);
            for merge_request in merge_requests {
                rows.merge_request(project, merge_request, self.ctx.parts);
            }
        }
        let unreadable =
            lost.and_then(|Lost { iid, project, reason }| Some(Unreadable { project_id: project?, iid: iid?, reason }));
        let stored = rows.batch.merge_requests.len() as u64;
        let batch = Batch { as_of: Some(as_of), unreadable: unreadable.into_iter().collect(), ..rows.into_batch() };
        self.ctx.commit(batch).await?;
        self.ctx.progress.stored(stored);
        self.claim().await.map(drop)
    }

    /// Whether a project is followed under this path. One that is new, or was elsewhere, is looked at first.
    async fn follows(&mut self, project: i64, path: &str) -> Result<bool, Error> {
        if self.filter.excludes(path) {
            return Ok(false);
        }
        if self.known.get(&project).is_some_and(|known| known.followed && !known.unreadable && known.path == path) {
            return Ok(true);
        }
        let document = answers::one_project(self.ctx.dialect, Owner::Project, self.parts());
        let asked = belongings::ask((self.ctx, self.view()), &document, &json!({ "path": path })).await;
        let answer: answers::ProjectAnswer = match asked {
            Err(Error::GitLab(error)) if error.class() != Class::Fatal => {
                tracing::warn!(project = path, %error, "GitLab cannot tell a project, it is read by itself later");
                let trouble = Unreadable { project_id: project, iid: 0, reason: error.to_string() };
                self.ctx.commit(Batch { unreadable: vec![trouble], ..Batch::default() }).await?;
                return Ok(false);
            }
            other => other?,
        };
        let Some(found) = answer.project.filter(|found| found.id == project) else { return Ok(false) };
        let archived = found.archived == Some(true);
        self.projects(Owner::Project, vec![found]).await?;
        let Some((verdict, _)) = self.walked.projects.get(&project) else { return Ok(false) };
        if !verdict.follows() {
            return Ok(false);
        }
        let standing = Standing { archived, ..Standing::followed(Kind::Project, project) };
        self.ctx.commit(Batch { standings: vec![standing], ..Batch::default() }).await?;
        Ok(true)
    }

    /// Tells of which projects how many changes are stored.
    pub(super) async fn commit_changed(&mut self) -> Result<(), Error> {
        let changed = std::mem::take(&mut self.changed).into_iter().filter(|(_, changed)| *changed > 0);
        let done = changed.map(|(project_id, changed)| NewTask {
            project_id,
            expected: 0,
            tokens: Vec::new(),
            read: Some(changed),
        });
        self.commit(Rows::default(), done.collect()).await
    }
}
