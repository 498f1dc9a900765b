//! Changing and removing pipelines, environments, deployments, issues and milestones.

use crate::world::{Deployment, Environment, Issue, Job, Milestone, Pipeline, World};

impl World {
    /// Edits a pipeline with its jobs. Nothing is fired: verbs do that.
    pub fn edit_pipeline<R>(&mut self, id: i64, edit: impl FnOnce(&mut Pipeline) -> R) -> Option<R> {
        if let Some(made) = self.archive.pipeline(id).cloned() {
            self.archive.replace_ci(id);
            self.insert_pipeline(made);
        }
        self.pipelines.get_mut(&id).map(edit)
    }

    /// Removes a pipeline with its jobs.
    pub fn delete_pipeline(&mut self, id: i64) -> Option<Pipeline> {
        self.edit_pipeline(id, |_| ())?;
        let pipeline = self.pipelines.remove(&id)?;
        let index = self.project_index.entry(pipeline.project).or_default();
        index.pipelines.retain(|known| *known != id);
        Some(pipeline)
    }

    /// A job of a project with its pipeline.
    #[must_use]
    pub fn job(&self, project: i64, id: i64) -> Option<(&Pipeline, &Job)> {
        let archived = self.archive.pipeline_of_job(id);
        let ids = self.index(project).into_iter().flat_map(|index| index.pipelines.iter().rev().copied());
        let pipelines = archived.into_iter().chain(ids).filter_map(|id| self.pipeline(id));
        let mut own = pipelines.filter(|pipeline| pipeline.project == project);
        own.find_map(|pipeline| Some((pipeline, pipeline.jobs.iter().find(|job| job.id == id)?)))
    }

    /// The environments of a project, by id.
    pub fn environments_of(&self, project: i64) -> impl Iterator<Item = &Environment> {
        self.environments().filter(move |environment| environment.project == project)
    }

    /// Edits an environment.
    pub fn edit_environment<R>(&mut self, id: i64, edit: impl FnOnce(&mut Environment) -> R) -> Option<R> {
        self.environments.get_mut(&id).map(edit)
    }

    /// Removes an environment with its deployments.
    pub fn delete_environment(&mut self, id: i64) -> Option<Environment> {
        let environment = self.environments.remove(&id)?;
        let deployments = self.deployments_of(environment.project).filter(|deployment| deployment.environment == id);
        for deployment in deployments.map(|deployment| deployment.id).collect::<Vec<_>>() {
            self.delete_deployment(deployment);
        }
        Some(environment)
    }

    /// Edits a deployment. Nothing is fired: verbs do that.
    pub fn edit_deployment<R>(&mut self, id: i64, edit: impl FnOnce(&mut Deployment) -> R) -> Option<R> {
        if let Some(made) = self.archive.deployment(id).cloned() {
            self.archive.replace_ci(id);
            self.insert_deployment(made);
        }
        self.deployments.get_mut(&id).map(edit)
    }

    /// Removes a deployment.
    pub fn delete_deployment(&mut self, id: i64) -> Option<Deployment> {
        self.edit_deployment(id, |_| ())?;
        let deployment = self.deployments.remove(&id)?;
        let index = self.project_index.entry(deployment.project).or_default();
        index.deployments.retain(|known| *known != id);
        Some(deployment)
    }

    /// Removes an issue.
    pub fn delete_issue(&mut self, id: i64) -> Option<Issue> {
        let issue = self.issues.remove(&id)?;
        self.project_index.entry(issue.project).or_default().issues.remove(&issue.iid);
        Some(issue)
    }

    /// Removes a milestone.
    pub fn delete_milestone(&mut self, id: i64) -> Option<Milestone> {
        self.milestones.remove(&id)
    }
}
