//! Lists of projects.

use jiff::civil::Date;
use serde_json::Value as Json;

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Value};
use crate::world::{Along, Feature, MergeRequest, Namespace, Project, Role, Stretch};

use super::kit::{ids, matches, page};
use super::member::level_of;

/// All projects that the caller sees.
pub(crate) fn all<'w>(ctx: &Context<'w>, arguments: &Arguments) -> Value<'w> {
    let paths = arguments.texts("fullPaths");
    let archived = arguments.text("archived");
    let topics = arguments.texts("topics").unwrap_or_default();
    let namespace = arguments.text("namespacePath");
    let level = arguments.text("visibilityLevel");
    let found = ctx.world.projects().filter(|project| {
        let place = project.full_path.rsplit_once('/').map_or("", |(place, _)| place);
        ctx.rights(project).project
            && paths.as_ref().is_none_or(|paths| paths.iter().any(|path| path.eq_ignore_ascii_case(&project.full_path)))
            && archived.is_none_or(|which| which == "INCLUDE" || project.archived == (which == "ONLY"))
            && topics.iter().all(|topic| project.topics.iter().any(|known| known == topic))
            && namespace.is_none_or(|namespace| namespace.eq_ignore_ascii_case(place))
            && level.is_none_or(|level| level == project.visibility.name())
            && (!arguments.flag("membership") || own_role(ctx, project) > Role::None)
            && (!arguments.flag("personal") || is_personal(ctx, project))
    });
    list(ctx, found, arguments, order(arguments.text("sort")))
}

/// Those of a group.
pub(crate) fn of_group<'w>(ctx: &Context<'w>, group: i64, arguments: &Arguments) -> Value<'w> {
    let mut groups = vec![group];
    if arguments.flag("includeSubgroups") {
        groups.extend(ctx.world.descendant_groups(group));
    }
    if arguments.flag("includeSiblingProjects") {
        let parent = ctx.world.group(group).and_then(|group| group.parent);
        groups.extend(parent);
    }
    let with_archived = arguments.get("includeArchived").is_none_or(|value| value == true);
    let all = groups.iter().flat_map(|id| ctx.world.projects_of_group(*id));
    let found = all.filter_map(|id| ctx.project(Some(*id))).filter(|project| {
        (with_archived || !project.archived) && (!arguments.flag("archivedOnly") || project.archived)
    });
    list(ctx, found, arguments, order(arguments.text("sort")))
}

/// Those that a group was invited to.
pub(crate) fn shared_with<'w>(ctx: &Context<'w>, group: i64, arguments: &Arguments) -> Value<'w> {
    let invites = |project: &&Project| project.shared_with.iter().any(|(id, _)| *id == group);
    let found = ctx.world.projects().filter(invites).filter(|project| ctx.rights(project).project);
    list(ctx, found, arguments, order(arguments.text("sort")))
}

/// Those in which a user wrote merge requests or notes.
pub(crate) fn contributed_by<'w>(ctx: &Context<'w>, user: i64, arguments: &Arguments) -> Value<'w> {
    let found = ctx.world.projects().filter(|project| {
        let mut places = ctx.world.places([project.id], Stretch::all(Along::Updated, true));
        let is_own =
            |one: &MergeRequest| one.author == Some(user) || one.notes.iter().any(|note| note.author == Some(user));
        ctx.rights(project).merge_requests
            && (arguments.flag("includePersonal") || project.namespace != Namespace::User(user))
            && places.any(|(_, id)| ctx.world.glance(id).is_some_and(|one| is_own(&one)))
    });
    list(ctx, found, arguments, order(arguments.text("sort")))
}

/// How many projects a user belongs to, of those the caller sees.
pub(crate) fn count_of(ctx: &Context<'_>, user: i64) -> usize {
    let visible = ctx.world.projects().filter(|project| ctx.rights(project).project);
    visible.filter(|project| ctx.world.role_in_project(user, project) > Role::None).count()
}

/// A page of what passes the filters that all lists share.
fn list<'w>(
    ctx: &Context<'w>,
    found: impl Iterator<Item = &'w Project>,
    arguments: &Arguments,
    order: Order,
) -> Value<'w> {
    let ids = ids(arguments);
    let search = arguments.text("search").filter(|text| !text.is_empty()).map(str::to_lowercase);
    let least = arguments.text("minAccessLevel").map(level_of);
    let active = arguments.get("active").and_then(Json::as_bool);
    let marked = arguments.text("markedForDeletionOn").and_then(|day| day.parse::<Date>().ok());
    // What the World has none of: languages, trends, scans, failed checks and Duo.
    let never = ["programmingLanguageName", "complianceFrameworkFilters", "sbomComponentId", "duoLicensedFeature"];
    let off = ["hasCodeCoverage", "hasVulnerabilities", "lastRepositoryCheckFailed", "trending", "withDuoEligible"];
    let nothing = never.iter().any(|name| arguments.get(name).is_some()) || off.iter().any(|name| arguments.flag(name));
    let found = found.filter(|project| {
        let doomed = project.marked_for_deletion_on.is_some();
        !nothing
            && ids.as_ref().is_none_or(|ids| ids.contains(&project.id))
            && least.is_none_or(|least| own_role(ctx, project).level() >= least)
            && active.is_none_or(|active| active != (project.archived || doomed))
            && (!arguments.flag("aimedForDeletion") || doomed)
            && (!arguments.flag("notAimedForDeletion") || !doomed)
            && marked.is_none_or(|day| project.marked_for_deletion_on == Some(day))
            && (!arguments.flag("withIssuesEnabled") || issues_enabled(ctx, project))
            && (!arguments.flag("withMergeRequestsEnabled") || ctx.merge_requests_enabled(project))
            && search.as_ref().is_none_or(|text| is_found(project, text, arguments))
    });
    page(found.map(Object::Project).collect(), order, arguments)
}

fn is_found(project: &Project, text: &str, arguments: &Arguments) -> bool {
    let description = project.description.as_deref().unwrap_or_default().to_lowercase();
    let place = arguments.flag("searchNamespaces") && project.full_path.to_lowercase().contains(text);
    matches(text, &project.name, &project.path) || description.contains(text) || place
}

fn own_role(ctx: &Context<'_>, project: &Project) -> Role {
    ctx.caller.user.map_or(Role::None, |user| ctx.world.role_in_project(user, project))
}

fn is_personal(ctx: &Context<'_>, project: &Project) -> bool {
    ctx.caller.user.is_some_and(|user| project.namespace == Namespace::User(user))
}

fn issues_enabled(ctx: &Context<'_>, project: &Project) -> bool {
    match project.issues_access {
        Feature::Disabled => false,
        Feature::Private => ctx.rights(project).role >= Role::Guest,
        Feature::Enabled => true,
    }
}

/// The order of a list of projects; by default the newest come first.
fn order(sort: Option<&str>) -> Order {
    match sort.unwrap_or_default().to_ascii_lowercase().as_str() {
        "id_asc" => Order::ascending(By::Id),
        "name_asc" => Order::ascending(By::Name),
        "name_desc" => Order::descending(By::Name),
        "path_asc" => Order::ascending(By::Path),
        "path_desc" => Order::descending(By::Path),
        "created_asc" | "created_at_asc" => Order::ascending(By::CreatedAt),
        "created_desc" | "created_at_desc" => Order::descending(By::CreatedAt),
        "updated_asc" | "updated_at_asc" => Order::ascending(By::UpdatedAt),
        "updated_desc" | "updated_at_desc" => Order::descending(By::UpdatedAt),
        "latest_activity_asc" => Order::ascending(By::LastActivityAt),
        "latest_activity_desc" | "activity_desc" => Order::descending(By::LastActivityAt),
        _ => Order::descending(By::Id),
    }
}
