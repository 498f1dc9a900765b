//! Which merge requests a list shows, and in which order.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::world::{Along, MergeRequest, MergeRequestState, Project, ReviewState, Stretch};

use super::arguments::Arguments;
use super::context::Context;
use super::order::{By, Key, Order, Sort, invalid_cursor};
use super::paging::Window;
use super::value::{Connection, Object, Value};

/// A page of the merge requests of a project. Where the caller may not read them it is empty, never null: GitLab's field asks for
/// no right of its own, and its finder finds nothing in no project (`IssuableFinder::Params#project`).
pub(crate) fn of_project<'w>(ctx: &Context<'w>, project: &'w Project, arguments: &Arguments) -> Value<'w> {
    let readable = [project.id].into_iter().filter(|_| ctx.rights(project).merge_requests);
    of_many(ctx, readable.collect::<Vec<_>>().as_slice(), |_| true, arguments)
}

/// A page of merge requests of several projects that the caller may read, of those that the list is about.
pub(crate) fn of_many<'w>(
    ctx: &Context<'w>,
    projects: &[i64],
    about: impl Fn(&MergeRequest) -> bool,
    arguments: &Arguments,
) -> Value<'w> {
    let filter = Filter::of(ctx, arguments);
    let list = List { ctx, projects, filter: &filter, about: &about };
    match list.page(order(arguments), arguments) {
        Ok(page) => Value::Object(Object::Connection(page.into())),
        Err(refusal) => Value::Refused(refusal),
    }
}

/// A list of merge requests.
struct List<'a, 'w> {
    ctx: &'a Context<'w>,
    projects: &'a [i64],
    filter: &'a Filter<'a>,
    about: &'a dyn Fn(&MergeRequest) -> bool,
}

impl<'w> List<'_, 'w> {
    /// A page: in an order that the World has, only the rows of the page are kept.
    fn page(&self, order: Order, arguments: &Arguments) -> Result<Connection<'w>, String> {
        let along = match order.by {
            By::CreatedAt => Along::Created,
            By::UpdatedAt => Along::Updated,
            _ => return self.sorted_page(order, arguments),
        };
        if self.filter.iids.is_some() {
            return self.sorted_page(order, arguments);
        }
        let window = Window::of(self.ctx.world, arguments)?;
        let backwards = window.from_end;
        let all = self.stretch(along, order.descending != backwards);
        let mut stretch = all;
        for (cursor, behind) in [(&window.after, true), (&window.before, false)] {
            let Some(cursor) = cursor else {
                continue;
            };
            let Key(Sort::At(at), id) = order.read(cursor)? else {
                return Err(invalid_cursor());
            };
            if behind == order.descending {
                stretch.to = stretch.to.min((at, id.saturating_sub(1)));
            } else {
                stretch.from = stretch.from.max((at, id.saturating_add(1)));
            }
        }
        let found = self.walk(stretch).take(window.limit + 1);
        let mut nodes: Vec<_> =
            found.filter_map(|id| self.ctx.world.merge_request(id)).map(Object::MergeRequest).collect();
        let more = nodes.len() > window.limit;
        nodes.truncate(window.limit);
        if backwards {
            nodes.reverse();
        }
        let has_next = window.before.is_some() || (!backwards && more);
        let has_previous = window.after.is_some() || (backwards && more);
        let mut page = Connection::page(nodes, order, has_next, has_previous);
        self.sum(&mut page, all, arguments);
        Ok(page)
    }

    /// A page in an order that is made for it.
    fn sorted_page(&self, order: Order, arguments: &Arguments) -> Result<Connection<'w>, String> {
        let world = self.ctx.world;
        let all = Stretch::all(Along::Created, false);
        let ids: Vec<i64> = match &self.filter.iids {
            Some(iids) => {
                let named = self.projects.iter().flat_map(|project| iids.iter().map(move |iid| (*project, *iid)));
                let named = named.filter_map(|(project, iid)| world.merge_request_by_iid(project, iid));
                named.filter(|found| self.wants(found)).map(|found| found.id).collect()
            }
            None => self.walk(all).collect(),
        };
        let mut rows: Vec<_> = ids.iter().filter_map(|id| world.merge_request(*id)).map(Object::MergeRequest).collect();
        order.sort(world, &mut rows);
        let mut page = Connection::cut(world, rows, order, arguments)?;
        if arguments.summed && self.filter.iids.is_none() {
            self.sum(&mut page, all, arguments);
        }
        Ok(page)
    }

    fn stretch(&self, along: Along, descending: bool) -> Stretch {
        let between = if along == Along::Created { self.filter.created } else { self.filter.updated };
        Stretch::all(along, descending).between(between)
    }

    /// Ids of the merge requests that are wanted, in order.
    fn walk(&self, stretch: Stretch) -> impl Iterator<Item = i64> {
        let places = self.ctx.world.places(self.projects.iter().copied(), stretch);
        places.map(|(_, id)| id).filter(|id| self.ctx.world.glance(*id).is_some_and(|found| self.wants(&found)))
    }

    fn wants(&self, found: &MergeRequest) -> bool {
        self.filter.matches(self.ctx, found) && (self.about)(found)
    }

    /// What is reckoned over all pages, where it is asked for.
    fn sum(&self, page: &mut Connection<'w>, all: Stretch, arguments: &Arguments) {
        if arguments.counted {
            page.count = self.walk(all).count();
        }
        if arguments.summed {
            let world = self.ctx.world;
            let rows = self.walk(all).filter_map(|id| time_to_merge(world.glance(id)?.as_ref()));
            page.time_to_merge = rows.reduce(|sum, took| sum + took);
        }
    }
}

fn time_to_merge(merge_request: &MergeRequest) -> Option<f64> {
    let took = merge_request.merged_at?.duration_since(merge_request.created_at);
    Some(took.as_secs_f64())
}

/// The order that `sort` asks for, in either spelling.
fn order(arguments: &Arguments) -> Order {
    match arguments.text("sort").unwrap_or_default().to_ascii_lowercase().as_str() {
        "updated_asc" => Order::ascending(By::UpdatedAt),
        "updated_desc" => Order::descending(By::UpdatedAt),
        "created_asc" => Order::ascending(By::CreatedAt),
        "merged_at_asc" => Order::ascending(By::MergedAt),
        "merged_at_desc" => Order::descending(By::MergedAt),
        "closed_at_asc" => Order::ascending(By::ClosedAt),
        "closed_at_desc" => Order::descending(By::ClosedAt),
        "title_asc" => Order::ascending(By::Title),
        "title_desc" => Order::descending(By::Title),
        _ => Order::descending(By::CreatedAt),
    }
}

type Between = (Option<Timestamp>, Option<Timestamp>);

/// The filters of a list of merge requests.
struct Filter<'a> {
    iids: Option<Vec<i64>>,
    state: Option<&'a str>,
    draft: Option<bool>,
    created: Between,
    updated: Between,
    merged: Between,
    closed: Between,
    labels: Vec<&'a str>,
    milestone: Option<&'a str>,
    sources: Option<Vec<&'a str>>,
    targets: Option<Vec<&'a str>>,
    search: Option<String>,
    reviews: Option<Vec<&'a str>>,
    people: People<'a>,
    not: Option<Negated<'a>>,
    or: Option<&'a Json>,
}

/// Who takes part.
struct People<'a> {
    author: Option<&'a str>,
    assignees: Vec<&'a str>,
    reviewer: Option<&'a str>,
    merged_by: Option<&'a str>,
    approved_by: Vec<&'a str>,
}

/// What must not be.
struct Negated<'a>(&'a Json);

impl<'a> Filter<'a> {
    fn of(ctx: &Context<'_>, arguments: &'a Arguments) -> Filter<'a> {
        let between = |after: &str, before: &str| (ctx.time(arguments.text(after)), ctx.time(arguments.text(before)));
        let mut labels = arguments.texts("labels").unwrap_or_default();
        labels.extend(arguments.texts("labelName").unwrap_or_default());
        let mut assignees = arguments.texts("assigneeUsernames").unwrap_or_default();
        assignees.extend(arguments.text("assigneeUsername"));
        let mut reviews = arguments.texts("reviewStates");
        if let Some(state) = arguments.text("reviewState") {
            reviews.get_or_insert_default().push(state);
        }
        let mut iids: Option<Vec<i64>> =
            arguments.texts("iids").map(|iids| iids.iter().filter_map(|iid| iid.parse().ok()).collect());
        if let Some(iids) = &mut iids {
            iids.sort_unstable();
            iids.dedup();
        }
        Filter {
            iids,
            state: arguments.text("state").filter(|state| *state != "all"),
            draft: arguments.get("draft").and_then(Json::as_bool),
            created: between("createdAfter", "createdBefore"),
            updated: between("updatedAfter", "updatedBefore"),
            merged: between("mergedAfter", "mergedBefore"),
            closed: between("closedAfter", "closedBefore"),
            labels,
            milestone: arguments.text("milestoneTitle"),
            sources: arguments.texts("sourceBranches"),
            targets: arguments.texts("targetBranches"),
            search: arguments.text("search").map(str::to_lowercase),
            reviews,
            people: People {
                author: arguments.text("authorUsername"),
                assignees,
                reviewer: arguments.text("reviewerUsername"),
                merged_by: arguments.text("mergedBy"),
                approved_by: arguments.texts("approvedBy").unwrap_or_default(),
            },
            not: arguments.get("not").map(Negated),
            or: arguments.get("or"),
        }
    }

    fn matches(&self, ctx: &Context<'_>, row: &MergeRequest) -> bool {
        let visible = !ctx.world.hidden(row) || ctx.admin();
        let iid = self.iids.as_ref().is_none_or(|iids| iids.contains(&row.iid));
        let state = self.state.is_none_or(|state| state == row.state.name());
        let draft = self.draft.is_none_or(|draft| draft == row.draft);
        let closed = row.closed_at.filter(|_| row.state == MergeRequestState::Closed);
        visible
            && iid
            && state
            && draft
            && within(self.created, Some(row.created_at))
            && within(self.updated, Some(row.updated_at))
            && within(self.merged, row.merged_at)
            && within(self.closed, closed)
            && self.labels.iter().all(|label| has_label(ctx, row, label))
            && self.milestone.is_none_or(|title| title.eq_ignore_ascii_case("none"))
            && self.sources.as_ref().is_none_or(|names| names.contains(&row.source_branch.as_str()))
            && self.targets.as_ref().is_none_or(|names| names.contains(&row.target_branch.as_str()))
            && self.search.as_ref().is_none_or(|text| mentions(row, text))
            && self.reviews.as_ref().is_none_or(|states| in_review(row, states))
            && self.people.match_all(ctx, row)
            && self.not.as_ref().is_none_or(|not| not.holds(ctx, row))
            && self.or.is_none_or(|or| any_of(ctx, row, or))
    }
}

impl People<'_> {
    fn match_all(&self, ctx: &Context<'_>, row: &MergeRequest) -> bool {
        self.author.is_none_or(|name| is_user(ctx, row.author, name))
            && self.assignees.iter().all(|name| is_assigned(ctx, row, name))
            && self.reviewer.is_none_or(|name| is_reviewer(ctx, row, name))
            && self.merged_by.is_none_or(|name| is_user(ctx, row.merge_user, name))
            && self.approved_by.iter().all(|name| ctx.user_id(name).is_some_and(|id| row.approved_by(id)))
    }
}

impl Negated<'_> {
    fn holds(&self, ctx: &Context<'_>, row: &MergeRequest) -> bool {
        let is = |name: &str, test: &dyn Fn(&str) -> bool| {
            let value = self.0.get(name);
            texts(value).iter().any(|text| test(text))
        };
        !(is("labels", &|label| has_label(ctx, row, label))
            || is("labelName", &|label| has_label(ctx, row, label))
            || is("authorUsername", &|name| is_user(ctx, row.author, name))
            || is("assigneeUsername", &|name| is_assigned(ctx, row, name))
            || is("reviewerUsername", &|name| is_reviewer(ctx, row, name))
            || is("sourceBranches", &|name| row.source_branch == name)
            || is("targetBranches", &|name| row.target_branch == name))
    }
}

fn any_of(ctx: &Context<'_>, row: &MergeRequest, or: &Json) -> bool {
    let any = |name: &str, test: &dyn Fn(&str) -> bool| {
        let names = texts(or.get(name));
        names.is_empty() || names.iter().any(|text| test(text))
    };
    any("authorUsernames", &|name| is_user(ctx, row.author, name))
        && any("assigneeUsernames", &|name| is_assigned(ctx, row, name))
        && any("reviewerUsernames", &|name| is_reviewer(ctx, row, name))
        && any("labelNames", &|label| has_label(ctx, row, label))
}

fn texts(value: Option<&Json>) -> Vec<&str> {
    match value {
        Some(Json::String(text)) => vec![text],
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Both ends are included, as in GitLab.
fn within((after, before): Between, at: Option<Timestamp>) -> bool {
    if after.is_none() && before.is_none() {
        return true;
    }
    at.is_some_and(|at| after.is_none_or(|after| at >= after) && before.is_none_or(|before| at <= before))
}

fn has_label(ctx: &Context<'_>, row: &MergeRequest, label: &str) -> bool {
    match label.to_ascii_lowercase().as_str() {
        "none" => row.labels.is_empty(),
        "any" => !row.labels.is_empty(),
        _ => row.labels.iter().any(|id| ctx.world.label(*id).is_some_and(|known| known.title == label)),
    }
}

fn mentions(row: &MergeRequest, text: &str) -> bool {
    let description = row.description.as_deref().map_or(Cow::Borrowed(""), |text| text.to_lowercase().into());
    row.full_title().to_lowercase().contains(text) || description.contains(text)
}

fn in_review(row: &MergeRequest, states: &[&str]) -> bool {
    let wanted = |state: ReviewState| states.contains(&state.enum_name());
    row.reviewers.iter().any(|reviewer| wanted(reviewer.state))
}

fn is_user(ctx: &Context<'_>, user: Option<i64>, name: &str) -> bool {
    user.is_some() && user == ctx.user_id(name)
}

fn is_assigned(ctx: &Context<'_>, row: &MergeRequest, name: &str) -> bool {
    ctx.user_id(name).is_some_and(|id| row.assignees.contains(&id))
}

fn is_reviewer(ctx: &Context<'_>, row: &MergeRequest, name: &str) -> bool {
    ctx.user_id(name).is_some_and(|id| row.reviewers.iter().any(|reviewer| reviewer.user == id))
}
