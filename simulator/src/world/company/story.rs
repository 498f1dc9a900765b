//! What happened to a merge request between its beginning and its end.

use super::frame::Purpose;
use super::{Company, Fate, Kind, Part, luck, time};
use crate::world::generate::words;
use crate::world::{Commit, MergeRequest, MergeRequestState};

impl Company {
    /// A merge request with all that hangs on it.
    pub(crate) fn merge_request(&self, place: usize, iid: i64) -> MergeRequest {
        let frame = self.frame(place, iid);
        let owner = &self.people[frame.owner];
        let mut subject = MergeRequest {
            id: self.numbers().id(Kind::MergeRequest, place, iid),
            iid,
            project: self.project(place),
            source_project: Some(self.project(place)),
            title: self.title(place, iid, frame.purpose),
            created_at: time(frame.created),
            updated_at: time(frame.updated),
            prepared_at: Some(time(frame.created + 1_300)),
            author: Some(owner.user),
            source_branch: format!("{iid}-work"),
            target_branch: "main".to_owned(),
            ..MergeRequest::default()
        };
        match frame.fate {
            Fate::Open => {}
            Fate::Merged(at) => {
                subject.state = MergeRequestState::Merged;
                subject.merged_at = Some(time(at));
                subject.merge_user = Some(owner.user);
                subject.merge_commit_sha = Some(self.sha(place, iid, Part::Merge));
            }
            Fate::Closed(at) => {
                subject.state = MergeRequestState::Closed;
                subject.closed_at = Some(time(at));
                subject.closed_by = Some(owner.user);
            }
        }
        subject
    }

    /// The commit that merged a merge request; the one before it on the branch is known by its number.
    pub(crate) fn merge_commit(&self, place: usize, iid: i64, before: Option<i64>) -> Commit {
        let merged = self.merge_request(place, iid);
        let title = format!("Merge branch '{}' into 'main'", merged.source_branch);
        let person = self.people.iter().find(|person| Some(person.user) == merged.merge_user);
        let at = merged.merged_at.unwrap_or(merged.updated_at);
        Commit {
            sha: self.sha(place, iid, Part::Merge),
            parents: before.map(|before| self.sha(place, before, Part::Merge)).into_iter().chain(merged.sha).collect(),
            message: format!("{title}\n"),
            title,
            author_name: person.map(|person| person.name.clone()).unwrap_or_default(),
            author_email: person.map(|person| person.email.clone()).unwrap_or_default(),
            authored_at: at,
            committed_at: at,
            additions: merged.additions(),
            deletions: merged.deletions(),
        }
    }

    fn title(&self, place: usize, iid: i64, _purpose: Purpose) -> String {
        words::title(&mut luck::of(self.seed, 3, place, iid))
    }
}
