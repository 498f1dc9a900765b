//! What people follow: issues, merge requests and labels by hand, projects by a star.

use jiff::Timestamp;

use super::{MergeRequest, World};

/// What can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subscribable {
    /// A merge request.
    MergeRequest(i64),
    /// An issue.
    Issue(i64),
    /// A label.
    Label(i64),
}

/// Somebody marked a project.
#[derive(Clone, Copy, Debug)]
pub struct Star {
    /// Who.
    pub user: i64,
    /// When.
    pub at: Timestamp,
}

impl World {
    /// What a user wanted by hand, if they ever did.
    #[must_use]
    pub fn wish(&self, subject: Subscribable, user: i64) -> Option<bool> {
        self.subscriptions.get(&(subject, user)).copied()
    }

    /// Whether a user hears of something. Who takes part does, unless they do not want to.
    #[must_use]
    pub fn subscribed(&self, subject: Subscribable, user: i64) -> bool {
        self.wish(subject, user).unwrap_or_else(|| match subject {
            Subscribable::MergeRequest(id) => self.merge_request(id).is_some_and(|found| takes_part(found, user)),
            Subscribable::Issue(id) => self.issue(id).is_some_and(|found| {
                let writes = found.notes.iter().any(|note| note.author == Some(user));
                writes || found.author == Some(user) || found.assignees.contains(&user)
            }),
            Subscribable::Label(_) => false,
        })
    }

    /// A user wants to hear of something, or no longer.
    pub fn subscribe(&mut self, subject: Subscribable, user: i64, wanted: bool) {
        self.subscriptions.insert((subject, user), wanted);
    }

    /// Marks a project, or takes the mark away; nothing where it is so already.
    pub fn star(&mut self, project: i64, user: i64, wanted: bool) -> Option<()> {
        let at = self.now();
        let stars = &mut self.project_mut(project)?.stars;
        if stars.iter().any(|star| star.user == user) == wanted {
            return None;
        }
        stars.retain(|star| star.user != user);
        stars.extend(wanted.then_some(Star { user, at }));
        Some(())
    }
}

fn takes_part(found: &MergeRequest, user: i64) -> bool {
    found.author == Some(user)
        || found.assignees.contains(&user)
        || found.reviewers.iter().any(|reviewer| reviewer.user == user)
        || found.notes.iter().any(|note| note.author == Some(user))
}
