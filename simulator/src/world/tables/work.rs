//! Labels, merge requests, pipelines, deployments.

use jiff::Timestamp;

use crate::world::{Deployment, Environment, Label, MergeRequest, Owner, Pipeline, Project, World};

impl World {
    /// A label.
    #[must_use]
    pub fn label(&self, id: i64) -> Option<&Label> {
        self.labels.get(&id)
    }

    /// All labels, by id.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &Label> {
        self.labels.values()
    }

    /// Labels that a project can use: its own and those of the groups above it.
    pub fn labels_of_project(&self, project: &Project) -> impl Iterator<Item = &Label> {
        let above = self.ancestry(project.group());
        let id = project.id;
        self.labels.values().filter(move |label| match label.owner {
            Owner::Project(owner) => owner == id,
            Owner::Group(owner) => above.contains(&owner),
        })
    }

    /// Ids of a group and the groups above it, from below.
    #[must_use]
    pub fn ancestry(&self, group: Option<i64>) -> Vec<i64> {
        std::iter::successors(group, |id| self.group(*id)?.parent).collect()
    }

    /// Puts a label in.
    pub fn insert_label(&mut self, label: Label) {
        self.labels.insert(label.id, label);
    }

    pub(in crate::world) fn forget_label(&mut self, id: i64) -> Option<Label> {
        self.labels.remove(&id)
    }

    /// A merge request by its global id.
    #[must_use]
    pub fn merge_request(&self, id: i64) -> Option<&MergeRequest> {
        self.merge_requests.get(&id)
    }

    /// A merge request by project and number.
    #[must_use]
    pub fn merge_request_by_iid(&self, project: i64, iid: i64) -> Option<&MergeRequest> {
        self.merge_request(*self.index(project)?.by_iid.get(&iid)?)
    }

    /// The merge request that owns a note.
    #[must_use]
    pub fn merge_request_of_note(&self, note: i64) -> Option<&MergeRequest> {
        self.merge_request(*self.merge_request_of_note.get(&note)?)
    }

    /// All merge requests, by id.
    pub fn merge_requests(&self) -> impl DoubleEndedIterator<Item = &MergeRequest> {
        self.merge_requests.values()
    }

    /// A project's merge requests, by number.
    pub fn merge_requests_of(&self, project: i64) -> impl DoubleEndedIterator<Item = &MergeRequest> {
        let ids = self.index(project).into_iter().flat_map(|index| index.by_iid.values());
        ids.filter_map(|id| self.merge_request(*id))
    }

    /// A project's merge requests by (updated_at, id), from a place in that order on.
    pub fn merge_requests_updated_from(
        &self,
        project: i64,
        from: (Timestamp, i64),
    ) -> impl DoubleEndedIterator<Item = &MergeRequest> {
        let index = self.index(project).into_iter();
        let ids = index.flat_map(move |index| index.by_updated.range(from..));
        ids.filter_map(|(_, id)| self.merge_request(*id))
    }

    /// Puts a merge request in, with its notes.
    pub fn insert_merge_request(&mut self, merge_request: MergeRequest) {
        let index = self.project_index.entry(merge_request.project).or_default();
        index.by_iid.insert(merge_request.iid, merge_request.id);
        index.by_updated.insert((merge_request.updated_at, merge_request.id));
        for note in &merge_request.notes {
            self.merge_request_of_note.insert(note.id, merge_request.id);
        }
        self.merge_requests.insert(merge_request.id, merge_request);
    }

    /// Edits a merge request and keeps the indexes right. Nothing is touched, nothing is fired: verbs do that.
    pub fn edit_merge_request<R>(&mut self, id: i64, edit: impl FnOnce(&mut MergeRequest) -> R) -> Option<R> {
        let merge_request = self.merge_requests.get_mut(&id)?;
        let before = merge_request.updated_at;
        let result = edit(merge_request);
        let index = self.project_index.entry(merge_request.project).or_default();
        if before != merge_request.updated_at {
            index.by_updated.remove(&(before, id));
            index.by_updated.insert((merge_request.updated_at, id));
        }
        for note in &merge_request.notes {
            self.merge_request_of_note.insert(note.id, id);
        }
        Some(result)
    }

    /// Removes a merge request, silently as GitLab does.
    pub fn delete_merge_request(&mut self, id: i64) -> Option<MergeRequest> {
        let merge_request = self.merge_requests.remove(&id)?;
        let index = self.project_index.entry(merge_request.project).or_default();
        index.by_iid.remove(&merge_request.iid);
        index.by_updated.remove(&(merge_request.updated_at, id));
        for note in &merge_request.notes {
            self.merge_request_of_note.remove(&note.id);
        }
        Some(merge_request)
    }

    /// A pipeline.
    #[must_use]
    pub fn pipeline(&self, id: i64) -> Option<&Pipeline> {
        self.pipelines.get(&id)
    }

    /// A project's pipelines, oldest first.
    pub fn pipelines_of(&self, project: i64) -> impl DoubleEndedIterator<Item = &Pipeline> {
        let ids = self.index(project).into_iter().flat_map(|index| index.pipelines.iter());
        ids.filter_map(|id| self.pipeline(*id))
    }

    /// Puts a pipeline in.
    pub fn insert_pipeline(&mut self, pipeline: Pipeline) {
        self.project_index.entry(pipeline.project).or_default().pipelines.push(pipeline.id);
        self.pipelines.insert(pipeline.id, pipeline);
    }

    /// An environment.
    #[must_use]
    pub fn environment(&self, id: i64) -> Option<&Environment> {
        self.environments.get(&id)
    }

    /// All environments, by id.
    pub fn environments(&self) -> impl Iterator<Item = &Environment> {
        self.environments.values()
    }

    /// Puts an environment in.
    pub fn insert_environment(&mut self, environment: Environment) {
        self.environments.insert(environment.id, environment);
    }

    /// A deployment.
    #[must_use]
    pub fn deployment(&self, id: i64) -> Option<&Deployment> {
        self.deployments.get(&id)
    }

    /// A project's deployments, oldest first.
    pub fn deployments_of(&self, project: i64) -> impl DoubleEndedIterator<Item = &Deployment> {
        let ids = self.index(project).into_iter().flat_map(|index| index.deployments.iter());
        ids.filter_map(|id| self.deployment(*id))
    }

    /// Puts a deployment in.
    pub fn insert_deployment(&mut self, deployment: Deployment) {
        self.project_index.entry(deployment.project).or_default().deployments.push(deployment.id);
        self.deployments.insert(deployment.id, deployment);
    }

    pub(in crate::world) fn forget_note(&mut self, note: i64) {
        self.merge_request_of_note.remove(&note);
    }
}
