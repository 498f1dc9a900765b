//! What happens to branches, tags and releases.

use crate::world::outbox::Event;
use crate::world::{Branch, Job, Pipeline, Push, Release, Sha, Tag, World};

const PUSH: Event = Event::of_projects("push_events", "push_hooks", "Push Hook");
const TAG_PUSH: Event = Event::of_projects("tag_push_events", "tag_push_hooks", "Tag Push Hook");
const RELEASE: Event = Event::of_projects("releases_events", "release_hooks", "Release Hook");

impl World {
    /// Makes a branch.
    pub fn create_branch(&mut self, project: i64, name: &str, sha: Sha, user: i64) -> Option<()> {
        let committed_at = self.commit_of(self.project(project)?, sha).map(|commit| commit.committed_at);
        let committed_at = committed_at.unwrap_or_else(|| self.now());
        let branch = Branch { name: name.to_owned(), sha, protected: false, committed_at };
        self.project_mut(project)?.branches.push(branch);
        self.pushed(&Push { project, user, name: name.to_owned(), tag: false, before: Sha::default(), after: sha });
        Some(())
    }

    /// Removes a branch. A merge request that came from it stays, without a head.
    pub fn delete_branch(&mut self, project: i64, name: &str, user: i64) -> Option<()> {
        let before = self.resolve_ref(self.project(project)?, name)?;
        self.project_mut(project)?.branches.retain(|branch| branch.name != name);
        let from = |found: &&crate::world::MergeRequest| {
            found.source_branch == name && found.source_project == Some(project) && found.merged_at.is_none()
        };
        for id in self.merge_requests_of(project).filter(from).map(|found| found.id).collect::<Vec<_>>() {
            self.edit_merge_request(id, |found| found.sha = None);
        }
        self.pushed(&Push { project, user, name: name.to_owned(), tag: false, before, after: Sha::default() });
        Some(())
    }

    /// Makes a tag.
    pub fn create_tag(&mut self, project: i64, user: i64, tag: Tag) -> Option<()> {
        let (name, after) = (tag.name.clone(), tag.sha);
        self.project_mut(project)?.tags.push(tag);
        self.pushed(&Push { project, user, name, tag: true, before: Sha::default(), after });
        Some(())
    }

    /// Removes a tag with its release.
    pub fn delete_tag(&mut self, project: i64, name: &str, user: i64) -> Option<()> {
        self.delete_release(project, name);
        let tags = &mut self.project_mut(project)?.tags;
        let before = tags.iter().find(|tag| tag.name == name)?.sha;
        tags.retain(|tag| tag.name != name);
        self.pushed(&Push { project, user, name: name.to_owned(), tag: true, before, after: Sha::default() });
        Some(())
    }

    /// Makes a release of a tag; its id is given here.
    pub fn create_release(&mut self, project: i64, release: Release) -> Option<()> {
        let id = self.next_id("release");
        let tag = release.tag.clone();
        self.project_mut(project)?.releases.push(Release { id, ..release });
        self.emit_release(project, &tag, "create")
    }

    /// Changes a release.
    pub fn edit_release(&mut self, project: i64, tag: &str, edit: impl FnOnce(&mut Release)) -> Option<()> {
        edit(self.project_mut(project)?.releases.iter_mut().find(|release| release.tag == tag)?);
        self.emit_release(project, tag, "update")
    }

    /// Removes a release; its tag stays.
    pub fn delete_release(&mut self, project: i64, tag: &str) -> Option<()> {
        self.emit_release(project, tag, "delete")?;
        self.project_mut(project)?.releases.retain(|release| release.tag != tag);
        Some(())
    }

    /// Another system reports how far it is with a commit: a job of an external pipeline, which is made if there is none.
    pub fn report_status(
        &mut self,
        project: i64,
        (ref_name, sha): (&str, Sha),
        user: i64,
        (name, status): (&str, &'static str),
    ) -> Option<(i64, i64)> {
        let now = self.now();
        let same = |pipeline: &&Pipeline| pipeline.sha == sha && pipeline.ref_name == ref_name;
        let known = self.pipelines_of(project).rev().find(same).map(|pipeline| pipeline.id);
        let pipeline = known.unwrap_or_else(|| {
            let id = self.next_id("pipeline");
            let iid = self.pipelines_of(project).map(|pipeline| pipeline.iid).max().unwrap_or_default() + 1;
            let ref_name = ref_name.to_owned();
            let (user, source) = (Some(user), "external");
            let (created_at, updated_at) = (now, now);
            let pipeline = Pipeline {
                id,
                iid,
                project,
                sha,
                ref_name,
                source,
                user,
                created_at,
                updated_at,
                ..Pipeline::default()
            };
            self.insert_pipeline(pipeline);
            id
        });
        let job = self.next_id("job");
        let over = ["success", "failed", "canceled"].contains(&status);
        self.edit_pipeline(pipeline, |pipeline| {
            pipeline.jobs.push(Job {
                id: job,
                name: name.to_owned(),
                stage: "external".to_owned(),
                status,
                created_at: now,
                started_at: (status != "pending").then_some(now),
                finished_at: over.then_some(now),
                ..Job::default()
            });
            pipeline.updated_at = now;
            if pipeline.source == "external" {
                pipeline.status = status;
                pipeline.finished_at = over.then_some(now);
            }
        })?;
        Some((pipeline, job))
    }

    /// Webhooks hear of a push.
    pub(super) fn pushed(&mut self, push: &Push) {
        let event = if push.tag { &TAG_PUSH } else { &PUSH };
        self.emit(push.project, event, |world| world.push_payload(push));
    }

    fn emit_release(&mut self, project: i64, tag: &str, action: &str) -> Option<()> {
        let release = self.project(project)?.releases.iter().find(|release| release.tag == tag)?.clone();
        self.emit(project, &RELEASE, |world| world.release_payload(project, &release, action));
        Some(())
    }
}
