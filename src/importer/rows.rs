//! What GitLab answered, as rows of the store. No I/O here.

mod deployment;
mod pipeline;

use std::collections::BTreeMap;

use crate::gitlab::queries::merge_requests::Parts;
use crate::gitlab::queries::scope::Owner;
use crate::gitlab::queries::{Connection, User as Person, merge_request as answers, scope};
use crate::store::rows::{
    Approval, Group, HolderKind, Label, Member, MergeRequest, MergeRequestCommit, Note, Project, User,
};
use crate::store::{Batch, Complete};

use super::actions::{action, requested_reviewers};

/// Rows under construction: a batch, and the people who are named in it.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) batch: Batch,
    users: BTreeMap<i64, User>,
}

impl Rows {
    /// The batch, with every person in it once.
    pub(super) fn into_batch(mut self) -> Batch {
        self.batch.users = self.users.into_values().collect();
        self.batch
    }

    /// Adds a merge request with its notes, approvals and commits, of which `wanted` were asked for. Bodies and descriptions
    /// stay only where it says so.
    pub(super) fn merge_request(&mut self, project_id: i64, answer: answers::MergeRequest, wanted: Parts) {
        let id = answer.id;
        let stats = counted(&answer);
        let complete = Complete {
            merge_request_id: id,
            as_of: answer.updated_at,
            notes: whole(answer.notes.as_ref()),
            // Without the notes, times of approvals are unknown, but the set is what GitLab says it is.
            approvals: whole(answer.approved_by.as_ref()),
            commits: whole(answer.commits.as_ref()),
        };
        let notes = self.notes(project_id, id, answer.notes, wanted.text);
        self.approvals(id, answer.approved_by.as_ref(), &notes);
        self.commits(id, answer.commits);

        let ready_at = if answer.draft == Some(true) { None } else { last(&notes, "ready", None) };
        let row = MergeRequest {
            id,
            iid: answer.iid,
            project_id,
            title: answer.title,
            description: answer.description.filter(|_| wanted.text),
            state: Some(answer.state),
            draft: answer.draft,
            author_id: answer.author.map(|person| self.person(with_address(person))),
            merge_user_id: answer.merge_user.map(|person| self.person(person)),
            source_project_id: answer.source_project_id,
            source_branch: answer.source_branch,
            target_branch: answer.target_branch,
            labels: answer.labels.map(|list| list.nodes.into_iter().flatten().map(|label| label.title).collect()),
            assignee_ids: self.people(answer.assignees),
            reviewer_ids: self.people(answer.reviewers),
            additions: stats.map(|stats| stats.additions),
            deletions: stats.map(|stats| stats.deletions),
            changed_files: stats.map(|stats| stats.file_count),
            commit_count: answer.commit_count,
            user_notes_count: answer.user_notes_count,
            sha: answer.diff_head_sha,
            merge_commit_sha: answer.merge_commit_sha,
            web_url: answer.web_url,
            created_at: answer.created_at,
            updated_at: answer.updated_at,
            prepared_at: answer.prepared_at,
            ready_at,
            merged_at: answer.merged_at,
            closed_at: answer.closed_at,
            reviews_complete: wanted.reviews.then_some(complete.notes && complete.approvals),
            commits_complete: wanted.commits.then_some(complete.commits),
        };
        self.batch.complete.push(complete);
        self.batch.merge_requests.push(row);
        self.batch.notes.extend(notes);
    }

    /// Adds a group with its labels and direct members.
    pub(super) fn group(&mut self, answer: scope::Group) {
        self.belongings(Owner::Group, answer.id, answer.labels, answer.members);
        self.batch.groups.push(Group {
            id: answer.id,
            parent_id: answer.parent.and_then(|parent| parent.id),
            name: answer.name,
            full_path: answer.full_path,
            visibility: answer.visibility,
            archived: answer.archived,
            web_url: answer.web_url,
            created_at: answer.created_at,
        });
    }

    /// Adds a project with its labels and direct members.
    pub(super) fn project(&mut self, answer: scope::Project) {
        self.belongings(Owner::Project, answer.id, answer.labels, answer.members);
        self.batch.projects.push(Project {
            id: answer.id,
            namespace_id: answer.namespace.and_then(|namespace| namespace.id),
            name: answer.name,
            path_with_namespace: answer.full_path,
            default_branch: answer.repository.and_then(|repository| repository.root_ref),
            visibility: answer.visibility,
            archived: answer.archived,
            merge_requests_enabled: answer.merge_requests_enabled,
            forked_from_project_id: None,
            web_url: answer.web_url,
            created_at: answer.created_at,
            last_activity_at: answer.last_activity_at,
        });
    }

    /// Adds the labels and members of a group or project.
    pub(super) fn belongings(
        &mut self,
        owner: Owner,
        id: i64,
        labels: Option<Connection<scope::Label>>,
        members: Option<Connection<scope::Member>>,
    ) {
        let kind = match owner {
            Owner::Top | Owner::Group => HolderKind::Group,
            Owner::Project | Owner::Alone => HolderKind::Project,
        };
        self.labels(kind, id, labels);
        self.members(kind, id, members);
    }

    fn labels(&mut self, kind: HolderKind, holder_id: i64, list: Option<Connection<scope::Label>>) {
        let Some(list) = list else { return };
        if list.next().is_none() {
            self.batch.complete_labels.push((kind, holder_id));
        }
        self.batch.labels.extend(list.nodes.into_iter().flatten().map(|label| Label {
            kind,
            holder_id,
            id: label.id,
            name: label.title,
            color: label.color,
            description: label.description,
        }));
    }

    fn members(&mut self, kind: HolderKind, holder_id: i64, list: Option<Connection<scope::Member>>) {
        let Some(list) = list else { return };
        if list.next().is_none() {
            self.batch.complete_members.push((kind, holder_id));
        }
        for member in list.nodes.into_iter().flatten() {
            let (Some(user), Some(level)) = (member.user, member.access_level.and_then(|level| level.integer_value))
            else {
                continue;
            };
            let user_id = self.person(with_address(user));
            self.batch.members.push(Member {
                kind,
                holder_id,
                user_id,
                access_level: level,
                created_at: member.created_at,
                expires_at: member.expires_at.and_then(|at| at.day().map(str::to_owned)),
            });
        }
    }

    fn notes(&mut self, project_id: i64, id: i64, list: Option<Connection<answers::Note>>, text: bool) -> Vec<Note> {
        let mut rows = Vec::with_capacity(list.as_ref().map_or(0, |list| list.nodes.len()));
        for note in list.unwrap_or_default().nodes.into_iter().flatten() {
            let body = note.body.as_deref().unwrap_or_default();
            let action = action(note.system, note.system_note_icon_name.as_deref(), body).map(str::to_owned);
            let note_type = match (&note.position, note.resolvable) {
                (Some(_), _) => Some("DiffNote"),
                (None, Some(true)) => Some("DiscussionNote"),
                (None, _) => None,
            };
            let asks = action.as_deref() == Some("review_requested");
            rows.push(Note {
                id: note.id,
                merge_request_id: id,
                project_id,
                author_id: note.author.map(|person| self.person(person)),
                system: note.system,
                action,
                requested_reviewers: asks.then(|| requested_reviewers(body)),
                internal: note.internal,
                note_type: note_type.map(str::to_owned),
                discussion_id: note.discussion.map(|thread| thread.id),
                resolvable: note.resolvable,
                resolved: note.resolved,
                body: note.body.filter(|_| text),
                created_at: note.created_at,
                updated_at: note.updated_at,
            });
        }
        rows
    }

    fn approvals(&mut self, id: i64, list: Option<&Connection<Person>>, notes: &[Note]) {
        for person in list.into_iter().flat_map(Connection::iter) {
            let user_id = self.person(person.clone());
            let approved_at = last(notes, "approved", Some(user_id));
            self.batch.approvals.push(Approval { merge_request_id: id, user_id, approved_at });
        }
    }

    fn commits(&mut self, id: i64, list: Option<Connection<answers::Commit>>) {
        for commit in list.unwrap_or_default().nodes.into_iter().flatten() {
            let author_id = commit.author.map(|person| self.person(person));
            self.batch.commits.push(MergeRequestCommit {
                merge_request_id: id,
                sha: commit.sha,
                title: commit.title,
                author_id,
                author_name: commit.author_name,
                author_email: commit.author_email,
                authored_at: commit.authored_date,
                committed_at: commit.committed_date,
            });
        }
    }

    fn people(&mut self, list: Option<Connection<Person>>) -> Option<Vec<i64>> {
        list.map(|list| list.nodes.into_iter().flatten().map(|person| self.person(person)).collect())
    }

    /// Remembers a person once, with all that any of the answers knows.
    fn person(&mut self, person: Person) -> i64 {
        let row = self.users.entry(person.id).or_default();
        row.id = person.id;
        row.username = person.username;
        row.name = person.name.or(row.name.take());
        row.state = person.state.or(row.state.take());
        row.bot = person.bot.or(row.bot);
        row.web_url = person.web_url.or(row.web_url.take());
        row.public_email = person.public_email.or(row.public_email.take());
        row.created_at = person.created_at.or(row.created_at);
        row.id
    }
}

/// Somebody whose address was asked for. That none is shown is news as well: it replaces one that was.
fn with_address(mut person: Person) -> Person {
    person.public_email.get_or_insert_default();
    person
}

/// The size of a merge request. GitLab answers zeros as long as it has not counted; they are believed only of what it has
/// prepared and where there is nothing to count.
fn counted(answer: &answers::MergeRequest) -> Option<answers::DiffStats> {
    answer.diff_stats_summary.filter(|stats| {
        let zeros = stats.additions == 0 && stats.deletions == 0 && stats.file_count == 0;
        !zeros || (answer.prepared_at.is_some() && answer.commit_count.unwrap_or_default() == 0)
    })
}

/// Whether a list is here to its end.
fn whole<T>(list: Option<&Connection<T>>) -> bool {
    list.is_some_and(|list| !list.is_cut())
}

/// When something was last noted, by anybody or by one person.
fn last(notes: &[Note], action: &str, by: Option<i64>) -> Option<jiff::Timestamp> {
    let noted = notes.iter().filter(|note| note.action.as_deref() == Some(action));
    noted.filter(|note| by.is_none() || note.author_id == by).map(|note| note.created_at).max()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const WANTED: Parts = Parts { reviews: true, commits: true, text: false };

    fn merge_request(more: serde_json::Value) -> answers::MergeRequest {
        let mut answer = json!({
            "id": "gid://gitlab/MergeRequest/70", "iid": "7", "title": "Add tea", "state": "opened", "draft": false,
            "description": "secret", "createdAt": "2025-01-01T00:00:00Z", "updatedAt": "2025-01-05T00:00:00Z",
            "author": person(1, "ann"),
        });
        let (Some(all), serde_json::Value::Object(more)) = (answer.as_object_mut(), more) else { unreachable!() };
        all.extend(more);
        serde_json::from_value(answer).unwrap()
    }

    fn person(id: i64, username: &str) -> serde_json::Value {
        json!({"id": format!("gid://gitlab/User/{id}"), "username": username, "name": null, "bot": false})
    }

    fn system_note(id: i64, by: i64, day: u32, icon: &str, body: &str) -> serde_json::Value {
        let at = format!("2025-01-{day:02}T00:00:00Z");
        json!({"id": format!("gid://gitlab/Note/{id}"), "system": true, "systemNoteIconName": icon, "body": body,
               "createdAt": at, "updatedAt": at, "author": person(by, "someone")})
    }

    #[test]
    fn an_approval_has_the_time_of_the_last_note_by_the_same_person() {
        let answer = merge_request(json!({
            "approvedBy": {"nodes": [person(2, "bob"), person(3, "cem")]},
            "notes": {"nodes": [
                system_note(1, 2, 2, "approval", "approved this merge request"),
                system_note(2, 2, 3, "unapproval", "unapproved this merge request"),
                system_note(3, 2, 4, "approval", "approved this merge request"),
            ]},
        }));

        let mut rows = Rows::default();
        rows.merge_request(5, answer, WANTED);
        let batch = rows.into_batch();

        let at = |approval: &Approval| approval.approved_at.map(|at| at.to_string());
        let approvals: Vec<_> = batch.approvals.iter().map(|approval| (approval.user_id, at(approval))).collect();
        assert_eq!(approvals, [(2, Some("2025-01-04T00:00:00Z".to_owned())), (3, None)]);
        assert_eq!(batch.notes[1].action.as_deref(), Some("unapproved"));
    }

    #[test]
    fn ready_since_the_last_note_and_never_while_it_is_a_draft() {
        let notes = json!({"nodes": [
            system_note(1, 1, 2, "pencil", "marked this merge request as **ready**"),
            system_note(2, 1, 3, "pencil", "marked this merge request as **draft**"),
            system_note(3, 1, 4, "pencil", "marked this merge request as **ready**"),
        ]});
        let ready_at = |draft: bool| {
            let mut rows = Rows::default();
            rows.merge_request(5, merge_request(json!({"notes": notes, "draft": draft})), WANTED);
            rows.into_batch().merge_requests[0].ready_at.map(|at| at.to_string())
        };

        assert_eq!(ready_at(false).as_deref(), Some("2025-01-04T00:00:00Z"));
        assert_eq!(ready_at(true), None);
    }

    #[test]
    fn zeros_are_a_size_only_where_there_is_nothing_to_count() {
        let size = |files: i64, commits: i64, prepared: Option<&str>| {
            let stats = json!({"additions": 0, "deletions": 0, "fileCount": files});
            let answer = json!({"diffStatsSummary": stats, "commitCount": commits, "preparedAt": prepared});
            let mut rows = Rows::default();
            rows.merge_request(5, merge_request(answer), WANTED);
            rows.into_batch().merge_requests[0].changed_files
        };

        let prepared = Some("2025-01-01T00:00:00Z");
        assert_eq!(size(0, 0, prepared), Some(0));
        assert_eq!(size(0, 2, prepared), None);
        assert_eq!(size(0, 0, None), None);
        assert_eq!(size(1, 2, None), Some(1));
    }

    #[test]
    fn text_stays_in_gitlab_unless_it_is_asked_for() {
        let comment = json!({"id": "gid://gitlab/Note/1", "system": false, "body": "secret", "resolvable": true,
            "createdAt": "2025-01-02T00:00:00Z", "updatedAt": "2025-01-02T00:00:00Z", "author": null,
            "position": {"positionType": "text"}});
        let batch = |text: bool| {
            let mut rows = Rows::default();
            rows.merge_request(5, merge_request(json!({"notes": {"nodes": [comment]}})), Parts { text, ..WANTED });
            rows.into_batch()
        };

        let (without, with) = (batch(false), batch(true));
        assert!(!format!("{without:?}").contains("secret"));
        assert_eq!(with.notes[0].body.as_deref(), Some("secret"));
        assert_eq!(with.merge_requests[0].description.as_deref(), Some("secret"));
        assert_eq!(without.notes[0].note_type.as_deref(), Some("DiffNote"));
    }

    #[test]
    fn a_list_that_was_not_read_or_goes_on_is_not_called_whole() {
        let cut = json!({"nodes": [], "pageInfo": {"hasNextPage": true, "endCursor": "x"}});
        let mut rows = Rows::default();
        rows.merge_request(5, merge_request(json!({"notes": cut, "approvedBy": {"nodes": []}})), WANTED);

        let complete = &rows.batch.complete[0];
        assert!(!complete.notes && complete.approvals && !complete.commits);
        assert_eq!(complete.as_of.to_string(), "2025-01-05T00:00:00Z");
    }

    #[test]
    fn a_person_is_one_row_with_all_that_is_known() {
        let mut full = person(1, "ann");
        full["name"] = json!("Ann");
        let mut rows = Rows::default();
        rows.merge_request(5, merge_request(json!({"mergeUser": full})), WANTED);
        rows.merge_request(5, merge_request(json!({})), WANTED);

        let users = rows.into_batch().users;
        assert_eq!(users.len(), 1);
        assert_eq!((users[0].name.as_deref(), users[0].bot), (Some("Ann"), Some(false)));
    }
}
