//! Writing, editing and deleting comments.

use crate::world::{Note, NoteKind, Position, Sha, World};

impl World {
    /// Writes a comment on its own.
    pub fn comment(&mut self, merge_request: i64, author: &str, body: &str) -> Option<i64> {
        self.add_note(merge_request, author, body, NoteKind::Comment, false)
    }

    /// Writes a comment that only members from Planner upwards see.
    pub fn internal_comment(&mut self, merge_request: i64, author: &str, body: &str) -> Option<i64> {
        self.add_note(merge_request, author, body, NoteKind::Comment, true)
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
        self.add_note(merge_request, author, body, NoteKind::Diff(position), false)
    }

    /// Answers in the thread of a note.
    pub fn reply(&mut self, note: i64, author: &str, body: &str) -> Option<i64> {
        let subject = self.merge_request_of_note(note)?;
        let merge_request = subject.id;
        let parent = subject.notes.iter().find(|known| known.id == note)?;
        let (kind, discussion, internal) = (parent.kind.clone(), parent.discussion, parent.internal);
        let kind = if matches!(kind, NoteKind::Diff(_)) { kind } else { NoteKind::Discussion };
        let reply = self.add_note(merge_request, author, body, kind, internal)?;
        self.edit_note(reply, |reply| {
            reply.discussion = discussion;
            reply.resolvable = true;
        })?;
        Some(reply)
    }

    /// Resolves the thread of a note. No webhook hears of it.
    pub fn resolve(&mut self, note: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        let now = self.now();
        let subject = self.merge_request_of_note(note)?;
        let id = subject.id;
        let discussion = subject.notes.iter().find(|known| known.id == note)?.discussion;
        self.edit_merge_request(id, |merge_request| {
            merge_request.updated_at = now;
            for note in merge_request.notes.iter_mut().filter(|note| note.discussion == discussion) {
                note.resolved = note.resolvable.then_some((user, now));
            }
        })
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

    fn add_note(
        &mut self,
        merge_request: i64,
        author: &str,
        body: &str,
        kind: NoteKind,
        internal: bool,
    ) -> Option<i64> {
        let author = self.user_named(author);
        let project = self.merge_request(merge_request)?.project;
        let id = self.next_id("note");
        let now = self.now();
        self.edit_merge_request(merge_request, |merge_request| {
            merge_request.updated_at = now;
            merge_request.notes.push(Note {
                id,
                resolvable: matches!(kind, NoteKind::Diff(_) | NoteKind::Discussion),
                kind,
                body: body.to_owned(),
                author: Some(author),
                created_at: now,
                updated_at: now,
                internal,
                resolved: None,
                discussion: Sha::from_seed(id.unsigned_abs()),
            });
            let reviewing = merge_request.reviewers.iter_mut().find(|reviewer| reviewer.user == author);
            if let Some(reviewer) = reviewing {
                reviewer.commented();
            }
        })?;
        self.touch_project(project);
        self.emit_note(id, Some(author), "create");
        Some(id)
    }
}
