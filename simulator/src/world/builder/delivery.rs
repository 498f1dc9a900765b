//! Pipelines, environments and deployments of a project, in one expression.

use super::ProjectBuilder;
use crate::world::{Deployment, Pipeline};

impl ProjectBuilder {
    /// A pipeline of the default branch that ended like this, `success` for instance.
    #[must_use]
    pub fn pipeline(mut self, status: &'static str, change: impl FnOnce(&mut Pipeline)) -> Self {
        let branch = self.default_branch();
        if let Some(id) = self.world.start_pipeline(self.id, &branch, "ann", "push") {
            self.world.finish_pipeline(id, status);
            self.world.edit_pipeline(id, change);
        }
        self
    }

    /// An environment; its tier is taken from its name.
    #[must_use]
    pub fn environment(mut self, name: &str) -> Self {
        self.world.environment_named(self.id, name);
        self
    }

    /// A successful deployment of the default branch.
    #[must_use]
    pub fn deployment(mut self, environment: &str, change: impl FnOnce(&mut Deployment)) -> Self {
        let branch = self.default_branch();
        if let Some(id) = self.world.deploy(self.id, environment, &branch, "ann") {
            self.world.edit_deployment(id, change);
        }
        self
    }

    fn default_branch(&self) -> String {
        self.world.project(self.id).and_then(|project| project.default_branch.clone()).unwrap_or_default()
    }
}
