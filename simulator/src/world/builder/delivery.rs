//! Pipelines, environments, deployments, branches, tags and releases of a project, in one expression.

use jiff::SignedDuration;

use super::ProjectBuilder;
use crate::world::{Clock, Deployment, Pipeline, Release, Sha, Tag};

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

    /// A successful deployment of the default branch, between the merge request before and the one after.
    #[must_use]
    pub fn deployment(mut self, environment: &str, change: impl FnOnce(&mut Deployment)) -> Self {
        let branch = self.default_branch();
        let last = self.world.merge_requests_of(self.id).next_back().map(|found| found.created_at);
        let at = last.and_then(|last| last.checked_add(SignedDuration::from_mins(30)).ok());
        let clock = self.world.clock;
        self.world.clock = at.map_or(clock, Clock::Fixed);
        if let Some(id) = self.world.deploy(self.id, environment, &branch, "ann") {
            self.world.edit_deployment(id, change);
        }
        self.world.clock = clock;
        self
    }

    /// A branch at the head of the default one.
    #[must_use]
    pub fn branch(mut self, name: &str) -> Self {
        if let Some(head) = self.head() {
            let user = self.world.user_named("ann");
            self.world.create_branch(self.id, name, head, user);
        }
        self
    }

    /// A tag of the head of the default branch.
    #[must_use]
    pub fn tag(mut self, name: &str) -> Self {
        if let Some(sha) = self.head() {
            let user = self.world.user_named("ann");
            let created_at = self.world.now();
            self.world.create_tag(
                self.id,
                user,
                Tag { name: name.to_owned(), sha, message: String::new(), created_at },
            );
        }
        self
    }

    /// A tag with its release.
    #[must_use]
    pub fn release(self, tag: &str, change: impl FnOnce(&mut Release)) -> Self {
        let mut tagged = self.tag(tag);
        let now = tagged.world.now();
        let author = Some(tagged.world.user_named("ann"));
        let (name, tag) = (tag.to_owned(), tag.to_owned());
        let mut release = Release { tag, name, author, created_at: now, released_at: now, ..Release::default() };
        change(&mut release);
        tagged.world.create_release(tagged.id, release);
        tagged
    }

    fn head(&self) -> Option<Sha> {
        self.world.resolve_ref(self.world.project(self.id)?, &self.default_branch())
    }

    fn default_branch(&self) -> String {
        self.world.project(self.id).and_then(|project| project.default_branch.clone()).unwrap_or_default()
    }
}
