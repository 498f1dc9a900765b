//! Search: everywhere, in a group, in a project (`lib/api/search.rb`).

use axum::http::StatusCode;
use serde_json::Value;

use super::page::{Paging, page};
use super::params::{PAGED, Param, SORTS, one_of, text, truth};
use super::route::Needs::User;
use super::route::{Route, read};
use super::show::LabelStyle;
use super::{Failure, Reply, Request, find, search, show};
use crate::world::{Issue, MergeRequest, Milestone, Owner, Project, Role, World};

/// What needs advanced search outside of a project (`ADVANCED_SEARCH_SCOPES`).
static ADVANCED: &[&str] = &["wiki_blobs", "blobs", "commits", "notes"];

static EVERYWHERE: &[Param] = &[
    text("search").required(),
    one_of("scope", &["projects", "issues", "merge_requests", "milestones", "snippet_titles", "users"]).required(),
    one_of(
        "scope",
        &[
            "projects",
            "issues",
            "merge_requests",
            "milestones",
            "snippet_titles",
            "users",
            "wiki_blobs",
            "commits",
            "blobs",
            "notes",
        ],
    )
    .required()
    .enterprise(),
];
static IN_GROUP: &[Param] = &[
    text("search").required(),
    one_of("scope", &["projects", "issues", "merge_requests", "milestones", "users"]).required(),
    one_of(
        "scope",
        &["projects", "issues", "merge_requests", "milestones", "users", "wiki_blobs", "commits", "blobs", "notes"],
    )
    .required()
    .enterprise(),
];
static IN_PROJECT: &[Param] = &[
    text("search").required(),
    one_of("scope", &["issues", "merge_requests", "milestones", "notes", "wiki_blobs", "commits", "blobs", "users"])
        .required(),
    text("ref"),
];
static SHARED: &[Param] = &[
    one_of("state", &["all", "opened", "closed", "merged"]),
    truth("confidential"),
    one_of("order_by", &["created_at"]),
    one_of("sort", SORTS),
];

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/search", User, everywhere).takes(&[EVERYWHERE, SHARED, PAGED]),
    read("/groups/:id/search", User, in_group).takes(&[IN_GROUP, SHARED, PAGED]),
    read("/groups/:id/-/search", User, in_group).takes(&[IN_GROUP, SHARED, PAGED]),
    read("/projects/:id/search", User, in_project).takes(&[IN_PROJECT, SHARED, PAGED]),
    read("/projects/:id/-/search", User, in_project).takes(&[IN_PROJECT, SHARED, PAGED]),
];

fn everywhere(world: &World, request: &Request) -> Result<Reply, Failure> {
    refuse_advanced(request)?;
    let owners =
        world.groups().filter(|group| world.sees_group(&request.caller, group)).map(|group| Owner::Group(group.id));
    Search { world, request, projects: seen(world, request, world.projects()) }.answer(owners.collect())
}

fn in_group(world: &World, request: &Request) -> Result<Reply, Failure> {
    refuse_advanced(request)?;
    let group = find::group(world, request)?.id;
    let groups: Vec<i64> = std::iter::once(group).chain(world.descendant_groups(group)).collect();
    let below = groups.iter().flat_map(|id| world.projects_of_group(*id)).filter_map(|id| world.project(*id));
    let projects = seen(world, request, below);
    Search { world, request, projects }.answer(groups.into_iter().map(Owner::Group).collect())
}

fn in_project(world: &World, request: &Request) -> Result<Reply, Failure> {
    let project = find::project(world, request)?;
    Search { world, request, projects: vec![project] }.answer(Vec::new())
}

fn seen<'w>(world: &World, request: &Request, projects: impl Iterator<Item = &'w Project>) -> Vec<&'w Project> {
    projects.filter(|project| world.sees_project(&request.caller, project)).collect()
}

/// Without advanced search some scopes are refused (`ee/lib/ee/api/search.rb`).
fn refuse_advanced(request: &Request) -> Result<(), Failure> {
    let scope = request.args.filled("scope").unwrap_or_default();
    if !ADVANCED.contains(&scope.as_str()) {
        return Ok(());
    }
    let also = if scope == "blobs" { " or exact code search" } else { "" };
    Err(Failure::message(StatusCode::BAD_REQUEST, &format!("Scope supported only with advanced search{also}")))
}

/// A search in these projects.
struct Search<'w> {
    world: &'w World,
    request: &'w Request,
    projects: Vec<&'w Project>,
}

impl Search<'_> {
    fn answer(&self, groups: Vec<Owner>) -> Result<Reply, Failure> {
        let (world, request) = (self.world, self.request);
        match request.args.filled("scope").unwrap_or_default().as_str() {
            "projects" => {
                let named = |project: &&&Project| {
                    let description = project.description.as_deref().unwrap_or_default();
                    self.matches([&project.name, &project.path, description])
                };
                let found: Vec<&&Project> = self.projects.iter().filter(named).collect();
                page(world, request, Paging::Offset, &found, |found| show::project_simple(world, found))
            }
            "issues" => {
                let found = self.issues();
                page(world, request, Paging::Offset, &found, |issue| {
                    show::issue(world, issue, LabelStyle::Titles, None)
                })
            }
            "merge_requests" => {
                let found = self.merge_requests();
                page(world, request, Paging::Offset, &found, |found| {
                    show::merge_request(world, found, LabelStyle::Titles, None)
                })
            }
            "milestones" => {
                let owners = groups.into_iter().chain(self.projects.iter().map(|project| Owner::Project(project.id)));
                let all = owners.flat_map(|owner| world.milestones_of(owner));
                let titled = |found: &&Milestone| self.matches([&found.title, &found.description]);
                let found: Vec<&Milestone> = all.filter(titled).collect();
                page(world, request, Paging::Offset, &found, |found| show::milestone(world, found))
            }
            "users" => {
                let found = self.users();
                page(world, request, Paging::Offset, &found, |user| show::user_basic(world, Some(*user)))
            }
            // Snippets, wikis and texts are none that the World keeps.
            _ => page(world, request, Paging::Offset, &[], Value::clone),
        }
    }

    fn matches<const N: usize>(&self, columns: [&str; N]) -> bool {
        let text = self.request.args.filled("search").unwrap_or_default();
        search::matches(&text, columns)
    }

    /// `#7` or `!7` names one by its number.
    fn number(&self, sign: char) -> Option<i64> {
        self.request.args.filled("search")?.strip_prefix(sign)?.parse().ok()
    }

    fn issues(&self) -> Vec<&Issue> {
        let (state, iid) = (self.request.args.filled("state"), self.number('#'));
        let caller = &self.request.caller;
        let all = self.projects.iter().flat_map(|project| {
            self.world.issues_of(project.id).filter(|issue| self.world.sees_issue(caller, project, issue))
        });
        let wanted = |issue: &&Issue| {
            let described = issue.description.as_deref().unwrap_or_default();
            let open = if issue.closed_at.is_some() { "closed" } else { "opened" };
            let found = iid.map_or_else(|| self.matches([&issue.title, described]), |iid| issue.iid == iid);
            found && state.as_deref().is_none_or(|state| state == "all" || state == open)
        };
        let mut found: Vec<&Issue> = all.filter(wanted).collect();
        found.sort_by_key(|issue| std::cmp::Reverse((issue.created_at, issue.id)));
        found
    }

    fn merge_requests(&self) -> Vec<&MergeRequest> {
        let (state, iid) = (self.request.args.filled("state"), self.number('!'));
        let caller = &self.request.caller;
        let readable = self.projects.iter().filter(|project| self.world.reads_merge_requests(caller, project));
        let all = readable.flat_map(|project| self.world.merge_requests_of(project.id));
        let wanted = |candidate: &&MergeRequest| {
            let described = candidate.description.as_deref().unwrap_or_default();
            let titled = || self.matches([&candidate.full_title(), described]);
            iid.map_or_else(titled, |iid| candidate.iid == iid)
                && state.as_deref().is_none_or(|state| state == "all" || state == candidate.state.name())
                && (self.world.is_admin(caller) || !self.world.hidden(candidate))
        };
        let mut found: Vec<&MergeRequest> = all.filter(wanted).collect();
        found.sort_by_key(|found| std::cmp::Reverse((found.created_at, found.id)));
        found
    }

    /// Everybody, or the members of the place.
    fn users(&self) -> Vec<i64> {
        let everywhere = self.request.params.is_empty();
        let member =
            |user: i64| self.projects.iter().any(|project| self.world.role_in_project(user, project) > Role::None);
        let active = self.world.users().filter(|user| user.state == crate::world::UserState::Active);
        let named = active.filter(|user| self.matches([&user.username, &user.name]));
        named.map(|user| user.id).filter(|user| everywhere || member(*user)).collect()
    }
}
