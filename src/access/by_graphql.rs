//! What answers of GraphQL mean that REST did not give. Pure.

use super::finding::{denied, passing};
use super::{Call, Finding, Outcome, What};
use crate::api::conditions::reason as code;
use crate::gitlab::queries::Dialect;
use crate::gitlab::{self, Class, Error};

/// Where it is asked.
pub(super) const PATH: &str = "/api/graphql";

const LET_PASS: &str = "let POST /api/graphql pass the firewall or proxy before GitLab, as /api/v4 passes";

/// What an error means that GraphQL alone brought: REST had accepted the token before.
pub(super) fn not_by_rest(call: &Call<'_>, error: &Error) -> Option<Finding> {
    let token = call.token;
    // GraphQL has one word for a dead token and for a scope that is too small. Only it says so, whoever asks after it.
    if let (false, Error::Unauthorized { dialect: gitlab::Dialect::Graphql, .. }) = (call.what == What::Token, error) {
        return Some(denied(
            code::INVALID_PERMISSIONS,
            format!("{PATH} refuses token '{token}', though REST accepts it: it lacks the scope read_api"),
            "create a new token with the scope read_api and put it into the Secret".into(),
        ));
    }
    if call.what != What::Graphql {
        return None;
    }
    let unavailable = |message: String| Some(denied(code::GRAPHQL_UNAVAILABLE, message, LET_PASS.into()));
    let unknown = |finding| Finding { outcome: Outcome::Unknown, ..finding };
    match error {
        Error::Blocked { message, .. } => {
            unavailable(format!("REST answers, and GraphQL is a page instead of an answer ({message})")).map(unknown)
        }
        Error::NoGraphql { status, message } => {
            unavailable(format!("REST answers, and {PATH} answers {status}, not in GitLab's words: {message}"))
        }
        Error::NotGitLab { .. } | Error::RedirectedElsewhere { .. } | Error::Unexpected { .. } => {
            unavailable(format!("REST answers, and {PATH} does not: {error}"))
        }
        Error::Graphql { .. } => unavailable(format!("REST answers, and {PATH} refuses: {error}")).map(unknown),
        error if error.class() == Class::Outdated || matches!(error, Error::TooOld { .. }) => Some(denied(
            code::UNSUPPORTED_VERSION,
            format!("imports ask at {PATH} what this GitLab does not understand: {error}"),
            format!("upgrade GitLab to {} or newer", Dialect::OLDEST),
        )),
        error if error.is_transient() => Some(Finding {
            outcome: Outcome::Unknown,
            reason: Some(error.reason()),
            message: format!("{PATH}: {}", passing(error)),
            remedy: "wait, or check what stands before GitLab if it lasts: imports read by this path".into(),
            http_status: None,
        }),
        _ => None,
    }
}

/// GraphQL answers, and as to somebody who is not signed in.
pub(super) fn without_token(call: &Call<'_>) -> Finding {
    denied(
        code::GRAPHQL_UNAVAILABLE,
        format!("{PATH} does not know token '{}', though REST accepts it", call.token),
        "let the header Authorization pass the proxy before GitLab, also to /api/graphql".into(),
    )
}
