//! What a test delivery sends: an event made up from what is there.

use serde_json::{Value, json};

use super::{Caller, HookTarget, Owner, Push, Sha, World};

impl World {
    /// Counts a test or a resend, by GitLab's name of the limit, against the user's few per minute and place.
    pub(crate) fn may_test(&mut self, limit: &'static str, caller: &Caller, target: HookTarget) -> bool {
        let minute = self.now().as_second() / 60;
        let key = (caller.user.unwrap_or_default(), target, limit);
        let budget = self.hook_tests.entry(key).or_insert((minute, 0));
        if budget.0 != minute {
            *budget = (minute, 0);
        }
        budget.1 += 1;
        budget.1 <= self.settings.hook_test_limit
    }

    /// The trigger, header and body of a test delivery. An empty error: no such trigger.
    pub(crate) fn test_payload(
        &self,
        target: HookTarget,
        trigger: &str,
        user: i64,
    ) -> Result<(&'static str, &'static str, Value), String> {
        let projects = match target {
            HookTarget::Project(project) => vec![project],
            HookTarget::Group(group) => {
                let groups = std::iter::once(group).chain(self.descendant_groups(group));
                groups.flat_map(|group| self.projects_of_group(group).to_vec()).collect()
            }
            HookTarget::System => {
                let body = json!({ "event_name": "project_create", "name": "Ruby", "path": "ruby", "project_id": 1,
                    "owner_name": "Someone", "owner_email": "example@gitlabhq.com" });
                return Ok(("system_hooks", "System Hook", body));
            }
        };
        let merge_requests = || projects.iter().flat_map(|project| self.merge_requests_of(*project));
        match trigger {
            "merge_requests_events" => {
                let found = merge_requests().last().ok_or("Ensure the project has merge requests.")?;
                let body = self.merge_request_payload(found.id, user, "update", &json!({}));
                Ok(("merge_request_hooks", "Merge Request Hook", body.unwrap_or_default()))
            }
            "note_events" => {
                let mut notes = merge_requests().flat_map(|found| found.notes.iter().map(move |note| (found, note)));
                let (found, note) = notes.rfind(|(_, note)| !note.system()).ok_or("Ensure the project has notes.")?;
                let body = self.note_payload(found.id, note.id, Some(user), "create");
                Ok(("note_hooks", "Note Hook", body.unwrap_or_default()))
            }
            "pipeline_events" => {
                let mut pipelines = projects.iter().rev().flat_map(|project| self.pipelines_of(*project).rev());
                let found = pipelines.next().ok_or("Ensure the project has CI pipelines.")?;
                let body = self.pipeline_payload(found.id);
                Ok(("pipeline_hooks", "Pipeline Hook", body.unwrap_or_default()))
            }
            "job_events" => {
                let mut pipelines = projects.iter().rev().flat_map(|project| self.pipelines_of(*project).rev());
                let job = pipelines.find_map(|pipeline| Some((pipeline.id, pipeline.jobs.last()?.id)));
                let (pipeline, job) = job.ok_or("Ensure the project has CI jobs.")?;
                let body = self.job_payload(pipeline, job);
                Ok(("job_hooks", "Job Hook", body.unwrap_or_default()))
            }
            "deployment_events" => {
                let mut deployments = projects.iter().rev().flat_map(|project| self.deployments_of(*project).rev());
                let found = deployments.next().ok_or("Ensure the project has deployments.")?;
                let body = self.deployment_payload(found.id);
                Ok(("deployment_hooks", "Deployment Hook", body.unwrap_or_default()))
            }
            "push_events" => {
                let body = self.last_push(&projects, user).ok_or("Ensure the project has at least one commit.")?;
                Ok(("push_hooks", "Push Hook", body))
            }
            "tag_push_events" => {
                let body = self.last_tag(&projects, user).ok_or("Ensure the project has at least one commit.")?;
                Ok(("tag_push_hooks", "Tag Push Hook", body))
            }
            "releases_events" => {
                let mut released = projects.iter().filter_map(|id| Some((*id, self.project(*id)?.releases.last()?)));
                let (project, release) = released.next().ok_or("Ensure the project has releases.")?;
                let body = self.release_payload(project, release, "create");
                Ok(("release_hooks", "Release Hook", body.unwrap_or_default()))
            }
            "issues_events" | "confidential_issues_events" => {
                let confidential = trigger == "confidential_issues_events";
                let mut issues = projects.iter().flat_map(|project| self.issues_of(*project));
                let found = issues.rfind(|issue| !confidential || issue.confidential);
                let id = found.ok_or("Ensure the project has issues.")?.id;
                let body = self.issue_payload(id, user, "update", &json!({})).unwrap_or_default();
                Ok(match confidential {
                    true => ("confidential_issue_hooks", "Confidential Issue Hook", body),
                    false => ("issue_hooks", "Issue Hook", body),
                })
            }
            "milestone_events" => {
                let mut milestones = projects.iter().flat_map(|id| self.milestones_of(Owner::Project(*id)));
                let found = milestones.next().ok_or("Ensure the project has milestones.")?;
                let body = self.milestone_payload(found.id, "create");
                Ok(("milestone_hooks", "Milestone Hook", body.unwrap_or_default()))
            }
            "wiki_page_events" | "emoji_events" | "resource_access_token_events" | "resource_deploy_token_events" => {
                Err("Ensure the project has what the event is about.".to_owned())
            }
            _ => Err(String::new()),
        }
    }

    /// The last three commits of the default branch as one push (`Gitlab::DataBuilder::Push.build_sample`).
    fn last_push(&self, projects: &[i64], user: i64) -> Option<Value> {
        let mut pushed = projects.iter().filter_map(|id| {
            let project = self.project(*id)?;
            let commits: Vec<Sha> = self.commits_of(project).take(3).map(|commit| commit.sha).collect();
            let name = project.default_branch.clone()?;
            Some(Push { project: *id, user, name, tag: false, before: *commits.last()?, after: *commits.first()? })
        });
        self.push_payload(&pushed.next()?)
    }

    fn last_tag(&self, projects: &[i64], user: i64) -> Option<Value> {
        let mut tagged = projects.iter().filter_map(|id| {
            let tag = self.project(*id)?.tags.last()?;
            let (name, after) = (tag.name.clone(), tag.sha);
            Some(Push { project: *id, user, name, tag: true, before: Sha::default(), after })
        });
        self.push_payload(&tagged.next()?)
    }
}
