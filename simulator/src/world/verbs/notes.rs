//! Writing, editing and deleting comments.

use crate::world::{Note, NoteKind, Position, ReviewState, Sha, World};

impl World {
    /// Writes a comment on its own.
    pub fn comment(&mut self, merge_request: i64, author: &str, body: &str) -> Option<i64> {
        self.add_note(merge_request, author, body, Draft::default())
    }

    /// Writes a comment that only members from Planner upwards see.
    pub fn internal_comment(&mut self, merge_request: i64, author: &str, body: &str) -> Option<i64> {
        self.add_note(merge_request, author, body, Draft { internal: true, ..Draft::default() })
    }

    /// Writes a comment on the first changed file, which opens a thread that can be resolved.
    pub fn diff_comment(&mut self, merge_request: i64, author: &str, body: &str) -> Option<i64> {
        let subject = self.merge_request(merge_request)?;
        let head_sha = subject.sha?;
        let position = Position {
            base_sha: subject.merge_base(),
            head_sha,
            path: subject.files.first().map_or_else(|| "README.md".to_owned(), |file| file.path.clone()),
            new_line: Some(14),
            old_line: None,
        };
        self.add_note(merge_request, author, body, Draft { kind: NoteKind::Diff(position), ..Draft::default() })
    }

    /// Edits a comment's text.
    pub fn rewrite_note(&mut self, note: i64, body: &str) -> Option<()> {
        let now = self.now();
        let merge_request = self.merge_request_of_note(note)?.id;
        let author = self.edit_note(note, |note| {
            note.body = body.to_owned();
            note.updated_at = now;
            note.author
        })?;
        self.touch(merge_request);
        self.emit_note(note, author, "update");
        Some(())
    }

    /// Deletes a note: silently, and `updated_at` stays as it was.
    pub fn delete_note(&mut self, note: i64) -> Option<Note> {
        let merge_request = self.merge_request_of_note(note)?.id;
        let removed = self.edit_merge_request(merge_request, |merge_request| {
            let place = merge_request.notes.iter().position(|known| known.id == note)?;
            Some(merge_request.notes.remove(place))
        })??;
        self.forget_note(note);
        Some(removed)
    }

    /// Edits a note's record. Nothing is touched, nothing is fired.
    pub fn edit_note<R>(&mut self, note: i64, edit: impl FnOnce(&mut Note) -> R) -> Option<R> {
        let merge_request = self.merge_request_of_note(note)?.id;
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.notes.iter_mut().find(|known| known.id == note).map(edit)
        })?
    }

    /// Puts a note in, touches the merge request, and lets webhooks hear of it. Before 16.9 a reviewer's comment is a
    /// review; since then a review has to be submitted.
    pub(super) fn add_note(&mut self, merge_request: i64, author: &str, body: &str, draft: Draft) -> Option<i64> {
        let author = self.user_named(author);
        let project = self.merge_request(merge_request)?.project;
        let id = self.next_id("note");
        let now = self.now();
        let reviews = !self.settings.at_least(16, 9);
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.updated_at = now;
            merge_request.notes.push(Note {
                id,
                resolvable: matches!(draft.kind, NoteKind::Diff(_) | NoteKind::Discussion),
                kind: draft.kind,
                body: body.to_owned(),
                author: Some(author),
                created_at: now,
                updated_at: now,
                internal: draft.internal,
                resolved: draft.resolved,
                discussion: draft.thread.unwrap_or_else(|| Sha::from_seed(id.unsigned_abs())),
            });
            let waiting = merge_request.reviewers.iter_mut().filter(|reviewer| {
                let open = matches!(reviewer.state, ReviewState::Unreviewed | ReviewState::ReviewStarted);
                reviews && open && reviewer.user == author
            });
            waiting.for_each(|reviewer| reviewer.state = ReviewState::Reviewed);
        })?;
        self.touch_project(project);
        self.emit_note(id, Some(author), "create");
        Some(id)
    }
}

/// A note to be written.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) kind: NoteKind,
    pub(super) internal: bool,
    /// The thread that it answers in; a new one without.
    pub(super) thread: Option<Sha>,
    pub(super) resolved: Option<(i64, jiff::Timestamp)>,
}
