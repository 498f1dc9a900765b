//! Which deployments brought which merge requests out (app/services/deployments/link_merge_requests_service.rb).

use jiff::Timestamp;

use super::commit::Sha;
use super::merge_request::MergeRequest;
use super::pipeline::Deployment;
use super::project::Project;
use super::{MergeRequestState, World};

impl World {
    /// The deployments that a merge request is linked to: of each environment the first that brought it, oldest first.
    #[must_use]
    pub fn deployments_bringing(&self, found: &MergeRequest) -> Vec<&Deployment> {
        let Some(project) = self.project(found.project).filter(|_| found.state == MergeRequestState::Merged) else {
            return Vec::new();
        };
        let mut before: Vec<&Deployment> = Vec::new();
        let mut bringing: Vec<&Deployment> = Vec::new();
        let place = self.place_merged_at(project, found);
        for deployment in self.deployments_of(project.id).filter(|known| self.links(known)) {
            let here = |known: &&Deployment| known.environment == deployment.environment;
            let brought = match before.iter().position(&here) {
                None => self.brings_first(project, deployment, found, place),
                Some(last) => self.brings(project, (before.swap_remove(last), deployment), found, place),
            };
            before.push(deployment);
            if brought && !bringing.iter().any(&here) {
                bringing.push(deployment);
            }
        }
        bringing
    }

    /// The merge requests that are linked to a deployment, the newest first.
    #[must_use]
    pub fn merge_requests_brought_by(&self, deployment: &Deployment) -> Vec<&MergeRequest> {
        let Some(project) = self.project(deployment.project) else {
            return Vec::new();
        };
        let mut earlier = self.deployments_of(project.id).rev().filter(|known| {
            known.environment == deployment.environment && known.id < deployment.id && self.links(known)
        });
        let mut brought: Vec<&MergeRequest> = match earlier.next() {
            None => self.merge_requests_of(project.id).collect(),
            Some(earlier) => {
                let commits = self.history(project, deployment.sha).take_while(|commit| commit.sha != earlier.sha);
                commits.flat_map(|commit| self.merge_requests_bringing(project, commit)).collect()
            }
        };
        brought.sort_by_key(|found| std::cmp::Reverse(found.iid));
        brought.dedup_by_key(|found| found.iid);
        brought.retain(|found| self.deployments_bringing(found).iter().any(|known| known.id == deployment.id));
        brought
    }

    /// Whether a deployment is linked to anything: those that failed are not, nor those of review apps, and a job in the
    /// background does it (`Deployments::LinkMergeRequestWorker`).
    fn links(&self, deployment: &Deployment) -> bool {
        let typed = self.environment(deployment.environment).is_some_and(|known| known.name.contains('/'));
        let ended = deployment.finished_at.unwrap_or(deployment.updated_at);
        let at = ended.checked_add(self.settings.linking_delay).unwrap_or(ended);
        deployment.status == "success" && !typed && (self.settings.linking_delay.is_zero() || at <= self.now())
    }

    /// The first deployment of an environment brings all that was merged into its branch.
    fn brings_first(
        &self,
        project: &Project,
        deployment: &Deployment,
        found: &MergeRequest,
        place: Option<usize>,
    ) -> bool {
        let ended = deployment.finished_at.unwrap_or(deployment.created_at);
        let merged = merged_at(found);
        // Where the clock stands still, the order of commits tells what came first.
        let in_time = merged < Some(ended) || (merged == Some(ended) && place <= self.reach(project, deployment.sha));
        merged.is_some() && in_time && found.target_branch == deployment.ref_name
    }

    /// A later one brings what was merged between the commit before and its own.
    fn brings(
        &self,
        project: &Project,
        (before, deployment): (&Deployment, &Deployment),
        found: &MergeRequest,
        place: Option<usize>,
    ) -> bool {
        // All commits of merges stand on one line here, also those into other branches.
        let branch = Some(&found.target_branch);
        let on_line = branch == project.default_branch.as_ref() || branch == Some(&deployment.ref_name);
        let reaches = || {
            let (from, to) = (self.reach(project, before.sha)?, self.reach(project, deployment.sha)?);
            place.map(|place| from < place && place <= to)
        };
        on_line && reaches().unwrap_or_default()
    }

    /// The place on the default branch of what merging made.
    fn place_merged_at(&self, project: &Project, found: &MergeRequest) -> Option<usize> {
        let made = [found.merge_commit_sha, found.squash_commit_sha, found.sha];
        made.into_iter().flatten().find_map(|sha| self.place_on_default_branch(project, sha))
    }

    /// The place of the latest commit of the default branch that a commit's history holds.
    fn reach(&self, project: &Project, sha: Sha) -> Option<usize> {
        let later = || self.history(project, sha).find_map(|commit| self.place_on_default_branch(project, commit.sha));
        self.place_on_default_branch(project, sha).or_else(later)
    }

    /// A commit's place on the default branch, counted from the oldest, which is 1.
    fn place_on_default_branch(&self, project: &Project, sha: Sha) -> Option<usize> {
        let held = project.commits.iter().rev().position(|commit| commit.sha == sha);
        let of_history = || self.archive.number_on_default_branch(project.id, sha);
        let place = held.map(|place| self.archive.commit_count(project.id) + place).or_else(of_history)?;
        Some(place + 1)
    }
}

/// When its state changed, which its metrics tell a little later.
fn merged_at(found: &MergeRequest) -> Option<Timestamp> {
    let event = found.state_events.iter().rfind(|event| event.state == "merged").map(|event| event.at);
    let merged = found.merged_at?;
    Some(event.map_or(merged, |event| event.min(merged)))
}
