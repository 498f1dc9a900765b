//! Comments of a review that is being written: nobody else sees them until they are published.

use crate::world::{DraftNote, NoteKind, Position, ReviewState, World};

use super::notes::Draft;

impl World {
    /// Opens a thread, on a line of the diff or on the merge request as a whole.
    pub fn discuss(&mut self, merge_request: i64, author: &str, body: &str, at: Option<Position>) -> Option<i64> {
        let kind = at.map_or(NoteKind::Discussion, NoteKind::Diff);
        self.add_note(merge_request, author, body, Draft { kind, ..Draft::default() })
    }

    /// Keeps a comment for later. A reviewer has begun to review by it, since 16.9.
    pub fn draft_note(&mut self, merge_request: i64, draft: DraftNote) -> Option<i64> {
        let id = self.next_id("draft_note");
        let begins = self.settings.at_least(16, 9);
        self.edit_merge_request(merge_request, |found| {
            let waiting = found.reviewers.iter_mut().filter(|reviewer| {
                begins && reviewer.user == draft.author && reviewer.state == ReviewState::Unreviewed
            });
            waiting.for_each(|reviewer| reviewer.state = ReviewState::ReviewStarted);
            found.drafts.push(DraftNote { id, ..draft });
        })?;
        Some(id)
    }

    /// Changes or removes drafts.
    pub fn edit_drafts<R>(&mut self, merge_request: i64, edit: impl FnOnce(&mut Vec<DraftNote>) -> R) -> Option<R> {
        self.edit_merge_request(merge_request, |found| edit(&mut found.drafts))
    }

    /// Publishes one draft.
    pub fn publish_draft(&mut self, merge_request: i64, draft: i64) -> Option<()> {
        let known = self.edit_drafts(merge_request, |drafts| {
            let place = drafts.iter().position(|known| known.id == draft)?;
            Some(drafts.remove(place))
        })??;
        let author = self.user(known.author)?.username.clone();
        let thread = known.thread;
        let notes = &self.merge_request(merge_request)?.notes;
        let first = notes.iter().find(|note| Some(note.discussion) == thread).map(|note| note.id);
        let note = match (first, known.position) {
            (Some(first), _) => self.reply(first, &author, &known.body)?,
            (None, Some(position)) => self.discuss(merge_request, &author, &known.body, Some(position))?,
            (None, None) => self.comment(merge_request, &author, &known.body)?,
        };
        match (first.is_some(), known.resolves) {
            (true, true) => self.resolve(note, &author),
            (true, false) => self.unresolve(note),
            (false, _) => Some(()),
        }
    }

    /// Publishes all drafts of a user, which is a review.
    pub fn publish_drafts(&mut self, merge_request: i64, user: i64) -> Option<()> {
        let drafts = self.merge_request(merge_request)?.drafts.iter().filter(|draft| draft.author == user);
        let drafts: Vec<i64> = drafts.map(|draft| draft.id).collect();
        if drafts.is_empty() {
            return Some(());
        }
        for draft in drafts {
            self.publish_draft(merge_request, draft)?;
        }
        let name = self.user(user)?.username.clone();
        self.review(merge_request, &name);
        Some(())
    }
}
