//! The history of one project: merge requests with reviews, pipelines and deployments.

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::calendar::{later, working};
use super::{Size, words};
use crate::world::{
    Approval, Award, Commit, DiffVersion, FileStats, MarkEvent, MergeRequest, MergeRequestState, Note, NoteKind,
    Position, ReviewState, Reviewer, Sha, StateEvent, SystemAction, World,
};

/// Writes the history of one project.
pub(super) struct Writer<'a> {
    pub(super) world: &'a mut World,
    pub(super) project: i64,
    pub(super) people: &'a [i64],
    pub(super) random: Rng,
    pub(super) size: Size,
}

impl Writer<'_> {
    pub(super) fn write(&mut self) {
        let labels: Vec<i64> = self.world.labels().map(|label| label.id).collect();
        let count = i64::try_from(self.size.merge_requests).unwrap_or_default();
        let span = SignedDuration::from_hours(24 * self.size.days);
        let begin = self.size.until.checked_sub(span).unwrap_or(self.size.until);
        for number in 0..count {
            let offset =
                SignedDuration::from_millis(i64::try_from(span.as_millis()).unwrap_or_default() / (count + 1) * number);
            let about = begin.checked_add(offset).unwrap_or(begin);
            self.merge_request(number + 1, about, &labels);
        }
        self.pipelines(begin, span);
        let until = self.size.until;
        if let Some(project) = self.world.project_mut(self.project) {
            project.last_activity_at = until;
        }
    }

    fn merge_request(&mut self, iid: i64, about: Timestamp, labels: &[i64]) {
        let until = self.size.until;
        let created_at = working(about, &mut self.random).min(until);
        let author = self.anyone();
        let reviewer = self.someone_else(author);
        let id = self.world.next_id("merge_request");
        let title = words::title(&mut self.random);
        let commits = self.commits(author, created_at, &title);
        let files = self.files();
        let mut at = created_at;
        let mut subject = MergeRequest {
            id,
            iid,
            project: self.project,
            source_project: (self.random.u8(..97) > 0).then_some(self.project),
            description: (self.random.u8(..5) > 0).then(|| format!("{title}, as agreed in planning.")),
            source_branch: format!("{iid}-work"),
            target_branch: "main".to_owned(),
            title,
            created_at,
            updated_at: created_at,
            prepared_at: created_at.checked_add(SignedDuration::from_millis(1_300)).ok(),
            author: Some(author),
            base: self.base_at(created_at),
            sha: commits.first().map(|commit| commit.sha),
            squash: self.random.bool(),
            labels: self.random.choice(labels).copied().into_iter().collect(),
            assignees: vec![author],
            reviewers: vec![Reviewer { user: reviewer, state: ReviewState::Unreviewed, requested_at: created_at }],
            approvals_required: 1,
            files,
            commits,
            notes: Vec::with_capacity(self.size.notes),
            ..MergeRequest::default()
        };
        let version = self.version(&subject);
        subject.versions.push(version);
        if self.random.u8(..8) == 0 {
            let id = self.world.next_id("award");
            subject.awards.push(Award { id, user: reviewer, name: "thumbsup".to_owned(), at: created_at });
        }
        for label in subject.labels.clone() {
            let id = self.world.next_id("label_event");
            let event = MarkEvent { id, user: Some(author), subject: label, added: true, at: created_at };
            subject.label_events.push(event);
        }
        let (plan, ending) = self.plan();
        let steps = plan.iter().all(|step| matches!(step, Step::Asked | Step::Comment | Step::Remark));
        let unfinished = ending.is_none() && steps;
        subject.draft = unfinished && self.random.bool();
        for step in plan {
            at = later(at, step.wait(), &mut self.random).min(until);
            if at >= until {
                // What has not happened by then is still to come; comments keep the promised count.
                at = until;
            }
            self.step(step, at, reviewer, &mut subject);
        }
        if let Some(ending) = ending {
            at = later(at, ending.wait(), &mut self.random).min(until);
            self.end(ending, at, reviewer, &mut subject);
        }
        subject.updated_at = at.max(subject.updated_at);
        if subject.merged_at.is_some() && self.random.u8(..5) == 0 {
            // GitLab keeps merged_at in another record, written a moment later.
            subject.merged_at = subject.updated_at.checked_add(SignedDuration::from_millis(921)).ok();
        }
        self.world.insert_merge_request(subject);
    }

    /// What happens to one merge request, in order: exactly as many notes as asked for, then how it ends, which is
    /// an event without a note.
    fn plan(&mut self) -> (Vec<Step>, Option<Ending>) {
        let ending = match self.random.u8(..100) {
            0..82 => Some(Ending::Merged),
            82..90 => Some(Ending::Closed),
            _ => None,
        };
        let mut room = self.size.notes;
        let mut take = |wanted: bool| {
            let fits = wanted && room > 0;
            room -= usize::from(fits);
            fits
        };
        let approved = take(ending == Some(Ending::Merged) || self.random.bool());
        let asked = take(true);
        let ready = take(self.random.u8(..3) == 0);
        let mut steps = Vec::with_capacity(self.size.notes);
        steps.extend(ready.then_some(Step::Ready));
        steps.extend(asked.then_some(Step::Asked));
        for _ in 0..room {
            steps.push(if self.random.u8(..3) == 0 { Step::Remark } else { Step::Comment });
        }
        steps.extend(approved.then_some(Step::Approved));
        (steps, ending)
    }

    fn step(&mut self, step: Step, at: Timestamp, reviewer: i64, subject: &mut MergeRequest) {
        let id = self.world.next_id("note");
        let owner = subject.author.unwrap_or(reviewer);
        let (kind, body, author) = match step {
            Step::Ready => {
                let body = "marked this merge request as **ready**".to_owned();
                (NoteKind::System(SystemAction::Title), body, owner)
            }
            Step::Asked => {
                let name = self.world.user(reviewer).map_or("", |user| &user.username);
                subject.reviewers[0].requested_at = at;
                (NoteKind::System(SystemAction::Reviewer), format!("requested review from @{name}"), owner)
            }
            Step::Comment => {
                let author = if self.random.bool() { owner } else { self.anyone() };
                (NoteKind::Comment, words::remark(&mut self.random).to_owned(), author)
            }
            Step::Remark => {
                subject.reviewers[0].state = ReviewState::Reviewed;
                let position = Position {
                    base_sha: subject.merge_base(),
                    head_sha: subject.sha.unwrap_or(Sha([0; 20])),
                    path: subject.files[0].path.clone(),
                    new_line: Some(self.random.i64(1..200)),
                    old_line: None,
                };
                (NoteKind::Diff(position), words::remark(&mut self.random).to_owned(), reviewer)
            }
            Step::Approved => {
                subject.approvals.push(Approval { user: reviewer, at });
                subject.reviewers[0].state = ReviewState::Approved;
                let body = "approved this merge request".to_owned();
                (NoteKind::System(SystemAction::Approved), body, reviewer)
            }
        };
        let resolvable = matches!(kind, NoteKind::Diff(_));
        subject.updated_at = at;
        subject.notes.push(Note {
            id,
            resolved: (resolvable && self.random.bool()).then_some((owner, at)),
            kind,
            body,
            author: Some(author),
            created_at: at,
            updated_at: at,
            internal: false,
            resolvable,
            discussion: Sha::from_seed(id.unsigned_abs()),
        });
    }

    /// Merged or closed: the state and its event. GitLab writes no note about either.
    fn end(&mut self, ending: Ending, at: Timestamp, reviewer: i64, subject: &mut MergeRequest) {
        let owner = subject.author.unwrap_or(reviewer);
        let (user, state) = if ending == Ending::Merged { (reviewer, "merged") } else { (owner, "closed") };
        if ending == Ending::Merged {
            subject.state = MergeRequestState::Merged;
            subject.merge_user = Some(user);
            subject.merged_at = Some(at);
            subject.merge_commit_sha = Some(self.merge_commit(subject, user, at));
        } else {
            subject.state = MergeRequestState::Closed;
            subject.closed_by = Some(user);
            subject.closed_at = Some(at);
        }
        let id = self.world.next_id("state_event");
        subject.state_events.push(StateEvent { id, user: Some(user), state, at, by_merge_of: None });
        subject.updated_at = at;
    }

    fn merge_commit(&mut self, subject: &MergeRequest, user: i64, at: Timestamp) -> Sha {
        let sha = Sha::from_seed(subject.id.unsigned_abs() ^ 0x4d45_5247);
        let title = format!("Merge branch '{}' into 'main'", subject.source_branch);
        let Some(user) = self.world.user(user) else {
            return sha;
        };
        let (author_name, author_email) = (user.name.clone(), user.email.clone());
        let Some(project) = self.world.project_mut(self.project) else {
            return sha;
        };
        let tip = project.commits.last().map(|commit| commit.sha);
        // Oldest first while writing; `pipelines` turns the branch round.
        project.commits.push(Commit {
            sha,
            parents: tip.into_iter().chain(subject.sha).collect(),
            message: format!("{title}\n"),
            title,
            author_name,
            author_email,
            authored_at: at,
            committed_at: at,
            additions: subject.additions(),
            deletions: subject.deletions(),
        });
        sha
    }

    fn commits(&mut self, author: i64, before: Timestamp, title: &str) -> Vec<Commit> {
        let Some(author) = self.world.user(author) else {
            return Vec::new();
        };
        let make = |number: usize| {
            let age = SignedDuration::from_mins(i64::try_from(number).unwrap_or_default() * 95 + 20);
            let at = before.checked_sub(age).unwrap_or(before);
            let mut bytes = [0; 20];
            self.random.fill(&mut bytes);
            Commit {
                sha: Sha(bytes),
                parents: Vec::new(),
                title: title.to_owned(),
                message: format!("{title}\n"),
                author_name: author.name.clone(),
                author_email: author.email.clone(),
                authored_at: at,
                committed_at: at,
                additions: self.random.i64(1..80),
                deletions: self.random.i64(0..40),
            }
        };
        (0..self.size.commits).map(make).collect()
    }

    /// The one version of its diff: everything was pushed before it was opened.
    fn version(&mut self, subject: &MergeRequest) -> DiffVersion {
        let base = subject.merge_base();
        DiffVersion {
            id: self.world.next_id("diff_version"),
            head: subject.sha.unwrap_or(base),
            base,
            start: base,
            commits: subject.commits.len(),
            files: subject.files.len(),
            at: subject.created_at,
        }
    }

    /// What the default branch stood at.
    fn base_at(&self, at: Timestamp) -> Sha {
        let project = self.world.project(self.project);
        let mut commits = project.into_iter().flat_map(|project| project.commits.iter().rev());
        commits.find(|commit| commit.committed_at <= at).map(|commit| commit.sha).unwrap_or_default()
    }

    fn files(&mut self) -> Vec<FileStats> {
        let count = 1 + self.random.usize(..4) * self.random.usize(..3);
        let make = |number: usize| FileStats {
            path: format!("src/module_{number}.rs"),
            additions: self.random.i64(1..120),
            deletions: self.random.i64(0..60),
            ..FileStats::default()
        };
        (0..count).map(make).collect()
    }

    pub(super) fn anyone(&mut self) -> i64 {
        self.people[self.random.usize(..self.people.len())]
    }

    fn someone_else(&mut self, than: i64) -> i64 {
        let other = self.anyone();
        if other != than {
            return other;
        }
        let place = self.people.iter().position(|person| *person == than).unwrap_or_default();
        self.people[(place + 1) % self.people.len()]
    }
}

/// What happens to a merge request, one note each.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Ready,
    Asked,
    Comment,
    Remark,
    Approved,
}

impl Step {
    /// How long people usually take.
    fn wait(self) -> SignedDuration {
        match self {
            Step::Ready => SignedDuration::from_hours(5),
            Step::Asked => SignedDuration::from_mins(20),
            Step::Comment => SignedDuration::from_hours(3),
            Step::Remark => SignedDuration::from_hours(7),
            Step::Approved => SignedDuration::from_hours(9),
        }
    }
}

/// How a merge request ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Merged,
    Closed,
}

impl Ending {
    /// How long people usually take.
    fn wait(self) -> SignedDuration {
        match self {
            Ending::Merged => SignedDuration::from_hours(2),
            Ending::Closed => SignedDuration::from_hours(30),
        }
    }
}
