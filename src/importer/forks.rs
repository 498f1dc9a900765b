//! Which projects are forks of which. GraphQL does not tell it, and it hardly ever changes: so REST is asked about projects that
//! came since it was last asked to the end, in lists that begin with the newest. A full pass asks about all.
//!
//! That a project is a fork no more is not noticed.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::gitlab::model;
use crate::store::{Batch, rows};

use super::Error;
use super::planner::Planner;

/// Key under which it is kept up to which project (its id) all were asked about.
const ASKED_TO: &str = "import.forks";

impl Planner<'_> {
    /// Remembers which of the projects that were met are forks. What GitLab does not tell is asked again by the next walk.
    pub(super) async fn forks(&mut self) -> Result<(), Error> {
        let (ctx, source) = (self.ctx, self.ctx.settings.source);
        let asked_to = ctx.patiently(|| ctx.store.state(source, ASKED_TO)).await?;
        let asked_to: i64 = asked_to.and_then(|id| id.parse().ok()).unwrap_or(0);
        let followed = self.walked.projects.iter().filter(|(_, (verdict, _))| verdict.follows()).map(|(id, _)| *id);
        let followed: HashSet<i64> = followed.collect();
        let mut wanted: HashSet<i64> = followed.iter().copied().filter(|id| self.run.full || *id > asked_to).collect();
        let Some(newest) = wanted.iter().max().copied() else { return Ok(()) };

        let singles: Vec<i64> = self.singles.iter().copied().filter(|id| wanted.remove(id)).collect();
        let mut told = true;
        for user in 0..ctx.views.len() {
            self.user = user;
            for root in &ctx.settings.scope.groups {
                told &= self.forks_below(root, &followed, &mut wanted).await?;
            }
        }
        for id in singles {
            let reference = id.to_string();
            match ctx.persist(|| ctx.client.project(&reference)).await {
                Ok(project) => self.store_forks(&[project], &followed).await?,
                Err(error) => told &= self.is_silent(&format!("project {id}"), error)?,
            }
        }
        if told {
            let newest = newest.max(asked_to).to_string();
            ctx.patiently(|| ctx.store.set_state(source, ASKED_TO, &newest)).await?;
        }
        Ok(())
    }

    /// Reads the projects of a group until all that are wanted were met. Answers whether GitLab told them.
    async fn forks_below(&self, root: &str, followed: &HashSet<i64>, wanted: &mut HashSet<i64>) -> Result<bool, Error> {
        let mut pages = self.view().group_projects(root, self.ctx.settings.scope.include_subgroups);
        while let Some(oldest) = wanted.iter().min().copied() {
            let page = match self.ctx.or_stop(async { pages.next().await.transpose() }).await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) => return self.is_silent(&format!("group {root}"), error),
            };
            let met: HashSet<i64> = page.iter().map(|project| project.id).collect();
            wanted.retain(|id| !met.contains(id));
            self.store_forks(&page, followed).await?;
            if met.iter().any(|id| *id < oldest) {
                break;
            }
        }
        Ok(true)
    }

    /// That GitLab does not tell is no reason to read nothing else.
    fn is_silent(&self, place: &str, error: Error) -> Result<bool, Error> {
        let Error::GitLab(error) = error else { return Err(error) };
        tracing::warn!(place, %error, run = self.run.key, "GitLab does not tell which projects are forks");
        Ok(false)
    }

    async fn store_forks(&self, projects: &[model::Project], followed: &HashSet<i64>) -> Result<(), Error> {
        let fork = |project: &model::Project| {
            let of = project.forked_from_project.as_ref()?.id;
            followed.contains(&project.id).then(|| rows::Project {
                id: project.id,
                path_with_namespace: project.path_with_namespace.clone(),
                forked_from_project_id: Some(of),
                ..rows::Project::default()
            })
        };
        let projects: Vec<rows::Project> = projects.iter().filter_map(fork).collect();
        if projects.is_empty() {
            return Ok(());
        }
        self.ctx.commit(Batch { as_of: Some(Timestamp::now()), projects, ..Batch::default() }).await
    }
}
