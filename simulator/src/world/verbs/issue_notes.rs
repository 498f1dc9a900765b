//! Comments on issues: written, edited, deleted.

use crate::world::{Note, NoteKind, Sha, SystemAction, World};

impl World {
    /// Writes a comment on an issue; an internal one is seen from Planner upwards only.
    pub fn comment_issue(&mut self, issue: i64, author: &str, body: &str, internal: bool) -> Option<i64> {
        let project = self.issue(issue)?.project;
        let author = self.user_named(author);
        let note = self.write_on_issue(issue, author, NoteKind::Comment, body.to_owned(), internal)?;
        self.touch_project(project);
        self.emit_issue_note(issue, note, author, "create");
        Some(note)
    }

    /// Edits the text of a comment on an issue.
    pub fn rewrite_issue_note(&mut self, issue: i64, note: i64, user: i64, body: &str) -> Option<()> {
        let now = self.now();
        let subject = self.issue_mut(issue)?;
        let found = subject.notes.iter_mut().find(|known| known.id == note)?;
        body.clone_into(&mut found.body);
        found.updated_at = now;
        subject.updated_at = now;
        self.emit_issue_note(issue, note, user, "update");
        Some(())
    }

    /// Deletes a comment on an issue: silently, and `updated_at` stays as it was.
    pub fn delete_issue_note(&mut self, issue: i64, note: i64) -> Option<()> {
        self.issue_mut(issue)?.notes.retain(|known| known.id != note);
        Some(())
    }

    /// GitLab writes about an action.
    pub(super) fn issue_system_note(
        &mut self,
        issue: i64,
        author: i64,
        action: SystemAction,
        body: String,
    ) -> Option<i64> {
        self.write_on_issue(issue, author, NoteKind::System(action), body, false)
    }

    fn write_on_issue(&mut self, issue: i64, author: i64, kind: NoteKind, body: String, internal: bool) -> Option<i64> {
        let (id, now) = (self.next_id("note"), self.now());
        let subject = self.issue_mut(issue)?;
        subject.updated_at = now;
        subject.notes.push(Note {
            id,
            kind,
            body,
            author: Some(author),
            created_at: now,
            updated_at: now,
            internal,
            resolvable: false,
            resolved: None,
            discussion: Sha::from_seed(id.unsigned_abs()),
        });
        Some(id)
    }
}
