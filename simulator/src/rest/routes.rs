//! The table of routes, and how a path finds its own.

use axum::http::Method;
use percent_encoding::percent_decode_str;

use super::guard::Needs;
use super::{
    Read, Write, approvals, groups, hooks, instance, labels, merge_requests, notes, pipelines, projects, tokens, users,
};
use crate::world::Settings;

/// What answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handler {
    /// Only reads.
    Read(Read),
    /// Changes the World.
    Write(Write),
}

/// A route of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    /// The method.
    pub(crate) method: &'static str,
    /// The path below `/api/v4`, with `:placeholders`.
    pub(crate) template: &'static str,
    /// What the token must be able to do.
    pub(crate) needs: Needs,
    /// Since when it exists.
    since: (u32, u32),
    /// Whether only Enterprise builds have it.
    enterprise: bool,
    /// What answers.
    pub(crate) handler: Handler,
}

/// A route with what stands for its placeholders.
#[derive(Debug)]
pub(crate) struct Matched {
    /// The route.
    pub(crate) route: &'static Route,
    /// Decoded.
    pub(crate) params: Vec<String>,
}

const fn read(template: &'static str, needs: Needs, handler: Read) -> Route {
    Route { method: "GET", template, needs, since: (0, 0), enterprise: false, handler: Handler::Read(handler) }
}

const fn write(method: &'static str, template: &'static str, needs: Needs, handler: Write) -> Route {
    Route { method, template, needs, since: (0, 0), enterprise: false, handler: Handler::Write(handler) }
}

const fn since(major: u32, minor: u32, route: Route) -> Route {
    Route { since: (major, minor), ..route }
}

const fn enterprise(route: Route) -> Route {
    Route { enterprise: true, ..route }
}

use Needs::{Admin, AnyScope, Nothing, Profile, Rotate, User};

#[rustfmt::skip]
static ROUTES: &[Route] = &[
    read("/version", User, instance::version),
    since(15, 2, read("/metadata", User, instance::metadata)),
    read("/user", Profile, users::current),
    read("/users", Profile, users::list),
    read("/users/:id", Profile, users::one),
    since(15, 5, read("/personal_access_tokens/self", AnyScope, tokens::current)),
    since(16, 10, write("POST", "/personal_access_tokens/self/rotate", Rotate, tokens::rotate)),
    since(16, 10, write("POST", "/groups/:id/access_tokens/self/rotate", Rotate, tokens::rotate_in_group)),
    since(16, 10, write("POST", "/projects/:id/access_tokens/self/rotate", Rotate, tokens::rotate_in_project)),
    read("/groups", Nothing, groups::list),
    read("/groups/:id", Nothing, groups::one),
    read("/groups/:id/subgroups", Nothing, groups::subgroups),
    read("/groups/:id/descendant_groups", Nothing, groups::descendants),
    read("/groups/:id/projects", Nothing, groups::projects),
    read("/groups/:id/members", Nothing, users::group_members),
    read("/groups/:id/members/all", Nothing, users::group_members_all),
    read("/groups/:id/labels", Nothing, labels::of_group),
    read("/groups/:id/merge_requests", Nothing, merge_requests::of_group),
    read("/projects", Nothing, projects::list),
    read("/projects/:id", Nothing, projects::one),
    read("/projects/:id/labels", Nothing, labels::of_project),
    read("/projects/:id/members", Nothing, users::project_members),
    read("/projects/:id/members/all", Nothing, users::project_members_all),
    read("/projects/:id/users", Nothing, users::of_project),
    read("/projects/:id/merge_requests", Nothing, merge_requests::of_project),
    read("/projects/:id/merge_requests/:iid", Nothing, merge_requests::one),
    read("/projects/:id/merge_requests/:iid/approvals", User, approvals::approvals),
    enterprise(read("/projects/:id/merge_requests/:iid/approval_state", User, approvals::state)),
    read("/projects/:id/merge_requests/:iid/notes", Nothing, notes::list),
    read("/projects/:id/merge_requests/:iid/notes/:note_id", Nothing, notes::one),
    write("POST", "/projects/:id/merge_requests/:iid/notes", User, notes::create),
    read("/projects/:id/merge_requests/:iid/discussions", Nothing, notes::discussions),
    read("/projects/:id/merge_requests/:iid/commits", Nothing, merge_requests::commits),
    read("/projects/:id/repository/commits", Nothing, projects::commits),
    read("/projects/:id/deployments", Nothing, pipelines::deployments),
    read("/projects/:id/pipelines", Nothing, pipelines::list),
    read("/projects/:id/pipelines/:pipeline_id", Nothing, pipelines::one),
    read("/projects/:id/pipelines/:pipeline_id/jobs", Nothing, pipelines::jobs),
    read("/projects/:id/jobs", User, pipelines::all_jobs),
    read("/merge_requests", User, merge_requests::everywhere),
    read("/projects/:id/hooks", User, hooks::list),
    write("POST", "/projects/:id/hooks", User, hooks::create),
    read("/projects/:id/hooks/:hook_id", User, hooks::one),
    write("PUT", "/projects/:id/hooks/:hook_id", User, hooks::update),
    write("DELETE", "/projects/:id/hooks/:hook_id", User, hooks::delete),
    since(16, 11, write("POST", "/projects/:id/hooks/:hook_id/test/:trigger", User, hooks::test)),
    since(17, 3, read("/projects/:id/hooks/:hook_id/events", User, hooks::events)),
    since(17, 4, write("POST", "/projects/:id/hooks/:hook_id/events/:event_id/resend", User, hooks::resend)),
    write("PUT", "/projects/:id/hooks/:hook_id/url_variables/:key", User, hooks::set_variable),
    write("DELETE", "/projects/:id/hooks/:hook_id/url_variables/:key", User, hooks::delete_variable),
    since(17, 1, write("PUT", "/projects/:id/hooks/:hook_id/custom_headers/:key", User, hooks::set_header)),
    since(17, 1, write("DELETE", "/projects/:id/hooks/:hook_id/custom_headers/:key", User, hooks::delete_header)),
    enterprise(read("/groups/:id/hooks", User, hooks::list)),
    enterprise(write("POST", "/groups/:id/hooks", User, hooks::create)),
    enterprise(read("/groups/:id/hooks/:hook_id", User, hooks::one)),
    enterprise(write("PUT", "/groups/:id/hooks/:hook_id", User, hooks::update)),
    enterprise(write("DELETE", "/groups/:id/hooks/:hook_id", User, hooks::delete)),
    enterprise(since(17, 1, write("POST", "/groups/:id/hooks/:hook_id/test/:trigger", User, hooks::test))),
    enterprise(since(17, 3, read("/groups/:id/hooks/:hook_id/events", User, hooks::events))),
    enterprise(since(17, 4, write("POST", "/groups/:id/hooks/:hook_id/events/:event_id/resend", User, hooks::resend))),
    enterprise(write("PUT", "/groups/:id/hooks/:hook_id/url_variables/:key", User, hooks::set_variable)),
    enterprise(write("DELETE", "/groups/:id/hooks/:hook_id/url_variables/:key", User, hooks::delete_variable)),
    enterprise(since(17, 1, write("PUT", "/groups/:id/hooks/:hook_id/custom_headers/:key", User, hooks::set_header))),
    enterprise(since(17, 1, write("DELETE", "/groups/:id/hooks/:hook_id/custom_headers/:key", User, hooks::delete_header))),
    read("/hooks", Admin, hooks::list),
    write("POST", "/hooks", Admin, hooks::create),
    read("/hooks/:hook_id", Admin, hooks::one),
    write("PUT", "/hooks/:hook_id", Admin, hooks::update),
    write("POST", "/hooks/:hook_id", Admin, hooks::test),
    write("DELETE", "/hooks/:hook_id", Admin, hooks::delete),
];

/// The route of a path below `/api/v4`, if this GitLab has it.
pub(crate) fn find(settings: &Settings, method: &Method, path: &str) -> Option<Matched> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let path = path.trim_end_matches('/');
    let exists = |route: &&Route| {
        let (major, minor) = route.since;
        settings.at_least(major, minor) && (settings.edition.enterprise() || !route.enterprise)
    };
    let routes = ROUTES.iter().filter(|route| route.method == method).filter(exists);
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
