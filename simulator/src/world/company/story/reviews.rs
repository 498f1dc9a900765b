//! Reviews: asked for, given, answered; approvals given, and taken back by pushes.

use super::super::frame::Purpose;
use super::super::{Kind, luck, time};
use super::Teller;
use crate::world::generate::words;
use crate::world::{
    Approval, ApprovalRule, FileChange, NoteKind, Position, ReviewState, Reviewer, RuleKind, SystemAction,
};

const ANSWERS: &[&str] = &[
    "Good catch, fixed.",
    "Done.",
    "I would rather keep it: the other callers rely on it.",
    "Changed, please have another look.",
    "Agreed, but let us do it in a follow-up.",
    "Fixed in the last commit.",
];
const SUGGESTIONS: &[&str] = &[
    "This branch is never taken: `items` cannot be empty here.",
    "Consider closing the connection when this returns early.",
    "The error is dropped here; was that meant?",
    "This is the same as `helper::parse`, which also handles the empty case.",
];

impl Teller<'_> {
    pub(super) fn tell_reviews(&mut self) {
        self.rules();
        self.ask();
        self.assistant_reviews();
        let rounds = self.outline.reviews.clone();
        for at in rounds {
            self.review(at);
        }
        self.talk();
        self.approve();
        self.resolve();
    }

    fn ask(&mut self) {
        let company = self.company;
        let asked = self.outline.asked;
        for person in self.reviewers.clone() {
            let user = company.people[person].user;
            let requested_at = time(asked);
            self.subject.reviewers.push(Reviewer { user, state: ReviewState::Unreviewed, requested_at });
        }
        let names: Vec<String> =
            self.reviewers.iter().map(|person| format!("@{}", company.people[*person].username)).collect();
        if names.is_empty() || self.outline.draft {
            return;
        }
        let body = format!("requested review from {}", sentence(&names));
        self.system(asked, self.owner(), SystemAction::Reviewer, body);
    }

    /// Where the team has one, an assistant looks at it first, within minutes.
    fn assistant_reviews(&mut self) {
        let company = self.company;
        if !company.plans[self.frame.place].assisted || matches!(self.frame.purpose, Purpose::Dependency) {
            return;
        }
        let bot = company.bots[2].user;
        let at = self.outline.asked + self.random.i64(70_000..420_000);
        if at >= self.frame.end() {
            return;
        }
        let count = self.random.usize(..3);
        let summary = format!("I have reviewed the changes and left {count} comments.");
        self.say(at, bot, summary);
        for number in 0..count {
            let body = luck::pick(&mut self.random, SUGGESTIONS).to_owned();
            let kind = NoteKind::Diff(self.position());
            self.write(at + 900 * (number as i64 + 1), bot, kind, body);
        }
    }

    /// Somebody has something to say, and the author answers with the push that follows.
    fn review(&mut self, at: i64) {
        let turn = self.random.usize(..self.reviewers.len().max(1));
        let Some(person) = self.reviewers.get(turn).copied() else {
            return;
        };
        let user = self.company.people[person].user;
        let answered = self.outline.pushes.iter().copied().find(|pushed| *pushed > at);
        let mut writes = at;
        for _ in 0..1 + self.random.usize(..3) {
            let body = words::remark(&mut self.random).to_owned();
            let kind = NoteKind::Diff(self.position());
            let place = self.write(writes, user, kind, body);
            if let Some(answered) = answered.filter(|_| luck::percent(&mut self.random, 65)) {
                let at = answered + self.random.i64(20_000..600_000);
                self.answer(place, at);
            }
            writes += self.random.i64(60_000..700_000);
        }
        self.judge(turn, ReviewState::Reviewed);
        if luck::percent(&mut self.random, 24) {
            self.judge(turn, ReviewState::RequestedChanges);
            self.system(writes, user, SystemAction::RequestedChanges, "requested changes".to_owned());
        }
        if let Some(answered) = answered.filter(|_| luck::percent(&mut self.random, 45)) {
            let at = answered + self.random.i64(30_000..400_000);
            let body = format!("requested review from @{}", self.company.people[person].username);
            self.system(at, self.owner(), SystemAction::Reviewer, body);
            self.judge(turn, ReviewState::Unreviewed);
            self.subject.reviewers[turn].requested_at = time(at.min(self.frame.updated));
        }
    }

    fn answer(&mut self, place: usize, at: i64) {
        let asked = self.subject.notes[place].clone();
        let body = luck::pick(&mut self.random, ANSWERS).to_owned();
        let answer = self.write(at, self.owner(), asked.kind, body);
        self.subject.notes[answer].discussion = asked.discussion;
    }

    /// Comments on nothing in particular, a few of them for members only.
    fn talk(&mut self) {
        let most = if self.frame.purpose == Purpose::Work { 4 } else { 2 };
        for _ in 0..self.random.usize(..most) {
            let person = self.reviewers.first().copied().filter(|_| self.random.bool());
            let user = person.map_or(self.owner(), |person| self.company.people[person].user);
            let body = words::remark(&mut self.random).to_owned();
            let at = self.moment(0.02, 1.0);
            let place = self.write(at, user, NoteKind::Comment, body);
            self.subject.notes[place].internal = luck::percent(&mut self.random, 2);
        }
        if luck::percent(&mut self.random, 6) && self.frame.iid > 1 {
            let at = self.moment(0.0, 1.0);
            let other = self.random.i64(1..self.frame.iid);
            let body = format!("mentioned in merge request !{other}");
            self.system(at, self.owner(), SystemAction::CrossReference, body);
        }
    }

    /// Approvals; an early one is taken back by the last push where the project says so.
    fn approve(&mut self) {
        let Some(approved) = self.outline.approved else {
            return;
        };
        let last = self.outline.pushes.last().copied().unwrap_or_default();
        let resets = self.company.plans[self.frame.place].resets && self.outline.reviews.len() > 1;
        for turn in 0..self.reviewers.len() {
            let person = &self.company.people[self.reviewers[turn]];
            let (user, name) = (person.user, person.username.clone());
            if turn > 0 && turn as i64 >= self.subject.approvals_required && luck::percent(&mut self.random, 40) {
                continue;
            }
            if resets && turn == 0 && last > self.outline.asked {
                let early = self.outline.asked + (last - self.outline.asked) * 2 / 3;
                self.system(early, user, SystemAction::Approved, "approved this merge request".to_owned());
                let body = format!("reset approvals from @{name} by pushing to the branch");
                self.system(last + 800, self.owner(), SystemAction::ApprovalsReset, body);
            }
            let at = (approved + turn as i64 * self.random.i64(60_000..3_600_000))
                .clamp(last.max(approved), self.frame.end());
            self.system(at, user, SystemAction::Approved, "approved this merge request".to_owned());
            self.subject.approvals.push(Approval { user, at: time(at) });
            self.judge(turn, ReviewState::Approved);
        }
    }

    /// Threads are resolved when it is done; the last one with a note.
    fn resolve(&mut self) {
        let owner = self.owner();
        let end = self.frame.end();
        let done = self.outline.approved.is_some();
        let mut last = None;
        for note in self.subject.notes.iter_mut().filter(|note| note.resolvable) {
            let written = note.created_at.as_millisecond();
            let at = written + (end - written) / 2;
            if done {
                note.resolved = Some((owner, time(at)));
                last = last.max(Some(at));
            }
        }
        if let Some(at) = last {
            self.system(at, owner, SystemAction::Discussion, "resolved all threads".to_owned());
        }
    }

    /// Rules beside the one for any approver.
    fn rules(&mut self) {
        let plan = &self.company.plans[self.frame.place];
        if let Some((name, users)) = &plan.code_owners {
            self.subject.rules.push(ApprovalRule {
                id: self.part(Kind::Rule, 0),
                name: name.clone(),
                kind: RuleKind::CodeOwner,
                required: 1,
                users: users.clone(),
                groups: Vec::new(),
                section: Some("Backend".to_owned()),
            });
        }
    }

    fn position(&mut self) -> Position {
        let file = self.random.usize(..self.subject.files.len().max(1));
        let line = self.random.i64(1..400);
        let file = self.subject.files.get(file);
        let gone = file.is_some_and(|file| file.change == FileChange::Deleted);
        Position {
            base_sha: self.subject.merge_base(),
            head_sha: self.subject.sha.unwrap_or_default(),
            path: file.map(|file| file.path.clone()).unwrap_or_default(),
            new_line: (!gone).then_some(line),
            old_line: gone.then_some(line),
        }
    }

    fn judge(&mut self, turn: usize, state: ReviewState) {
        if let Some(reviewer) = self.subject.reviewers.get_mut(turn) {
            reviewer.state = state;
        }
    }

    /// Whoever answers for it: the author, or who looks after a bot's.
    fn owner(&self) -> i64 {
        self.company.people[self.frame.owner].user
    }
}

/// `a, b, and c`, as GitLab writes it.
fn sentence(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
    }
}
