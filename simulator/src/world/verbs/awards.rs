//! Reacting to merge requests and issues, which touches nothing: GitLab leaves `updated_at` alone.

use crate::world::{Award, World};

impl World {
    /// Reacts; nothing comes of it where this user did so before.
    pub fn award(&mut self, merge_request: i64, user: i64, name: &str) -> Option<i64> {
        let known = &self.merge_request(merge_request)?.awards;
        if known.iter().any(|award| award.user == user && award.name == name) {
            return None;
        }
        let (id, at) = (self.next_id("award"), self.now());
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.awards.push(Award { id, user, name: name.to_owned(), at });
        })?;
        Some(id)
    }

    /// Reacts to an issue, once as well.
    pub fn award_issue(&mut self, issue: i64, user: i64, name: &str) -> Option<i64> {
        let known = &self.issue(issue)?.awards;
        if known.iter().any(|award| award.user == user && award.name == name) {
            return None;
        }
        let (id, at) = (self.next_id("award"), self.now());
        self.issue_mut(issue)?.awards.push(Award { id, user, name: name.to_owned(), at });
        Some(id)
    }

    /// Takes a reaction to an issue back.
    pub fn take_issue_award_back(&mut self, issue: i64, award: i64) -> Option<()> {
        self.issue_mut(issue)?.awards.retain(|known| known.id != award);
        Some(())
    }

    /// Takes a reaction back.
    pub fn take_award_back(&mut self, merge_request: i64, award: i64) -> Option<()> {
        self.edit_merge_request(merge_request, |merge_request| merge_request.awards.retain(|known| known.id != award))
    }
}
