//! Which projects are forks of which. GraphQL does not tell it, and REST tells what holds for a project's whole life: only new
//! projects are asked for, those of a group in lists that begin with the newest. A full pass asks for all.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::gitlab::model;
use crate::store::{Batch, rows};

use super::Error;
use super::planner::Planner;

impl Planner<'_> {
    /// Remembers which of the projects that were met are forks. What GitLab does not tell stays unknown.
    pub(super) async fn forks(&mut self) -> Result<(), Error> {
        let is_wanted = |id: &&i64| self.run.full || !self.known.contains_key(id);
        let mut wanted: HashSet<i64> = self.walked.projects.keys().filter(is_wanted).copied().collect();
        let singles: Vec<i64> = self.singles.iter().copied().filter(|id| wanted.remove(id)).collect();
        for user in 0..self.ctx.views.len() {
            self.user = user;
            for root in &self.ctx.settings.scope.groups {
                self.forks_below(root, &mut wanted).await?;
            }
        }
        for id in singles {
            let answer = self.ctx.or_stop(self.ctx.client.project(&id.to_string())).await;
            if let Some(project) = told(&format!("project {id}"), answer)? {
                self.store_forks(&[project]).await?;
            }
        }
        Ok(())
    }

    /// Reads the projects of a group until all that are wanted were met.
    async fn forks_below(&self, root: &str, wanted: &mut HashSet<i64>) -> Result<(), Error> {
        let mut pages = self.view().group_projects(root, self.ctx.settings.scope.include_subgroups);
        while let Some(oldest) = wanted.iter().min().copied() {
            let answer = self.ctx.or_stop(async { pages.next().await.transpose() }).await;
            let Some(page) = told(&format!("group {root}"), answer)?.flatten() else { break };
            let met: HashSet<i64> = page.iter().map(|project| project.id).collect();
            wanted.retain(|id| !met.contains(id));
            self.store_forks(&page).await?;
            if met.iter().any(|id| *id < oldest) {
                break;
            }
        }
        Ok(())
    }

    async fn store_forks(&self, projects: &[model::Project]) -> Result<(), Error> {
        let fork = |project: &model::Project| {
            let of = project.forked_from_project.as_ref()?.id;
            self.walked.projects.contains_key(&project.id).then(|| rows::Project {
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

/// What GitLab tells. That it does not is no reason to read nothing else.
fn told<T>(place: &str, answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(Error::GitLab(error)) => {
            tracing::warn!(place, %error, "GitLab does not tell which projects are forks");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
