//! The table of routes, and how a path finds its own.

use axum::http::Method;
use percent_encoding::percent_decode_str;

use super::route::Route;
use super::{
    admin, approval_rules, approvals, awards, billable, commits, contents, deployment_list, deployments, discussion,
    draft_notes, environments, events, finder, group, groups, hooks, instance, jobs, label, labels, member, members,
    merge_request, merge_requests, merging, namespaces, note, notes, participants, personal_tokens, pipeline,
    pipelines, planning, project, projects, related, repository, resource_events, resource_tokens, service_accounts,
    stars, subscriptions, tokens, user, users, versions,
};
use crate::world::Settings;

/// A route with what stands for its placeholders.
#[derive(Debug)]
pub(crate) struct Matched {
    /// The route.
    pub(crate) route: &'static Route,
    /// Decoded.
    pub(crate) params: Vec<String>,
}

/// The routes of every room. The first one that fits answers.
static ROOMS: &[&[Route]] = &[
    pipeline::ROUTES,
    jobs::ROUTES,
    environments::ROUTES,
    deployments::ROUTES,
    contents::ROUTES,
    planning::issues::ROUTES,
    planning::issue_details::ROUTES,
    planning::issue_changes::ROUTES,
    planning::issue_notes::ROUTES,
    planning::issue_events::ROUTES,
    planning::issue_awards::ROUTES,
    planning::milestones::ROUTES,
    planning::milestone_changes::ROUTES,
    events::ROUTES,
    finder::ROUTES,
    namespaces::ROUTES,
    admin::ROUTES,
    repository::branches::ROUTES,
    repository::tags::ROUTES,
    repository::commits::ROUTES,
    repository::statuses::ROUTES,
    repository::history::ROUTES,
    repository::compare::ROUTES,
    repository::releases::ROUTES,
    instance::ROUTES,
    users::ROUTES,
    members::ROUTES,
    tokens::ROUTES,
    personal_tokens::ROUTES,
    resource_tokens::ROUTES,
    groups::ROUTES,
    labels::ROUTES,
    merge_requests::ROUTES,
    projects::ROUTES,
    commits::ROUTES,
    approvals::ROUTES,
    approval_rules::ROUTES,
    notes::ROUTES,
    pipelines::ROUTES,
    deployment_list::ROUTES,
    hooks::ROUTES,
    label::ROUTES,
    member::ROUTES,
    merge_request::ROUTES,
    merging::ROUTES,
    discussion::ROUTES,
    note::ROUTES,
    draft_notes::ROUTES,
    project::ROUTES,
    group::ROUTES,
    user::ROUTES,
    related::ROUTES,
    versions::ROUTES,
    participants::ROUTES,
    awards::ROUTES,
    resource_events::ROUTES,
    subscriptions::ROUTES,
    stars::ROUTES,
    service_accounts::ROUTES,
    billable::ROUTES,
];

/// Every route there is: method, template, since when, and where.
pub(crate) fn table() -> Vec<[String; 4]> {
    let line = |route: &Route| {
        let (major, minor) = route.since;
        let since = if major == 0 { String::new() } else { format!("{major}.{minor}") };
        let edition = if route.enterprise { "Enterprise" } else { "" };
        [route.method, route.template, &since, edition].map(str::to_owned)
    };
    let mut table: Vec<_> = ROOMS.iter().copied().flatten().map(line).collect();
    table.sort_by(|left, right| left[1].cmp(&right[1]).then(left[0].cmp(&right[0])));
    table
}

/// The route of a path below `/api/v4`, if this GitLab has it.
pub(crate) fn find(settings: &Settings, method: &Method, path: &str) -> Option<Matched> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let path = path.trim_end_matches('/');
    let exists = |route: &&Route| {
        let (major, minor) = route.since;
        settings.at_least(major, minor) && (settings.edition.enterprise() || !route.enterprise)
    };
    let routes = ROOMS.iter().copied().flatten().filter(|route| route.method == method).filter(exists);
    let mut matched = routes.filter_map(|route| Some(Matched { route, params: params(route.template, path)? }));
    matched.next()
}

fn params(template: &str, path: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut wanted = template.split('/');
    let mut given = path.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(found),
            (Some(wanted), Some(given)) if wanted.starts_with(':') => {
                // A hook id is a number, so that `/hooks/test` is no route.
                found.push(percent_decode_str(given).decode_utf8_lossy().into_owned());
            }
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Edition, Version};

    fn template(settings: &Settings, path: &str) -> Option<(&'static str, Vec<String>)> {
        find(settings, &Method::GET, path).map(|matched| (matched.route.template, matched.params))
    }

    #[test]
    fn an_encoded_path_stands_for_an_id() {
        let found = template(&Settings::default(), "/projects/acme%2Fweb/merge_requests/7");

        let expected = ("/projects/:id/merge_requests/:iid", vec!["acme/web".to_owned(), "7".to_owned()]);
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn the_community_edition_has_no_approval_state_and_no_group_hooks() {
        let settings = Settings { edition: Edition::Community, ..Settings::default() };

        assert_eq!(template(&settings, "/projects/1/merge_requests/1/approval_state"), None);
        assert_eq!(template(&settings, "/groups/1/hooks"), None);
    }

    #[test]
    fn an_old_gitlab_lacks_what_came_later() {
        let settings = Settings { version: Version::new(15, 1), ..Settings::default() };

        assert_eq!(template(&settings, "/metadata"), None);
        assert!(template(&settings, "/version").is_some());
    }
}
