//! Merge requests: of a project, of a group, everywhere.

use std::cmp::Reverse;

use serde_json::Value;

use super::page::{Paging, enough, page};
use super::params::{PAGED, Param, SORTS, id_or_wild, integer, integers, one_of, text, texts, time, truth};
use super::route::Needs::{Nothing, User};
use super::route::{Route, read};
use super::show::LabelStyle;
use super::{Failure, Reply, Request, find, show};
use crate::world::{Along, Commit, MergeRequest, Project, Stretch, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/groups/:id/merge_requests", Nothing, of_group).takes(&[LIST, NEGATED, SCOPE, IN_GROUPS, PAGED]),
    read("/projects/:id/merge_requests", Nothing, of_project).takes(&[LIST, NEGATED, SCOPE, IN_PROJECTS, PAGED]),
    read("/projects/:id/merge_requests/:iid", Nothing, one),
    read("/projects/:id/merge_requests/:iid/commits", Nothing, commits).takes(&[PAGED]),
    read("/merge_requests", User, everywhere).takes(&[LIST, NEGATED, OWN_SCOPE, PAGED]),
];

/// `merge_requests_base_params` of lib/api/helpers/merge_requests_helpers.rb.
static LIST: &[Param] = &[
    integer("author_id").excludes("author_username"),
    text("author_username"),
    id_or_wild("assignee_id").excludes("assignee_username"),
    texts("assignee_username"),
    id_or_wild("reviewer_id").excludes("reviewer_username"),
    text("reviewer_username"),
    texts("labels"),
    text("milestone"),
    text("my_reaction_emoji"),
    one_of("state", &["opened", "closed", "locked", "merged", "all"]).or("all"),
    one_of(
        "order_by",
        &["created_at", "label_priority", "milestone_due", "popularity", "priority", "title", "updated_at"],
    )
    .or("created_at"),
    one_of(
        "order_by",
        &[
            "created_at",
            "label_priority",
            "milestone_due",
            "popularity",
            "priority",
            "title",
            "updated_at",
            "merged_at",
        ],
    )
    .or("created_at")
    .since(17, 2),
    one_of("sort", SORTS).or("desc"),
    truth("with_labels_details").or("false"),
    truth("with_merge_status_recheck").or("false"),
    time("created_after"),
    time("created_before"),
    time("updated_after"),
    time("updated_before"),
    one_of("view", &["simple"]),
    text("source_branch"),
    integer("source_project_id"),
    text("target_branch"),
    text("search"),
    text("in"),
    one_of("wip", &["yes", "no"]),
    truth("draft").since(19, 0),
    text("deployed_before"),
    text("deployed_after"),
    text("environment"),
    integer("merge_user_id").excludes("merge_user_username").since(17, 0),
    text("merge_user_username").since(17, 0),
    texts("approver_ids").enterprise(),
    texts("approved_by_ids").enterprise().excludes("approved_by_usernames"),
    texts("approved_by_usernames").enterprise(),
];

static NEGATED: &[Param] = &[
    integer("not[author_id]").excludes("not[author_username]"),
    text("not[author_username]"),
    id_or_wild("not[assignee_id]").excludes("not[assignee_username]"),
    texts("not[assignee_username]"),
    integer("not[reviewer_id]").excludes("not[reviewer_username]"),
    text("not[reviewer_username]"),
    texts("not[labels]"),
    text("not[milestone]"),
    text("not[my_reaction_emoji]"),
];

static SCOPES: &[&str] =
    &["created-by-me", "assigned-to-me", "created_by_me", "assigned_to_me", "reviews_for_me", "all"];
static SCOPE: &[Param] = &[one_of("scope", SCOPES)];
static OWN_SCOPE: &[Param] = &[one_of("scope", SCOPES).or("created_by_me")];
static IN_PROJECTS: &[Param] = &[integers("iids")];
static IN_GROUPS: &[Param] = &[truth("non_archived").or("true")];

pub(crate) fn of_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::readable(world, request)?;
    let filter = Filter::read(world, request, "all")?;
    filter.page(world, request, &[project.id])
}

pub(crate) fn of_group(world: &World, request: &Request) -> Result<Reply, Failure> {
    let group = find::group(world, request)?;
    let archived_too = request.args.truth("non_archived") == Some(false);
    let below = std::iter::once(group.id).chain(world.descendant_groups(group.id));
    let projects = below.flat_map(|id| world.projects_of_group(id)).filter_map(|id| world.project(*id));
    let readable = projects
        .filter(|project| (archived_too || !project.archived) && world.reads_merge_requests(&request.caller, project));
    let readable: Vec<i64> = readable.map(|project| project.id).collect();
    Filter::read(world, request, "all")?.page(world, request, &readable)
}

pub(crate) fn everywhere(world: &World, request: &Request) -> Result<Reply, Failure> {
    let filter = Filter::read(world, request, "created_by_me")?;
    let readable = world.projects().filter(|project| world.reads_merge_requests(&request.caller, project));
    let readable: Vec<i64> = readable.map(|project| project.id).collect();
    filter.page(world, request, &readable)
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (_, found) = find::merge_request(world, request)?;
    Ok(Reply::ok(show::single(world, found)))
}

pub(crate) fn commits(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (project, found) = find::merge_request(world, request)?;
    let commits: Vec<&Commit> = found.commits.iter().collect();
    page(world, request, Paging::Offset, &commits, |commit| show::commit(world, project, commit, false))
}

/// What `GET …/merge_requests` can be asked for.
struct Filter {
    iids: Vec<String>,
    state: String,
    scope: String,
    updated: Range,
    created: Range,
    author: Option<i64>,
    assignee: Option<i64>,
    reviewer: Option<i64>,
    merge_user: Option<i64>,
    labels: Vec<String>,
    draft: Option<bool>,
    source_branch: Option<String>,
    target_branch: Option<String>,
    search: Option<String>,
}

/// Both ends included.
type Range = (Option<jiff::Timestamp>, Option<jiff::Timestamp>);

impl Filter {
    fn read(world: &World, request: &Request, scope: &str) -> Result<Filter, Failure> {
        let args = &request.args;
        let state = args.text("state").unwrap_or_default();
        let scope = args.text("scope").unwrap_or_else(|| scope.to_owned()).replace('-', "_");
        let wip = args.text("wip").map(|wip| wip == "yes");
        let draft = args.truth("draft").filter(|_| world.settings.at_least(19, 0)).or(wip);
        let merge_user = world.settings.at_least(17, 0).then(|| user(world, request, "merge_user")).transpose()?;
        Ok(Filter {
            iids: args.list("iids"),
            state,
            scope,
            updated: (args.time("updated_after")?, args.time("updated_before")?),
            created: (args.time("created_after")?, args.time("created_before")?),
            author: user(world, request, "author")?,
            assignee: user(world, request, "assignee")?,
            reviewer: user(world, request, "reviewer")?,
            merge_user: merge_user.flatten(),
            labels: args.list("labels"),
            draft,
            source_branch: args.text("source_branch"),
            target_branch: args.text("target_branch"),
            search: args.text("search").map(|text| text.to_lowercase()),
        })
    }

    /// A page. In an order that the World has, only as many are looked at as the answer tells of.
    fn page(&self, world: &World, request: &Request, projects: &[i64]) -> Result<Reply, Failure> {
        let admin = world.is_admin(&request.caller);
        let wants = |found: &MergeRequest| self.wants(world, request, found) && (admin || !world.hidden(found));
        let descending = request.args.text("sort").as_deref() != Some("asc");
        let along = match request.args.text("order_by").as_deref().unwrap_or("created_at") {
            "created_at" => Some((Along::Created, self.created)),
            "updated_at" => Some((Along::Updated, self.updated)),
            _ => None,
        };
        let stretch = along.map_or(Stretch::all(Along::Created, false), |(along, between)| {
            Stretch::all(along, descending).between(between)
        });
        let places = world.places(projects.iter().copied(), stretch).map(|(_, id)| id);
        let found = places.filter(|id| world.glance(*id).is_some_and(|found| wants(&found)));
        let found: Vec<i64> = match along {
            Some(_) => found.take(enough(world, request)?).collect(),
            None => {
                let mut rows: Vec<&MergeRequest> = found.filter_map(|id| world.merge_request(id)).collect();
                order(world, request, &mut rows)?;
                rows.iter().map(|row| row.id).collect()
            }
        };
        let details = request.args.is("with_labels_details");
        let style = if details { LabelStyle::Details } else { LabelStyle::Titles };
        let of_project = request.path.starts_with("/projects/");
        page(world, request, Paging::Offset, &found, |id| {
            let Some(found) = world.merge_request(*id) else {
                return Value::Null;
            };
            let show = || show::merge_request(world, found, style);
            if of_project { world.cached_in_lists(&request.caller, found, details, show) } else { show() }
        })
    }

    fn wants(&self, world: &World, request: &Request, found: &MergeRequest) -> bool {
        let within = |at: jiff::Timestamp, (after, before): Range| {
            after.is_none_or(|after| at >= after) && before.is_none_or(|before| at <= before)
        };
        let mine = request.caller.user.unwrap_or_default();
        let scope = match self.scope.as_str() {
            "created_by_me" => found.author == Some(mine),
            "assigned_to_me" => found.assignees.contains(&mine),
            "reviews_for_me" => found.reviewers.iter().any(|reviewer| reviewer.user == mine),
            _ => true,
        };
        let titled = |text: &String| found.full_title().to_lowercase().contains(text);
        let labelled =
            |title: &String| found.labels.iter().filter_map(|id| world.label(*id)).any(|label| label.title == *title);
        scope
            && (self.iids.is_empty() || self.iids.contains(&found.iid.to_string()))
            && (self.state == "all" || found.state.name() == self.state)
            && within(found.updated_at, self.updated)
            && within(found.created_at, self.created)
            && self.author.is_none_or(|author| found.author == Some(author))
            && self.assignee.is_none_or(|user| found.assignees.contains(&user))
            && self.reviewer.is_none_or(|user| found.reviewers.iter().any(|reviewer| reviewer.user == user))
            && self.merge_user.is_none_or(|user| found.merge_user == Some(user))
            && self.labels.iter().all(labelled)
            && self.draft.is_none_or(|draft| found.draft == draft)
            && self.source_branch.as_ref().is_none_or(|branch| found.source_branch == *branch)
            && self.target_branch.as_ref().is_none_or(|branch| found.target_branch == *branch)
            && self.search.as_ref().is_none_or(titled)
    }
}

/// `<kind>_id` or `<kind>_username`; a name that nobody has matches nothing.
fn user(world: &World, request: &Request, kind: &str) -> Result<Option<i64>, Failure> {
    if let Some(id) = request.args.integer(&format!("{kind}_id"))? {
        return Ok(Some(id));
    }
    let name = request.args.text(&format!("{kind}_username"));
    Ok(name.map(|name| world.user_by_name(&name).map_or(-1, |user| user.id)))
}

fn order(world: &World, request: &Request, found: &mut [&MergeRequest]) -> Result<(), Failure> {
    let ascending = request.args.text("sort").as_deref() == Some("asc");
    match request.args.text("order_by").as_deref().unwrap_or("created_at") {
        "created_at" | "priority" | "label_priority" | "milestone_due" | "popularity" => {
            found.sort_by_key(|found| (found.created_at, found.id));
        }
        "updated_at" => found.sort_by_key(|found| (found.updated_at, found.id)),
        "title" => {
            found.sort_by(|left, right| left.title.cmp(&right.title).then(left.id.cmp(&right.id)));
        }
        "merged_at" if world.settings.at_least(17, 2) => {
            // Rows without the date come last either way.
            if ascending {
                found.sort_by_key(|found| (found.merged_at.is_none(), found.merged_at, found.id));
            } else {
                found.sort_by_key(|found| (found.merged_at.is_none(), Reverse((found.merged_at, found.id))));
            }
            return Ok(());
        }
        _ => return Err(Failure::param("order_by does not have a valid value")),
    }
    if !ascending {
        found.reverse();
    }
    Ok(())
}

/// Whether the caller reads the project's merge requests, for handlers of what hangs on them.
pub(super) fn role(world: &World, request: &Request, project: &Project) -> crate::world::Role {
    world.caller_role(&request.caller, project)
}
