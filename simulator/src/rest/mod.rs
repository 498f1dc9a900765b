//! `/api/v4`: GitLab's REST API over the World.
//!
//! Each room of handlers has a table of its routes; `routes` finds the one that a path means. Handlers are plain functions
//! from the World and a request to a reply. Who may call
//! is decided before a handler runs (`guard`); what a thing looks like is in `show`.

mod admin;
mod allow;
mod approval_rules;
mod approvals;
mod args;
mod awards;
mod billable;
mod commits;
mod contents;
mod deployment_list;
mod deployments;
mod discussion;
mod draft_notes;
mod environments;
mod events;
mod failure;
mod find;
mod finder;
mod form;
mod group;
mod groups;
mod guard;
mod hooks;
mod instance;
mod jobs;
mod keyset;
mod label;
mod labels;
mod least_role;
mod member;
mod members;
mod merge_request;
mod merge_requests;
mod merging;
mod namespaces;
mod note;
mod notes;
mod page;
mod params;
mod participants;
mod personal_tokens;
mod pipeline;
mod pipelines;
mod planning;
mod project;
mod project_list;
mod projects;
mod related;
mod repository;
mod resource_events;
mod resource_tokens;
mod route;
mod routes;
mod search;
mod service_accounts;
mod show;
mod stars;
mod subscriptions;
mod tokens;
mod user;
mod users;
mod versions;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Caller, Outgoing, World};

pub(crate) use args::Args;
pub(crate) use failure::{Dialect, Failure};
pub(crate) use guard::check as guard;
pub(crate) use route::{Handler, Route};
pub(crate) use routes::{Matched, find, table};

/// What a handler is asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Who asks.
    pub(crate) caller: Caller,
    /// Which route was found.
    pub(crate) route: &'static Route,
    /// What stands for the `:placeholders` of the route, decoded.
    pub(crate) params: Vec<String>,
    /// The path below `/api/v4`, as it was sent.
    pub(crate) path: String,
    /// Query and body, merged as Grape merges them.
    pub(crate) args: Args,
}

impl Request {
    /// What stands for a placeholder of the route.
    pub(crate) fn param(&self, place: usize) -> &str {
        self.params.get(place).map_or("", String::as_str)
    }

    /// The query that leads to another page of the same list: all that was asked for, the defaults and the placeholders of the
    /// route too, as GitLab's `params.merge(…).to_query` has it.
    pub(crate) fn query_with(&self, changes: &[(&str, String)]) -> String {
        let mut all = params::linked(self.route.takes, &self.args);
        for (name, value) in self.route.placeholders().zip(&self.params) {
            all.set(name, json!(value));
        }
        for (name, value) in changes {
            all.set(name, json!(value));
        }
        all.to_query()
    }
}

/// What a handler answers.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: StatusCode,
    /// Extra headers.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body; none for 204.
    pub(crate) body: Option<Value>,
    /// A delivery to make before answering, whose outcome is the answer.
    pub(crate) deliver: Option<Delivery>,
}

/// A delivery that a person asked for.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// What to send.
    pub(crate) outgoing: Outgoing,
    /// The key of the event that is sent again.
    pub(crate) idempotency_key: Option<String>,
    /// What is answered once it is known how the delivery went.
    pub(crate) conclude: fn(&Outcome) -> Result<Reply, Failure>,
}

/// How a delivery went.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The receiver's status; none when no answer came.
    pub(crate) status: Option<u16>,
    /// The receiver's words, or why there was no answer.
    pub(crate) message: String,
    /// What was sent.
    pub(crate) body: Value,
}

impl Reply {
    /// 200 with a body.
    pub(crate) fn ok(body: Value) -> Reply {
        Reply { status: StatusCode::OK, body: Some(body), ..Reply::default() }
    }

    /// 201 with a body.
    pub(crate) fn created(body: Value) -> Reply {
        Reply { status: StatusCode::CREATED, body: Some(body), ..Reply::default() }
    }

    /// 204.
    pub(crate) fn no_content() -> Reply {
        Reply { status: StatusCode::NO_CONTENT, ..Reply::default() }
    }
}

/// A handler that only reads.
pub(crate) type Read = fn(&World, &Request) -> Result<Reply, Failure>;
/// A handler that changes the World.
pub(crate) type Write = fn(&mut World, &Request) -> Result<Reply, Failure>;
