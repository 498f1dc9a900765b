//! Labels, merge requests, pipelines, deployments.

use std::borrow::Cow;

use crate::world::{
    Commit, Deployment, Environment, Label, MergeRequest, MergeRequestState, Owner, Pipeline, Project, World,
};

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
        self.archive.forget_label(id);
        self.labels.remove(&id)
    }

    /// A merge request by its global id.
    #[must_use]
    pub fn merge_request(&self, id: i64) -> Option<&MergeRequest> {
        self.merge_requests.get(&id).or_else(|| self.archive.merge_request(id))
    }

    /// A merge request by project and number.
    #[must_use]
    pub fn merge_request_by_iid(&self, project: i64, iid: i64) -> Option<&MergeRequest> {
        let held = self.index(project)?.by_iid.get(&iid).copied();
        self.merge_request(held.or_else(|| self.archive.id(project, iid))?)
    }

    /// The merge request that owns a note.
    #[must_use]
    pub fn merge_request_of_note(&self, note: i64) -> Option<&MergeRequest> {
        let owner = self.merge_request_of_note.get(&note).copied().or_else(|| self.archive.owner_of_note(note))?;
        self.merge_request(owner).filter(|owner| owner.notes.iter().any(|known| known.id == note))
    }

    /// How many merge requests there are.
    #[must_use]
    pub fn merge_request_count(&self) -> usize {
        self.merge_requests.len() + self.archive.count()
    }

    /// All merge requests, by project and number. Lists of large companies go by [`World::places`] instead: what this
    /// iterator hands out stays in memory until the World is written to.
    pub fn merge_requests(&self) -> impl DoubleEndedIterator<Item = &MergeRequest> {
        self.projects.keys().flat_map(|project| self.merge_requests_of(*project))
    }

    /// A project's merge requests, by number.
    pub fn merge_requests_of(&self, project: i64) -> impl DoubleEndedIterator<Item = &MergeRequest> {
        let taken = self.archive.numbers_taken(project);
        let archived = (1..=taken).filter_map(move |iid| self.merge_request_by_iid(project, iid));
        let index = self.index(project).into_iter();
        let ids = index.flat_map(move |index| index.by_iid.range(taken + 1..).map(|(_, id)| *id));
        archived.chain(ids.filter_map(|id| self.merge_requests.get(&id)))
    }

    /// The number of a project's next merge request.
    pub(in crate::world) fn next_iid(&self, project: i64) -> i64 {
        let held = self.index(project).and_then(|index| index.by_iid.keys().next_back().copied());
        held.unwrap_or_default().max(self.archive.numbers_taken(project)) + 1
    }

    /// The commits of a project's default branch, newest first.
    pub fn commits_of<'w>(&'w self, project: &'w Project) -> impl Iterator<Item = &'w Commit> {
        let archived = (0..self.archive.commit_count(project.id)).rev();
        project.commits.iter().chain(archived.filter_map(|number| self.archive.commit(project.id, number)))
    }

    /// A project's open merge requests, by number.
    pub fn open_merge_requests_of(&self, project: i64) -> impl Iterator<Item = &MergeRequest> {
        let archived = self.archive.open(project).filter_map(|id| self.merge_request(id));
        let held = self.held_of(project).into_iter().filter_map(|id| self.merge_requests.get(&id));
        archived.chain(held.filter(|held| held.state == MergeRequestState::Opened))
    }

    /// Whether so much was made for readers that it should be forgotten.
    pub(crate) fn crowded(&self) -> bool {
        self.archive.full()
    }

    /// Forgets what was made for readers; whoever looks again makes it again.
    pub(crate) fn tidy(&mut self) {
        self.archive.forget();
    }

    /// Puts a merge request in, with its notes.
    pub fn insert_merge_request(&mut self, merge_request: MergeRequest) {
        self.archive.replace(merge_request.id);
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
        self.hold(id)?;
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
        self.hold(id)?;
        let merge_request = self.merge_requests.remove(&id)?;
        let index = self.project_index.entry(merge_request.project).or_default();
        index.by_iid.remove(&merge_request.iid);
        index.by_updated.remove(&(merge_request.updated_at, id));
        for note in &merge_request.notes {
            self.merge_request_of_note.remove(&note.id);
        }
        Some(merge_request)
    }

    /// Ids of the merge requests that are records.
    pub(in crate::world) fn held(&self) -> Vec<i64> {
        self.merge_requests.keys().copied().collect()
    }

    /// Ids of a project's merge requests that are records.
    pub(in crate::world) fn held_of(&self, project: i64) -> Vec<i64> {
        self.index(project).into_iter().flat_map(|index| index.by_iid.values().copied()).collect()
    }

    /// Makes a record of a merge request that so far is nothing but history.
    fn hold(&mut self, id: i64) -> Option<()> {
        if !self.merge_requests.contains_key(&id) {
            let made = self.archive.merge_request(id)?.clone();
            self.insert_merge_request(made);
        }
        Some(())
    }

    /// A pipeline.
    #[must_use]
    pub fn pipeline(&self, id: i64) -> Option<&Pipeline> {
        self.pipelines.get(&id).or_else(|| self.archive.pipeline(id))
    }

    /// A pipeline, to be looked at once: it is made, and not kept.
    #[must_use]
    pub fn glance_pipeline(&self, id: i64) -> Option<Cow<'_, Pipeline>> {
        match self.pipelines.get(&id) {
            Some(held) => Some(Cow::Borrowed(held)),
            None => self.archive.glance_pipeline(id).map(Cow::Owned),
        }
    }

    /// A project's pipelines, oldest first.
    pub fn pipelines_of(&self, project: i64) -> impl DoubleEndedIterator<Item = &Pipeline> {
        self.pipeline_ids(project).filter_map(|id| self.pipeline(id))
    }

    /// The courses of a project's pipelines, oldest first, to be looked at once: with their jobs, but those of history without
    /// what they ran on.
    pub fn courses_of(&self, project: i64) -> impl DoubleEndedIterator<Item = Cow<'_, Pipeline>> {
        self.pipeline_ids(project).filter_map(|id| match self.pipelines.get(&id) {
            Some(held) => Some(Cow::Borrowed(held)),
            None => self.archive.course(id).map(Cow::Owned),
        })
    }

    /// Ids of a project's pipelines, oldest first. None of them is made.
    pub fn pipeline_ids(&self, project: i64) -> impl DoubleEndedIterator<Item = i64> {
        let archived = (1..=self.archive.pipeline_count(project))
            .filter_map(move |number| self.archive.pipeline_id(project, number));
        let there = archived.filter(|id| !self.archive.ran(*id) || self.pipelines.contains_key(id));
        there.chain(self.held_pipelines_of(project).map(|held| held.id))
    }

    /// A project's pipelines that were never history, oldest first.
    pub(in crate::world) fn held_pipelines_of(&self, project: i64) -> impl DoubleEndedIterator<Item = &Pipeline> {
        let ids = self.index(project).into_iter().flat_map(|index| index.pipelines.iter());
        ids.filter(|id| !self.archive.ran(**id)).filter_map(|id| self.pipelines.get(id))
    }

    /// Whether another pipeline started this one. It is not made.
    #[must_use]
    pub fn is_child_pipeline(&self, id: i64) -> bool {
        match self.pipelines.get(&id) {
            Some(held) => held.source == "parent_pipeline",
            None => self.archive.is_child_pipeline(id),
        }
    }

    /// The number of a project's next pipeline.
    pub(in crate::world) fn next_pipeline_iid(&self, project: i64) -> i64 {
        let ids = self.index(project).into_iter().flat_map(|index| index.pipelines.iter());
        let held = ids.filter_map(|id| self.pipelines.get(id)).map(|pipeline| pipeline.iid).max();
        held.unwrap_or_default().max(self.archive.pipeline_count(project)) + 1
    }

    /// The number of a project's next deployment.
    pub(in crate::world) fn next_deployment_iid(&self, project: i64) -> i64 {
        let ids = self.index(project).into_iter().flat_map(|index| index.deployments.iter());
        let held = ids.filter_map(|id| self.deployments.get(id)).map(|deployment| deployment.iid).max();
        held.unwrap_or_default().max(self.archive.deployment_count(project)) + 1
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
        self.deployments.get(&id).or_else(|| self.archive.deployment(id))
    }

    /// A project's deployments, oldest first.
    pub fn deployments_of(&self, project: i64) -> impl DoubleEndedIterator<Item = &Deployment> {
        self.deployment_ids(project).filter_map(|id| self.deployment(id))
    }

    /// Ids of a project's deployments, oldest first. None of them is made.
    pub fn deployment_ids(&self, project: i64) -> impl DoubleEndedIterator<Item = i64> {
        let archived = (1..=self.archive.deployment_count(project))
            .filter_map(move |number| self.archive.deployment_id(project, number));
        let archived = archived.filter(|id| !self.archive.ran(*id) || self.deployments.contains_key(id));
        let ids = self.index(project).into_iter().flat_map(|index| index.deployments.iter().copied());
        archived.chain(ids.filter(|id| !self.archive.ran(*id) && self.deployments.contains_key(id)))
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
