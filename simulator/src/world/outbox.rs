//! Who hears of what: events become deliveries in the outbox, one per hook that listens.

use serde_json::{Value, json};

use super::{Hook, HookTarget, Namespace, World};

/// A delivery that waits to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The hook.
    pub hook: i64,
    /// `merge_request_hooks`, `note_hooks`…
    pub trigger: &'static str,
    /// `X-Gitlab-Event`.
    pub event: &'static str,
    /// The body, as things were when it happened.
    pub body: Value,
}

/// What hooks may listen to.
pub(super) struct Event {
    /// The attribute of the hook that switches it on.
    pub(super) switch: &'static str,
    /// As the log of deliveries names it.
    pub(super) trigger: &'static str,
    /// `X-Gitlab-Event`.
    pub(super) header: &'static str,
    /// Whether system hooks may hear it too.
    pub(super) system: bool,
}

impl Event {
    /// One that only projects and groups hear.
    pub(super) const fn of_projects(switch: &'static str, trigger: &'static str, header: &'static str) -> Event {
        Event { switch, trigger, header, system: false }
    }
}

const NOTE: Event = Event::of_projects("note_events", "note_hooks", "Note Hook");
const CONFIDENTIAL_NOTE: Event =
    Event::of_projects("confidential_note_events", "confidential_note_hooks", "Confidential Note Hook");

impl World {
    /// Takes what waits to be sent.
    pub fn take_outbox(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.outbox)
    }

    /// A merge request changed. `extra` holds `changes`, `oldrev`, `system`: what only this event has.
    pub(super) fn emit_merge_request(&mut self, merge_request: i64, user: i64, action: &str, extra: &Value) {
        let event = Event {
            switch: "merge_requests_events",
            trigger: "merge_request_hooks",
            header: "Merge Request Hook",
            system: true,
        };
        let Some(project) = self.merge_request(merge_request).map(|found| found.project) else {
            return;
        };
        self.emit(project, &event, |world| world.merge_request_payload(merge_request, user, action, extra));
    }

    /// Makes one hook of all `update`s of merge requests that were sent since then, as one save sends one: it tells all that
    /// changed, and how things are at the end.
    pub(super) fn fold_updates(&mut self, begin: usize) {
        let updates = |sent: &Outgoing| sent.body["object_attributes"]["action"] == "update";
        let mut folded: Vec<Outgoing> = Vec::new();
        for mut sent in self.outbox.split_off(begin) {
            let same = |known: &Outgoing| known.hook == sent.hook && updates(known) && updates(&sent);
            if let Some(place) = folded.iter().position(same)
                && let Value::Object(earlier) = folded.remove(place).body["changes"].take()
                && let Some(changes) = sent.body["changes"].as_object_mut()
            {
                let last = std::mem::replace(changes, earlier);
                changes.extend(last);
            }
            folded.push(sent);
        }
        self.outbox.extend(folded);
    }

    /// A note was written or edited.
    pub(super) fn emit_note(&mut self, note: i64, user: Option<i64>, action: &str) {
        let Some(merge_request) = self.merge_request_of_note(note) else {
            return;
        };
        let (id, project) = (merge_request.id, merge_request.project);
        let internal = merge_request.notes.iter().any(|known| known.id == note && known.internal);
        let event = if internal { &CONFIDENTIAL_NOTE } else { &NOTE };
        self.emit(project, event, |world| world.note_payload(id, note, user, action));
    }

    /// The same on an issue. Whatever is written on a confidential one is confidential.
    pub(super) fn emit_issue_note(&mut self, issue: i64, note: i64, user: i64, action: &str) {
        let Some(subject) = self.issue(issue) else {
            return;
        };
        let internal = subject.notes.iter().any(|known| known.id == note && known.internal);
        let event = if internal || subject.confidential { &CONFIDENTIAL_NOTE } else { &NOTE };
        self.emit(subject.project, event, |world| world.issue_note_payload(issue, note, user, action));
    }

    /// Something happened to a project: system hooks hear of it whatever they ticked.
    pub(super) fn emit_project(&mut self, project: i64, event: &str, extra: &Value) {
        let Some(subject) = self.project(project) else {
            return;
        };
        let owner = match subject.namespace {
            Namespace::Group(id) => self.group(id).map(|group| group.name.clone()),
            Namespace::User(id) => self.user(id).map(|user| user.name.clone()),
        };
        let mut body = json!({
            "event_name": event,
            "created_at": subject.created_at,
            "updated_at": subject.updated_at,
            "name": subject.name,
            "path": subject.path,
            "path_with_namespace": subject.full_path,
            "project_id": project,
            "project_namespace_id": project,
            "owner_name": owner,
            "owner_email": "",
            "owners": [{ "name": owner, "email": "" }],
            "project_visibility": subject.visibility.name(),
        });
        if let (Some(body), Some(extra)) = (body.as_object_mut(), extra.as_object()) {
            body.extend(extra.clone());
        }
        let hooks = self.hooks().filter(|hook| hook.target == HookTarget::System).map(|hook| hook.id);
        for hook in hooks.collect::<Vec<_>>() {
            self.outbox.push(Outgoing { hook, trigger: "system_hooks", event: "System Hook", body: body.clone() });
        }
    }

    /// Puts an event of a project into the outbox, once for each hook that listens.
    pub(super) fn emit(&mut self, project: i64, event: &Event, payload: impl Fn(&World) -> Option<Value>) {
        let listening = self.listening(project, event);
        if listening.is_empty() {
            return;
        }
        let Some(body) = payload(self) else { return };
        for (hook, header) in listening {
            if self.over_webhook_limit(project) {
                continue;
            }
            self.outbox.push(Outgoing { hook, trigger: event.trigger, event: header, body: body.clone() });
        }
    }

    /// Hooks that hear an event of a project. Disabled ones miss it; group hooks need a licence.
    fn listening(&self, project: i64, event: &Event) -> Vec<(i64, &'static str)> {
        if self.hooks.is_empty() {
            return Vec::new();
        }
        let now = self.now();
        let above = self.ancestry(self.project(project).and_then(super::Project::group));
        let hears = |hook: &Hook| match hook.target {
            HookTarget::Project(id) => id == project,
            HookTarget::Group(id) => self.settings.edition.licensed() && above.contains(&id),
            HookTarget::System => event.system,
        };
        let wanted =
            self.hooks().filter(|hook| hook.events.contains(event.switch) && hears(hook) && hook.executable(now));
        let header = |hook: &Hook| {
            if hook.target == HookTarget::System { "System Hook" } else { event.header }
        };
        wanted.map(|hook| (hook.id, header(hook))).collect()
    }

    /// Counts a call against the top-level namespace's budget of this minute.
    fn over_webhook_limit(&mut self, project: i64) -> bool {
        let Some(limit) = self.settings.webhook_rate_limit else {
            return false;
        };
        let minute = self.now().as_second() / 60;
        let group = self.project(project).and_then(super::Project::group);
        let top = self.ancestry(group).last().copied().unwrap_or_default();
        let budget = self.webhook_calls.entry(top).or_insert((minute, 0));
        if budget.0 != minute {
            *budget = (minute, 0);
        }
        budget.1 += 1;
        budget.1 > limit
    }
}
