//! Opening, changing and deleting issues (`lib/api/issues.rb`).

use jiff::civil::Date;
use serde_json::Value;

use super::issues::named;
use crate::rest::params::{Param, integer, integers, one_of, text, texts, time, truth};
use crate::rest::route::Needs::User;
use crate::rest::route::{Route, write};
use crate::rest::{Failure, Reply, Request, allow, find, show};
use crate::world::{Issue, IssueKind, Project, Role, World};

static KINDS: &[&str] = &["issue", "incident", "test_case", "requirement", "task", "ticket"];
static SEVERITIES: &[&str] = &["unknown", "low", "medium", "high", "critical"];
static SHARED: &[Param] = &[
    text("description"),
    integers("assignee_ids"),
    integer("assignee_id"),
    integer("milestone_id"),
    texts("labels"),
    text("due_date"),
    truth("confidential"),
    truth("discussion_locked"),
    one_of("issue_type", KINDS),
    one_of("severity", SEVERITIES).since(18, 4),
];
static CREATE: &[Param] = &[text("title").required(), time("created_at")];
static UPDATE: &[Param] = &[
    text("title"),
    time("updated_at"),
    one_of("state_event", &["reopen", "close"]),
    texts("add_labels"),
    texts("remove_labels"),
];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    write("POST", "/projects/:id/issues", User, create).takes(&[CREATE, SHARED]),
    write("PUT", "/projects/:id/issues/:issue_iid", User, update).takes(&[UPDATE, SHARED]),
    write("DELETE", "/projects/:id/issues/:issue_iid", User, delete),
];

/// Whoever reads issues may open one; labels, milestone and assignees are set from Planner upwards.
fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project_to_change(world, request)?;
    if project.archived || !world.reads_issues(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    let plans = world.caller_role(&request.caller, project) >= Role::Planner;
    let owns = world.caller_role(&request.caller, project) >= Role::Owner;
    let wishes = Wishes::read(world, request, project, plans)?;
    let created_at = request.args.time("created_at")?.filter(|_| owns);
    let (project, author) = (project.id, find::caller(world, request)?.username.clone());
    let labels = wishes.labels(world, project);
    let id = world.add_issue(project, &author, |issue| {
        wishes.apply(issue, labels);
        issue.created_at = created_at.unwrap_or(issue.created_at);
        issue.updated_at = issue.created_at;
    });
    shown(world, request, id.ok_or_else(Failure::no_row)?).map(Reply::created)
}

/// Its author and its assignees may change it too.
fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let (project, issue) = named(world, request)?;
    let user = find::caller(world, request)?.id;
    let plans = world.caller_role(&request.caller, project) >= Role::Planner;
    if project.archived || !(plans || issue.author == Some(user) || issue.assignees.contains(&user)) {
        return Err(Failure::forbidden(""));
    }
    let any = SOME.iter().any(|name| request.args.raw(name).is_some());
    if !any {
        let names = SOME.join(", ");
        return Err(Failure::param(&format!("{names} are missing, at least one parameter must be provided")));
    }
    let wishes = Wishes::read(world, request, project, plans)?;
    let (id, project, now) = (issue.id, project.id, world.now());
    let labels = wishes.labels(world, project);
    let (added, removed) = changed_labels(world, request, project, plans);
    let event = request.args.filled("state_event");
    world.edit_issue(id, user, |issue| {
        wishes.apply(issue, labels);
        issue.labels.retain(|label| !removed.contains(label));
        issue.labels.extend(added);
        issue.labels.dedup();
        match event.as_deref() {
            Some("close") if issue.closed_at.is_none() => {
                issue.closed_at = Some(now);
                issue.closed_by = Some(user);
            }
            Some("reopen") => {
                issue.closed_at = None;
                issue.closed_by = None;
            }
            _ => {}
        }
    });
    shown(world, request, id).map(Reply::ok)
}

/// `Helpers::IssuesHelpers.update_params_at_least_one_of`.
static SOME: &[&str] = &[
    "assignee_id",
    "assignee_ids",
    "confidential",
    "created_at",
    "description",
    "discussion_locked",
    "due_date",
    "labels",
    "add_labels",
    "remove_labels",
    "milestone_id",
    "state_event",
    "title",
    "issue_type",
    "severity",
];

fn changed_labels(world: &mut World, request: &Request, project: i64, plans: bool) -> (Vec<i64>, Vec<i64>) {
    let mut ids = |name: &str| -> Vec<i64> {
        let titles = request.args.list(name).into_iter().filter(|_| plans);
        titles.map(|title| world.label_named(project, &title)).collect()
    };
    (ids("add_labels"), ids("remove_labels"))
}

fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let absent = |failure: Failure| if failure.status == 404 { Failure::not_found("Issue") } else { failure };
    find::project_to_change(world, request)?;
    let (project, issue) = named(world, request).map_err(absent)?;
    let id = issue.id;
    let role = world.caller_role(&request.caller, project);
    if role < Role::Owner && role != Role::Planner {
        return Err(Failure::forbidden(""));
    }
    allow::change(world, request, Role::Planner)?;
    world.delete_issue(id);
    Ok(Reply::no_content())
}

/// What a request asks an issue to be.
struct Wishes {
    title: Option<String>,
    description: Option<String>,
    assignees: Option<Vec<i64>>,
    milestone: Option<Option<i64>>,
    labels: Option<Vec<String>>,
    due_date: Option<Option<Date>>,
    confidential: Option<bool>,
    kind: Option<IssueKind>,
    severity: Option<&'static str>,
}

impl Wishes {
    fn read(world: &World, request: &Request, project: &Project, plans: bool) -> Result<Wishes, Failure> {
        let args = &request.args;
        let sent = |name: &str| args.raw(name).is_some();
        let ids: Vec<i64> = args.list("assignee_ids").iter().filter_map(|id| id.parse().ok()).collect();
        let one: Vec<i64> = args.integer("assignee_id")?.into_iter().collect();
        let assignees = match (sent("assignee_ids"), sent("assignee_id")) {
            (true, _) => Some(ids),
            (false, true) => Some(one),
            (false, false) => None,
        };
        let member =
            |id: &i64| world.user(*id).is_some_and(|user| world.role_in_project(user.id, project) > Role::None);
        let several = if world.settings.edition.licensed() { usize::MAX } else { 1 };
        let assignees = assignees.map(|ids| ids.into_iter().filter(member).take(several).collect());
        let usable = |id: &i64| world.milestones_of_project(project).any(|milestone| milestone.id == *id);
        let milestone = args.integer("milestone_id")?.map(|id| Some(id).filter(usable));
        let day = |text: String| text.parse::<Date>().map_err(|_| Failure::param("due_date is invalid"));
        let due_date = match args.text("due_date") {
            Some(text) if text.is_empty() => Some(None),
            Some(text) => Some(Some(day(text)?)),
            None => None,
        };
        let kind = args.filled("issue_type").map(|kind| match kind.as_str() {
            "incident" => IssueKind::Incident,
            "task" => IssueKind::Task,
            _ => IssueKind::Issue,
        });
        let severity = args.filled("severity").and_then(|wish| {
            ["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"].into_iter().find(|known| known.eq_ignore_ascii_case(&wish))
        });
        Ok(Wishes {
            title: args.filled("title"),
            description: args.text("description"),
            assignees: assignees.filter(|_| plans),
            milestone: milestone.filter(|_| plans),
            labels: (plans && sent("labels")).then(|| args.list("labels")),
            due_date: due_date.filter(|_| plans),
            confidential: args.truth("confidential"),
            kind,
            severity,
        })
    }

    /// Labels that are not there yet are made in the project.
    fn labels(&self, world: &mut World, project: i64) -> Option<Vec<i64>> {
        let titles = self.labels.as_ref()?;
        Some(titles.iter().map(|title| world.label_named(project, title)).collect())
    }

    fn apply(self, issue: &mut Issue, labels: Option<Vec<i64>>) {
        issue.title = self.title.unwrap_or_else(|| std::mem::take(&mut issue.title));
        issue.description = self.description.or_else(|| issue.description.take());
        issue.assignees = self.assignees.unwrap_or_else(|| std::mem::take(&mut issue.assignees));
        issue.milestone = self.milestone.unwrap_or(issue.milestone);
        issue.labels = labels.unwrap_or_else(|| std::mem::take(&mut issue.labels));
        issue.due_date = self.due_date.unwrap_or(issue.due_date);
        issue.confidential = self.confidential.unwrap_or(issue.confidential);
        issue.kind = self.kind.unwrap_or(issue.kind);
        issue.severity = self.severity.filter(|_| issue.kind == IssueKind::Incident).unwrap_or(issue.severity);
    }
}

fn shown(world: &World, request: &Request, id: i64) -> Result<Value, Failure> {
    let issue = world.issue(id).ok_or_else(Failure::no_row)?;
    Ok(show::issue_single(world, &request.caller, issue))
}
