//! The branches of a project, and what a branch, tag or name of a commit stands for.

use super::archive::Named;
use super::branch::Branch;
use super::commit::{Commit, Sha};
use super::pipeline::Pipeline;
use super::project::Project;
use super::{MergeRequest, World};

impl World {
    /// The branches of a project by name: the default one, those of open merge requests, and the others.
    #[must_use]
    pub fn branches_of(&self, project: &Project) -> Vec<Branch> {
        let head = self.commits_of(project).next();
        let default = project.default_branch.iter().map(|name| Branch {
            name: name.clone(),
            sha: head.map(|commit| commit.sha).unwrap_or_default(),
            protected: true,
            committed_at: head.map_or(project.created_at, |commit| commit.committed_at),
        });
        let open = self.open_merge_requests_of(project.id).filter(|found| found.source_project == Some(project.id));
        let sources = open.filter_map(|found| {
            let name = found.source_branch.clone();
            let committed_at = found.commits.first().map_or(found.created_at, |commit| commit.committed_at);
            Some(Branch { name, sha: found.sha?, protected: false, committed_at })
        });
        let mut branches: Vec<Branch> = project.branches.iter().cloned().chain(default).chain(sources).collect();
        // A branch that is named twice is the project's own.
        branches.sort_by(|left, right| left.name.cmp(&right.name));
        branches.dedup_by(|later, first| later.name == first.name);
        branches
    }

    /// What a branch, a tag or the beginning of a commit's name stands for.
    #[must_use]
    pub fn resolve_ref(&self, project: &Project, name: &str) -> Option<Sha> {
        let name = name.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
        if let Some(tag) = project.tags.iter().find(|tag| tag.name == name) {
            return Some(tag.sha);
        }
        if let Some(branch) = self.branches_of(project).into_iter().find(|branch| branch.name == name) {
            return Some(branch.sha);
        }
        if name.len() < 7 {
            return None;
        }
        let named = |commit: &&Commit| commit.sha.to_string().starts_with(name);
        let held = self.held_commits(project).find(named).map(|commit| commit.sha);
        held.or_else(|| self.archive.commit_beginning_with(project.id, name))
    }

    /// A commit of the default branch or of a merge request.
    #[must_use]
    pub fn commit_of<'w>(&'w self, project: &'w Project, sha: Sha) -> Option<&'w Commit> {
        let archived = || match self.archive.named(project.id, sha)? {
            Named::OnDefaultBranch(commit) => Some(commit),
            Named::Of(id) => self.merge_request(id)?.commits.iter().find(|commit| commit.sha == sha),
        };
        self.held_commits(project).find(|commit| commit.sha == sha).or_else(archived)
    }

    /// The merge request whose branch a pipeline ran on, for pipelines of merge requests.
    #[must_use]
    pub fn merge_request_of_pipeline(&self, pipeline: &Pipeline) -> Option<&MergeRequest> {
        if pipeline.source != "merge_request_event" {
            return None;
        }
        let numbered = pipeline.ref_name.strip_prefix("refs/merge-requests/").and_then(|rest| rest.split('/').next());
        let iid = numbered.and_then(|iid| iid.parse().ok());
        if let Some(iid) = iid {
            return self.merge_request_by_iid(pipeline.project, iid);
        }
        let held = self.held_of(pipeline.project).into_iter().rev().filter_map(|id| self.merge_request(id));
        let found = held.into_iter().find(|found| found.source_branch == pipeline.ref_name);
        found.or_else(|| match self.archive.named(pipeline.project, pipeline.sha)? {
            Named::Of(id) => self.merge_request(id),
            Named::OnDefaultBranch(_) => None,
        })
    }

    /// What a commit's history holds, newest first: its merge request's older commits, then the default branch from there on.
    pub fn history<'w>(&'w self, project: &'w Project, head: Sha) -> impl Iterator<Item = &'w Commit> {
        let branch = self.branch_behind(project, head);
        let oldest = branch.last();
        let parent = oldest.and_then(|oldest| oldest.parents.first());
        let starts = move |commit: &Commit| match (oldest, parent) {
            (None, _) => commit.sha == head,
            (Some(_), Some(parent)) => commit.sha == *parent,
            (Some(oldest), None) => commit.committed_at <= oldest.committed_at,
        };
        branch.iter().chain(self.commits_of(project).skip_while(move |commit| !starts(commit)))
    }

    /// The merge requests that brought a commit: with it among their own, or as what merging made.
    #[must_use]
    pub fn merge_requests_bringing(&self, project: &Project, commit: &Commit) -> Vec<&MergeRequest> {
        let sha = commit.sha;
        let held = self.held_of(project.id).into_iter().filter_map(|id| self.merge_request(id));
        let brings = |found: &&MergeRequest| {
            let made = [found.merge_commit_sha, found.squash_commit_sha];
            made.contains(&Some(sha)) || found.commits.iter().any(|own| own.sha == sha)
        };
        let archived = |sha: Sha| match self.archive.named(project.id, sha)? {
            Named::Of(id) => self.merge_request(id),
            Named::OnDefaultBranch(_) => None,
        };
        // Merging made a commit whose second parent is the head of the branch.
        let of_history = archived(sha).or_else(|| archived(*commit.parents.get(1)?));
        let mut found: Vec<&MergeRequest> = held.filter(brings).chain(of_history).collect();
        found.sort_by_key(|found| found.id);
        found.dedup_by_key(|found| found.id);
        found
    }

    /// The commits of a merge request from one of them on, newest first; none for those of the default branch.
    fn branch_behind(&self, project: &Project, head: Sha) -> &[Commit] {
        let place = |found: &MergeRequest| found.commits.iter().position(|commit| commit.sha == head);
        let mut held = self.held_of(project.id).into_iter().filter_map(|id| self.merge_request(id));
        let known = held.find(|found| place(found).is_some());
        let archived = || match self.archive.named(project.id, head)? {
            Named::Of(id) => self.merge_request(id),
            Named::OnDefaultBranch(_) => None,
        };
        known.or_else(archived).and_then(|found| Some(&found.commits[place(found)?..])).unwrap_or_default()
    }

    /// The pipelines of a merge request's branch, oldest first.
    pub fn pipelines_of_merge_request<'w>(
        &'w self,
        subject: &'w MergeRequest,
    ) -> impl DoubleEndedIterator<Item = &'w Pipeline> {
        let reference = format!("refs/merge-requests/{}/head", subject.iid);
        let archived = self.archive.pipelines_of_merge_request(subject.id).into_iter();
        let archived = archived.filter_map(|id| self.pipeline(id));
        let held = self.held_pipelines_of(subject.project);
        archived.chain(held.filter(move |one| one.ref_name == subject.source_branch || one.ref_name == reference))
    }

    /// The latest pipeline of a merge request's branch.
    #[must_use]
    pub fn head_pipeline(&self, subject: &MergeRequest) -> Option<i64> {
        subject.head_pipeline.or_else(|| self.archive.pipelines_of_merge_request(subject.id).pop())
    }

    fn held_commits<'w>(&'w self, project: &'w Project) -> impl Iterator<Item = &'w Commit> {
        let held = self.held_of(project.id).into_iter().filter_map(|id| self.merge_request(id));
        let of_merge_requests = held.flat_map(|found| found.commits.iter());
        project.commits.iter().chain(of_merge_requests)
    }
}
