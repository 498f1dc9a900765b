//! What GitLab's GraphQL promises, one sentence per test.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod answers;
mod approvals;
mod filters;
mod limits;
mod lists;
mod paging;
mod schema;
mod support;
mod validation;
mod visibility;
