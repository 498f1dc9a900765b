//! Webhooks of projects, groups and the instance: one set of handlers for all three.

mod attributes;
mod deliveries;
mod manage;
mod pairs;
mod target;

use deliveries::{events, resend, test, test_system};
use manage::{create, delete, list, one, update};
use pairs::{delete_header, delete_variable, set_header, set_variable};

use super::route::Needs::{Admin, User};
use super::route::{Route, enterprise, read, since, write};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/projects/:id/hooks", User, list),
    write("POST", "/projects/:id/hooks", User, create),
    read("/projects/:id/hooks/:hook_id", User, one),
    write("PUT", "/projects/:id/hooks/:hook_id", User, update),
    write("DELETE", "/projects/:id/hooks/:hook_id", User, delete),
    since(16, 11, write("POST", "/projects/:id/hooks/:hook_id/test/:trigger", User, test)),
    since(17, 3, read("/projects/:id/hooks/:hook_id/events", User, events)),
    since(17, 4, write("POST", "/projects/:id/hooks/:hook_id/events/:event_id/resend", User, resend)),
    write("PUT", "/projects/:id/hooks/:hook_id/url_variables/:key", User, set_variable),
    write("DELETE", "/projects/:id/hooks/:hook_id/url_variables/:key", User, delete_variable),
    since(17, 1, write("PUT", "/projects/:id/hooks/:hook_id/custom_headers/:key", User, set_header)),
    since(17, 1, write("DELETE", "/projects/:id/hooks/:hook_id/custom_headers/:key", User, delete_header)),
    enterprise(read("/groups/:id/hooks", User, list)),
    enterprise(write("POST", "/groups/:id/hooks", User, create)),
    enterprise(read("/groups/:id/hooks/:hook_id", User, one)),
    enterprise(write("PUT", "/groups/:id/hooks/:hook_id", User, update)),
    enterprise(write("DELETE", "/groups/:id/hooks/:hook_id", User, delete)),
    enterprise(since(17, 1, write("POST", "/groups/:id/hooks/:hook_id/test/:trigger", User, test))),
    enterprise(since(17, 3, read("/groups/:id/hooks/:hook_id/events", User, events))),
    enterprise(since(17, 4, write("POST", "/groups/:id/hooks/:hook_id/events/:event_id/resend", User, resend))),
    enterprise(write("PUT", "/groups/:id/hooks/:hook_id/url_variables/:key", User, set_variable)),
    enterprise(write("DELETE", "/groups/:id/hooks/:hook_id/url_variables/:key", User, delete_variable)),
    enterprise(since(17, 1, write("PUT", "/groups/:id/hooks/:hook_id/custom_headers/:key", User, set_header))),
    enterprise(since(17, 1, write("DELETE", "/groups/:id/hooks/:hook_id/custom_headers/:key", User, delete_header))),
    read("/hooks", Admin, list),
    write("POST", "/hooks", Admin, create),
    read("/hooks/:hook_id", Admin, one),
    write("PUT", "/hooks/:hook_id", Admin, update),
    write("POST", "/hooks/:hook_id", Admin, test_system),
    write("DELETE", "/hooks/:hook_id", Admin, delete),
];
