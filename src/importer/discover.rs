//! Walks the scope: groups, subgroups, projects, their labels and members, and tasks for projects to be read by themselves.
//!
//! Committed page by page. To walk twice does no harm, so a planner may die anywhere.

use serde_json::json;

use crate::gitlab::graphql::{Answer, GraphqlError};
use crate::gitlab::queries::scope::{self as answers, Group, Owner, Parts, Project, TreeAnswer, next_of};
use crate::gitlab::{self, Class};
use crate::store::{NewTask, Unreadable};

use super::adapt::PageSize;
use super::belongings::Tail;
use super::cure::{Cure, Troubles};
use super::plan::Verdict;
use super::planner::Planner;
use super::project::NOT_SHOWN;
use super::rows::Rows;
use super::{Error, belongings, standing};

/// Groups and projects to ask for at once; with their labels and members that is as much as fits.
const PAGE: u32 = 50;

/// Groups and projects whose lists wait to be read on: they are held in memory.
const MOST_TAILS: usize = 200;

/// Where the planner leaves the names of what it could not find, for workers that come later.
pub(super) const MISSING: &str = "import.missing";

impl Planner<'_> {
    /// Walks the scope.
    pub(super) async fn walk(&mut self) -> Result<(), Error> {
        let ctx = self.ctx;
        let mut refused = None;
        for user in 0..ctx.views.len() {
            self.user = user;
            match self.look().await {
                Err(Error::GitLab(error)) if is_of_the_token(&error) => {
                    tracing::warn!(tokens = ?self.view().token_names(), %error, "the scope is read without these tokens");
                    refused = Some(error);
                }
                other => other?,
            }
        }
        if let Some(error) = refused.filter(|_| self.found.is_empty()) {
            return Err(error.into());
        }
        let scope = &ctx.settings.scope;
        let not_found = |reference: &&String| !self.found.contains(*reference);
        self.walked.missing = scope.groups.iter().chain(&scope.projects).filter(not_found).cloned().collect();
        let walked = &mut self.walked;
        if !walked.missing.is_empty() && walked.groups.is_empty() && walked.projects.is_empty() {
            return Err(Error::ScopeNotFound { missing: std::mem::take(&mut walked.missing) });
        }
        standing::tell(ctx, &self.walked).await?;
        if ctx.views.len() > 1 {
            let wanted = self.sights.iter().filter(|(id, ..)| self.wanted.contains(id));
            let tasks: Vec<NewTask> = wanted.map(|(id, count, users)| self.task(id, count, users)).collect();
            self.give_out(&tasks).await?;
        }
        let missing = json!(self.walked.missing).to_string();
        ctx.patiently(|| ctx.store.set_state(ctx.settings.source, MISSING, &missing)).await
    }

    /// The scope as one user sees it.
    async fn look(&mut self) -> Result<(), Error> {
        for group in &self.ctx.settings.scope.groups {
            self.one_by_one = !self.read_to.groups.contains_key(group);
            self.group(group).await?;
        }
        self.one_by_one = true;
        for project in &self.ctx.settings.scope.projects {
            self.single_project(project).await?;
        }
        Ok(())
    }

    /// One group of the scope with all that is below it.
    async fn group(&mut self, reference: &str) -> Result<(), Error> {
        let Some(path) = self.group_path(reference).await? else {
            return Ok(());
        };
        let below = self.ctx.settings.scope.include_subgroups;
        let document = answers::tree(self.ctx.dialect, self.parts(), below);
        let mut size = PageSize::new(PAGE);
        let mut troubles = Troubles::new();
        let mut after_group: Option<String> = None;
        let mut after_project: Option<String> = None;
        let (mut groups_open, mut projects_open) = (below, true);

        while groups_open || projects_open {
            let first = size.under(PAGE);
            let variables = json!({
                "path": path, "groups": first, "projects": first, "afterGroup": after_group,
                "afterProject": after_project, "withGroups": groups_open, "withProjects": projects_open,
            });
            let ask = || async {
                whole_but_for_repositories(self.view().graphql::<TreeAnswer>(&document, &variables).await?)
            };
            let answer = match self.ctx.or_stop(ask()).await {
                Ok(answer) => answer,
                Err(Error::GitLab(error)) => match troubles.cure(self.ctx, &error).await? {
                    Cure::Again => continue,
                    Cure::Less if size.shrink(first) => continue,
                    Cure::Less | Cure::GiveUp | Cure::TooLate => return Err(error.into()),
                },
                Err(error) => return Err(error),
            };
            size.grow(PAGE);
            troubles = Troubles::new();
            if let Some(limit) = answer.query_complexity.and_then(|complexity| complexity.limit) {
                self.ctx.learn_limit(limit);
            }
            let Some(answers::GroupTree { group, descendant_groups, projects }) = answer.group else {
                return Ok(());
            };
            self.found.insert(reference.to_owned());

            after_group = next_of(descendant_groups.as_ref());
            after_project = next_of(projects.as_ref());
            (groups_open, projects_open) = (after_group.is_some(), after_project.is_some());
            if !self.walked.roots.contains(&group.full_path) {
                self.walked.roots.push(group.full_path.clone());
            }
            let below = descendant_groups.unwrap_or_default().nodes.into_iter().flatten();
            let groups = below.map(|group| (Owner::Group, group)).chain([(Owner::Top, group)]).collect();
            self.groups(groups).await?;
            self.projects(Owner::Project, projects.unwrap_or_default().nodes.into_iter().flatten().collect()).await?;
            if self.tails.len() > MOST_TAILS {
                belongings::read_tails(self.ctx, std::mem::take(&mut self.tails)).await?;
            }
        }
        Ok(())
    }

    async fn groups(&mut self, groups: Vec<(Owner, Group)>) -> Result<(), Error> {
        let mut rows = Rows::default();
        for (owner, group) in groups {
            if self.walked.groups.insert(group.id, group.archived).is_some() {
                continue;
            }
            let place = (owner, group.id, group.full_path.as_str());
            self.tails.extend(Tail::of(place, self.user, group.labels.as_ref(), group.members.as_ref()));
            rows.group(group);
        }
        if rows.batch.groups.is_empty() {
            return Ok(());
        }
        self.commit(rows, Vec::new()).await
    }

    pub(super) async fn projects(&mut self, owner: Owner, projects: Vec<Project>) -> Result<(), Error> {
        let mut rows = Rows::default();
        let mut tasks = Vec::new();
        for project in projects {
            let verdict = self.filter.judge(&project);
            let count = project.merge_requests.and_then(|list| list.count).unwrap_or(0);
            let is_new = self.walked.projects.insert(project.id, (verdict, project.archived)).is_none();
            // Who sees more of a project also says more of it.
            let is_better = verdict == Verdict::Read && self.sights.saw(self.user, project.id, count);
            if !(is_new || is_better) || matches!(verdict, Verdict::Excluded | Verdict::Deleted) {
                continue;
            }
            let place = (owner, project.id, project.full_path.as_str());
            self.tails.extend(Tail::of(place, self.user, project.labels.as_ref(), project.members.as_ref()));
            if verdict == Verdict::Read && self.shows_none(project.id, count) {
                // Until it was read to its end, it is asked for by itself: meanwhile changes of its group pass it by.
                let reason = NOT_SHOWN.to_owned();
                rows.batch.unreadable.push(Unreadable { project_id: project.id, iid: 0, reason });
            }
            if verdict == Verdict::Read && self.needs_task(&project, count) {
                // With several users, nobody knows before the last has looked who is to read it.
                match self.ctx.views.len() {
                    1 => tasks.push(self.task(project.id, count, &[])),
                    _ => drop(self.wanted.insert(project.id)),
                }
            }
            rows.project(project);
        }
        self.commit(rows, tasks).await
    }

    /// One project of the scope.
    async fn single_project(&mut self, reference: &str) -> Result<(), Error> {
        let Some(path) = self.project_path(reference).await? else {
            return Ok(());
        };
        let document = answers::one_project(self.ctx.dialect, Owner::Alone, self.parts());
        let answer: answers::ProjectAnswer =
            belongings::ask((self.ctx, self.view()), &document, &json!({ "path": path })).await?;
        if let Some(limit) = answer.query_complexity.and_then(|complexity| complexity.limit) {
            self.ctx.learn_limit(limit);
        }
        match answer.project {
            Some(project) => {
                self.found.insert(reference.to_owned());
                self.singles.push(project.id);
                self.projects(Owner::Alone, vec![project]).await
            }
            None => Ok(()),
        }
    }

    pub(super) async fn group_path(&self, reference: &str) -> Result<Option<String>, Error> {
        if reference.parse::<i64>().is_err() {
            return Ok(Some(reference.to_owned()));
        }
        match self.ctx.persist(|| self.view().group(reference)).await {
            Ok(group) => Ok(Some(group.full_path)),
            Err(error) => nothing_or(error),
        }
    }

    async fn project_path(&self, reference: &str) -> Result<Option<String>, Error> {
        if reference.parse::<i64>().is_err() {
            return Ok(Some(reference.to_owned()));
        }
        match self.ctx.persist(|| self.view().project(reference)).await {
            Ok(project) => Ok(Some(project.path_with_namespace)),
            Err(error) => nothing_or(error),
        }
    }

    pub(super) fn parts(&self) -> Parts {
        let resources = self.ctx.settings.resources;
        Parts { labels: resources.labels, members: resources.members }
    }
}

/// Whether another user may have more success.
pub(super) fn is_of_the_token(error: &gitlab::Error) -> bool {
    use gitlab::Error::{Forbidden, InsufficientScope, Unauthorized, WrongKind};
    matches!(error, Unauthorized { .. } | InsufficientScope { .. } | WrongKind { .. } | Forbidden { .. })
}

/// Nothing where these tokens see no such thing.
fn nothing_or(error: Error) -> Result<Option<String>, Error> {
    match error {
        Error::GitLab(error) if error.class() == Class::Hidden => Ok(None),
        error => Err(error),
    }
}

/// The answer, if nothing is missing from it but repositories: one that is broken must not keep all others from being read,
/// and what is unknown of it keeps what is known.
fn whole_but_for_repositories(answer: Answer<TreeAnswer>) -> Result<TreeAnswer, gitlab::Error> {
    let of_repository = |error: &GraphqlError| {
        error.path.as_deref().is_some_and(|path| path.split('.').any(|part| part == "repository"))
    };
    match answer {
        Answer { data: Some(data), errors } if errors.iter().all(of_repository) => {
            if let Some(error) = errors.first() {
                tracing::warn!(path = error.path, error = error.message, "GitLab cannot read a repository");
            }
            Ok(data)
        }
        answer => answer.complete(),
    }
}
