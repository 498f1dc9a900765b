//! What happened to a merge request between its beginning and its end.

mod changes;
mod people;
mod reviews;
mod titles;

use fastrand::Rng;

use super::frame::Frame;
use super::outline::Outline;
use super::{Company, Fate, Kind, Part, luck, time};
use crate::world::{
    Award, Commit, MarkEvent, MergeRequest, MergeRequestState, Note, NoteKind, Sha, StateEvent, SystemAction,
};

/// As many notes as a merge request has ids for.
const MOST_NOTES: usize = 63;

/// Tells the story of one merge request.
struct Teller<'c> {
    company: &'c Company,
    frame: Frame,
    outline: Outline,
    random: Rng,
    subject: MergeRequest,
    /// Who reviews, among the company's people.
    reviewers: Vec<usize>,
    threads: u64,
}

impl Company {
    /// A merge request with all that hangs on it; what it left the default branch at is known to whoever has the order of
    /// merges.
    pub(crate) fn merge_request(&self, place: usize, iid: i64, base: Sha) -> MergeRequest {
        let frame = self.frame(place, iid);
        let outline = self.outline(&frame);
        let random = luck::of(self.seed, 4, place, iid);
        let id = self.numbers().id(Kind::MergeRequest, place, iid);
        let subject = MergeRequest { id, base, ..MergeRequest::default() };
        let reviewers = Vec::new();
        let mut teller = Teller { company: self, frame, outline, random, subject, reviewers, threads: 0 };
        teller.begin();
        teller.choose_reviewers();
        teller.change();
        teller.tell_reviews();
        teller.mark();
        teller.end();
        teller.finish()
    }

    /// The commit that merged a merge request; the one before it on the branch is known by its number.
    pub(crate) fn merge_commit(&self, place: usize, iid: i64, before: Option<i64>) -> Commit {
        let merged = self.merge_request(place, iid, Sha::default());
        let at = time(self.frame(place, iid).end());
        let (author_name, author_email) = self.signature(merged.merge_user);
        let title = format!("Merge branch '{}' into 'main'", merged.source_branch);
        let reference = format!("{}!{iid}", self.plans[place].path);
        Commit {
            sha: self.sha(place, iid, Part::Merge),
            parents: before
                .map(|before| self.sha(place, before, Part::Merge))
                .into_iter()
                .chain(merged.squash_commit_sha.or(merged.sha))
                .collect(),
            message: format!("{title}\n\n{}\n\nSee merge request {reference}\n", merged.title),
            title,
            author_name,
            author_email,
            authored_at: at,
            committed_at: at,
            additions: merged.additions(),
            deletions: merged.deletions(),
        }
    }
}

impl Teller<'_> {
    fn begin(&mut self) {
        let (place, iid) = (self.frame.place, self.frame.iid);
        let company = self.company;
        let author = self.author();
        let fork = company.fork_of(&self.frame);
        self.subject = MergeRequest {
            iid,
            project: company.project(place),
            source_project: fork.unwrap_or(Some(company.project(place))),
            title: company.title(&self.frame),
            description: self.description(),
            draft: self.outline.draft,
            created_at: time(self.frame.created),
            updated_at: time(self.frame.updated),
            prepared_at: Some(time(self.frame.created + self.random.i64(600..4_000))),
            author,
            source_branch: company.branch(&self.frame),
            target_branch: self.target(),
            squash: company.plans[place].squashes,
            assignees: self.assignees(author),
            approvals_required: company.plans[place].approvals,
            id: self.subject.id,
            base: self.subject.base,
            ..MergeRequest::default()
        };
        let user = author.unwrap_or_default();
        if let Some(assignee) = self.subject.assignees.first().and_then(|user| company.username(*user)) {
            let body = format!("assigned to @{assignee}");
            self.system(self.frame.created, user, SystemAction::Assignee, body);
        }
        if let Some(ready) = self.outline.ready {
            let body = "marked this merge request as **ready**".to_owned();
            self.system(ready, user, SystemAction::Title, body);
        }
        if luck::percent(&mut self.random, 4) {
            let (at, title) = (self.moment(0.0, 0.5), self.subject.title.clone());
            let body = format!("changed title from **{}** to **{title}**", title.replace("the ", ""));
            self.system(at, user, SystemAction::Title, body);
        }
        if luck::percent(&mut self.random, 7) {
            let at = self.moment(0.0, 0.8);
            self.system(at, user, SystemAction::Description, "changed the description".to_owned());
        }
    }

    /// Labels, a milestone, reactions: each with the event that GitLab keeps of it.
    fn mark(&mut self) {
        let company = self.company;
        let user = self.subject.author;
        for label in company.labels_for(&self.frame, &mut self.random) {
            let at = if luck::percent(&mut self.random, 70) { self.frame.created } else { self.moment(0.0, 0.9) };
            self.label_event(user, label, true, at);
            self.subject.labels.push(label);
        }
        if luck::percent(&mut self.random, 5) {
            let label = luck::pick(&mut self.random, &company.labels);
            let (at, later) = (self.moment(0.0, 0.4), self.moment(0.4, 1.0));
            if !self.subject.labels.contains(&label) {
                self.label_event(user, label, true, at);
                self.label_event(user, label, false, later);
            }
        }
        self.subject.label_events.sort_by_key(|event| event.at);
        let milestone = company.milestones.iter().find(|(due, _)| *due >= self.frame.end()).map(|(_, id)| *id);
        if let Some(subject) = milestone.filter(|_| luck::percent(&mut self.random, 35)) {
            let at = time(self.frame.created);
            let id = self.event_id(8);
            self.subject.milestone = Some(subject);
            self.subject.milestone_events.push(MarkEvent { id, user, subject, added: true, at });
        }
        if luck::percent(&mut self.random, 12) {
            let name =
                luck::pick(&mut self.random, &["thumbsup", "thumbsup", "thumbsup", "rocket", "heart", "thumbsdown"]);
            let person = self.reviewers.first().copied().unwrap_or(self.frame.owner);
            let (id, at) = (self.part(Kind::Award, 0), time(self.moment(0.3, 1.0)));
            let user = company.people[person].user;
            self.subject.awards.push(Award { id, user, name: name.to_owned(), at });
        }
    }

    fn label_event(&mut self, user: Option<i64>, subject: i64, added: bool, at: i64) {
        let id = self.event_id(self.subject.label_events.len() as i64);
        self.subject.label_events.push(MarkEvent { id, user, subject, added, at: time(at) });
    }

    /// Merged, closed, perhaps opened again in between.
    fn end(&mut self) {
        let owner = self.subject.author;
        if self.frame.fate != Fate::Open && luck::percent(&mut self.random, 3) {
            let (closed, reopened) = (self.moment(0.3, 0.5), self.moment(0.5, 0.7));
            self.state_event(owner, "closed", closed);
            self.state_event(owner, "reopened", reopened);
        }
        match self.frame.fate {
            Fate::Open => {}
            Fate::Merged(at) => {
                let user = self.merger();
                self.state_event(user, "merged", at);
                self.subject.state = MergeRequestState::Merged;
                self.subject.merge_user = user;
                // GitLab keeps merged_at in another record, which may be written a moment later.
                let late = if luck::percent(&mut self.random, 15) { self.frame.updated - at + 400 } else { 0 };
                self.subject.merged_at = Some(time(at + late));
                self.subject.merge_commit_sha = Some(self.sha(Part::Merge));
                self.subject.squash_commit_sha = self.subject.squash.then(|| self.sha(Part::Squashed));
            }
            Fate::Closed(at) => {
                let user = if luck::percent(&mut self.random, 80) { owner } else { self.merger() };
                self.state_event(user, "closed", at);
                self.subject.state = MergeRequestState::Closed;
                self.subject.closed_by = user;
                self.subject.closed_at = Some(time(at));
            }
        }
        if self.frame.updated > self.frame.end() + 1_000 {
            let person = self.reviewers.first().copied().unwrap_or(self.frame.owner);
            let body = luck::pick(&mut self.random, titles::AFTERWARDS).to_owned();
            self.say(self.frame.updated, self.company.people[person].user, body);
        }
    }

    fn state_event(&mut self, user: Option<i64>, state: &'static str, at: i64) {
        let id = self.event_id(12 + self.subject.state_events.len() as i64);
        self.subject.state_events.push(StateEvent { id, user, state, at: time(at), by_merge_of: None });
    }

    /// Notes get their ids in the order in which they were written.
    fn finish(mut self) -> MergeRequest {
        let mut notes = std::mem::take(&mut self.subject.notes);
        notes.sort_by_key(|note| note.created_at);
        notes.truncate(MOST_NOTES);
        for (note, number) in notes.iter_mut().zip(0..) {
            note.id = self.part(Kind::Note, number);
        }
        self.subject.notes = notes;
        self.subject
    }

    fn part(&self, kind: Kind, part: i64) -> i64 {
        self.company.numbers().part(kind, self.frame.place, self.frame.iid, part)
    }

    fn event_id(&self, number: i64) -> i64 {
        self.part(Kind::Event, number.min(15))
    }

    fn sha(&self, part: Part) -> Sha {
        self.company.sha(self.frame.place, self.frame.iid, part)
    }

    /// A moment somewhere between two shares of the story.
    fn moment(&mut self, from: f64, to: f64) -> i64 {
        let share = from + (to - from) * self.random.f64();
        self.company.within(&self.frame, share) + self.random.i64(0..1_000)
    }

    fn system(&mut self, at: i64, user: i64, action: SystemAction, body: String) {
        self.write(at, user, NoteKind::System(action), body);
    }

    fn say(&mut self, at: i64, user: i64, body: String) {
        self.write(at, user, NoteKind::Comment, body);
    }

    /// Writes a note that begins a thread of its own, and tells where it lies until all are put in order.
    fn write(&mut self, at: i64, user: i64, kind: NoteKind, body: String) -> usize {
        self.threads += 1;
        let at = time(at.clamp(self.frame.created, self.frame.updated));
        let resolvable = matches!(kind, NoteKind::Diff(_) | NoteKind::Discussion);
        self.subject.notes.push(Note {
            id: 0,
            kind,
            body,
            author: Some(user),
            created_at: at,
            updated_at: at,
            internal: false,
            resolvable,
            resolved: None,
            discussion: Sha::from_seed((self.subject.id.unsigned_abs() << 8) | self.threads),
        });
        self.subject.notes.len() - 1
    }
}
