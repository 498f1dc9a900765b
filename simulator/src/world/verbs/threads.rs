//! Answering in threads, and resolving them.

use serde_json::json;

use crate::world::{Note, NoteKind, Sha, SystemAction, World};

use super::notes::Draft;

impl World {
    /// Answers in the thread of a note. A comment on its own becomes a thread by it, and an answer in a resolved thread
    /// is resolved, too.
    pub fn reply(&mut self, note: i64, author: &str, body: &str) -> Option<i64> {
        let user = self.user_named(author);
        let now = self.now();
        let merge_request = self.merge_request_of_note(note)?.id;
        let (kind, thread, internal) = self.edit_note(note, |parent| {
            if matches!(parent.kind, NoteKind::Comment) {
                parent.kind = NoteKind::Discussion;
                parent.resolvable = true;
            }
            (parent.kind.clone(), parent.discussion, parent.internal)
        })?;
        let settled = self.merge_request(merge_request)?.notes.iter().filter(|known| known.discussion == thread);
        let resolved = settled.filter(|known| known.resolvable).all(|known| known.resolved.is_some());
        let draft = Draft { kind, internal, thread: Some(thread), resolved: resolved.then_some((user, now)) };
        self.add_note(merge_request, author, body, draft)
    }

    /// Resolves the thread of a note. Neither the notes' `updated_at` nor the merge request's move
    /// (`ResolvableNote.resolve!` is one `UPDATE` without callbacks), and no webhook hears of it, unless it was the last
    /// open thread.
    pub fn resolve(&mut self, note: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        let now = self.now();
        let (merge_request, thread) = self.thread_of(note)?;
        let open = |known: &Note| known.discussion == thread && known.resolved.is_none();
        if self.settle(merge_request, Some((user, now)), open)? {
            self.all_resolved(merge_request, user)?;
        }
        Some(())
    }

    /// Opens the thread of a note again: silently, and nothing is touched.
    pub fn unresolve(&mut self, note: i64) -> Option<()> {
        let (merge_request, thread) = self.thread_of(note)?;
        self.settle(merge_request, None, |known| known.discussion == thread)?;
        Some(())
    }

    /// Resolves one note of a thread, which saves that note: its `updated_at` moves, and the merge request's.
    pub fn resolve_note(&mut self, note: i64, user: &str) -> Option<()> {
        let user = self.user_named(user);
        let now = self.now();
        let (merge_request, _) = self.thread_of(note)?;
        if !self.settle(merge_request, Some((user, now)), |known| known.id == note && known.resolved.is_none())? {
            return Some(());
        }
        self.edit_note(note, |note| note.updated_at = now)?;
        self.touch(merge_request);
        self.all_resolved(merge_request, user)
    }

    /// Opens one note of a thread again, which saves that note.
    pub fn unresolve_note(&mut self, note: i64) -> Option<()> {
        let now = self.now();
        let (merge_request, _) = self.thread_of(note)?;
        if !self.settle(merge_request, None, |known| known.id == note && known.resolved.is_some())? {
            return Some(());
        }
        self.edit_note(note, |note| note.updated_at = now)?;
        self.touch(merge_request);
        Some(())
    }

    /// A push changed the lines that a thread stands on: GitLab says so in the thread and, where the project wants it,
    /// resolves it. The notes' `updated_at` stays (`Discussions::UpdateDiffPositionService`).
    pub(super) fn outdate(&mut self, note: i64, user: i64) -> Option<()> {
        let now = self.now();
        let (merge_request, thread) = self.thread_of(note)?;
        let subject = self.merge_request(merge_request)?;
        let resolves = self.project(subject.project)?.resolve_outdated;
        let body = format!("changed this line in [version {} of the diff](diffs)", subject.versions.len());
        let written = self.system_note(merge_request, user, SystemAction::Outdated, body)?;
        self.edit_note(written, |written| written.discussion = thread)?;
        let open = |known: &Note| known.discussion == thread && known.resolved.is_none();
        if resolves && self.settle(merge_request, Some((user, now)), open)? {
            self.all_resolved(merge_request, user)?;
        }
        Some(())
    }

    /// After the last open thread was resolved: a note, which touches the merge request, and an `update` hook
    /// (`MergeRequests::ResolvedDiscussionNotificationService`).
    fn all_resolved(&mut self, merge_request: i64, user: i64) -> Option<()> {
        if !self.merge_request(merge_request)?.discussions_resolved() {
            return Some(());
        }
        self.system_note(merge_request, user, SystemAction::Discussion, "resolved all threads".to_owned())?;
        self.emit_merge_request(merge_request, user, "update", &json!({}));
        Some(())
    }

    /// Marks notes that can be resolved, and says whether there were any.
    fn settle(
        &mut self,
        merge_request: i64,
        resolved: Option<(i64, jiff::Timestamp)>,
        wanted: impl Fn(&Note) -> bool,
    ) -> Option<bool> {
        self.edit_merge_request(merge_request, |merge_request| {
            let mut any = false;
            for note in merge_request.notes.iter_mut().filter(|note| note.resolvable && wanted(note)) {
                note.resolved = resolved;
                any = true;
            }
            any
        })
    }

    fn thread_of(&self, note: i64) -> Option<(i64, Sha)> {
        let subject = self.merge_request_of_note(note)?;
        let found = subject.notes.iter().find(|known| known.id == note)?;
        Some((subject.id, found.discussion))
    }
}
