//! `POST /api/graphql`: GitLab's GraphQL over the World.
//!
//! The way of a request: `document` parses and validates its text (once), with GitLab's own words for what is wrong (`rules`);
//! `plan` fills in the variables and finds the resolvers; `cost` says whether it may run; `execute` writes the answer.

mod arguments;
#[cfg(test)]
mod conformance;
mod context;
mod cost;
mod document;
mod error;
mod execute;
mod fields;
mod filters;
mod introduced;
mod keys;
mod leaf;
mod literals;
mod order;
mod paging;
mod plan;
mod request;
mod rules;
mod schema;
mod value;

use axum::http::StatusCode;

use crate::world::{Caller, World};

pub use schema::schema_text;

/// What an execution answers.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status, 200 even for most errors.
    pub status: StatusCode,
    /// The JSON body.
    pub body: Vec<u8>,
}

/// Executes the JSON body of a GraphQL request for a caller.
///
/// `timeouts` names fields (`MergeRequest.diffStatsSummary`) that time out: they are null and an error says so.
#[must_use]
pub fn execute(world: &World, caller: &Caller, body: &[u8], timeouts: &[String]) -> Answer {
    request::answer(world, caller, body, timeouts)
}
