//! GitLab's refusals, word by word.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::world::{AuthError, NO_FINE_GRAINED, UserState};

/// Which of GitLab's two guards refuses a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `{"message": "401 Unauthorized"}`.
    Message,
    /// `{"error": "invalid_token", …}`.
    OAuth,
}

/// A refusal.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The status.
    pub(crate) status: StatusCode,
    /// Extra headers.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(crate) body: Value,
}

impl Failure {
    /// Any status with any body.
    pub(crate) fn new(status: StatusCode, body: Value) -> Failure {
        Failure { status, headers: Vec::new(), body }
    }

    /// Any status with one sentence.
    pub(crate) fn message(status: StatusCode, message: &str) -> Failure {
        Failure::new(status, json!({ "message": message }))
    }

    /// No token where one is needed, or garbage.
    pub(crate) fn unauthorized() -> Failure {
        Failure::message(StatusCode::UNAUTHORIZED, "401 Unauthorized")
    }

    /// A token that is not accepted.
    pub(crate) fn token(error: AuthError, dialect: Dialect) -> Failure {
        let description = match error {
            AuthError::Unknown if dialect == Dialect::Message => return Failure::unauthorized(),
            AuthError::Unknown => "Bad Access Token.",
            AuthError::Expired => "Token is expired. You can either do re-authorization or token refresh.",
            AuthError::Revoked => "Token was revoked. You have to re-authorize from the user.",
            AuthError::Blocked(UserState::Deactivated) => {
                return Failure::forbidden(
                    "Your account has been deactivated by your administrator. Please log back in from a web browser to reactivate your account.",
                );
            }
            AuthError::Blocked(_) => return Failure::forbidden("Your account has been blocked."),
        };
        let body = json!({ "error": "invalid_token", "error_description": description });
        let mut failure = Failure::new(StatusCode::UNAUTHORIZED, body);
        let challenge = format!(
            r#"Bearer realm="Protected by OAuth 2.0", error="invalid_token", error_description="{description}""#
        );
        failure.headers.push(("www-authenticate", challenge));
        failure
    }

    /// A token that is not meant for this.
    pub(crate) fn insufficient_scope(needed: &str) -> Failure {
        let body = json!({
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": needed,
        });
        Failure::new(StatusCode::FORBIDDEN, body)
    }

    /// A fine-grained token that is not meant for this.
    pub(crate) fn insufficient_granular_scope() -> Failure {
        let body = json!({ "error": "insufficient_granular_scope", "error_description": NO_FINE_GRAINED });
        Failure::new(StatusCode::FORBIDDEN, body)
    }

    /// A role that is too small, or a feature that is off.
    pub(crate) fn forbidden(reason: &str) -> Failure {
        if reason.is_empty() {
            return Failure::message(StatusCode::FORBIDDEN, "403 Forbidden");
        }
        Failure::message(StatusCode::FORBIDDEN, &format!("403 Forbidden - {reason}"))
    }

    /// A write in Maintenance Mode, which the read-only middleware refuses before anybody is asked who they are.
    pub(crate) fn read_only() -> Failure {
        Failure::message(StatusCode::FORBIDDEN, "You cannot perform write operations on a read-only instance")
    }

    /// Something that is hidden or absent: `Project`, `Group`, `User`, `Repository`; empty where GitLab does not say what.
    pub(crate) fn not_found(what: &str) -> Failure {
        if what.is_empty() {
            return Failure::message(StatusCode::NOT_FOUND, "404 Not Found");
        }
        Failure::message(StatusCode::NOT_FOUND, &format!("404 {what} Not Found"))
    }

    /// A row that is absent from something readable.
    pub(crate) fn no_row() -> Failure {
        Failure::message(StatusCode::NOT_FOUND, "404 Not found")
    }

    /// `not_found!` without a name.
    pub(crate) fn absent() -> Failure {
        Failure::message(StatusCode::NOT_FOUND, "404 Not Found")
    }

    /// A route that does not exist in this edition or version.
    pub(crate) fn no_route() -> Failure {
        Failure::new(StatusCode::NOT_FOUND, json!({ "error": "404 Not Found" }))
    }

    /// Grape's validation of parameters.
    pub(crate) fn param(error: &str) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, json!({ "error": error }))
    }

    /// A body that is not the JSON it says it is, in Grape's words.
    pub(crate) fn malformed() -> Failure {
        Failure::param(
            "\nProblem:\n  message body does not match declared format\nResolution:\n  when specifying application/json as \
             content-type, you must pass valid application/json in the request's 'body' ",
        )
    }

    /// A body of a type that is not taken.
    pub(crate) fn unsupported(media_type: &str) -> Failure {
        let error = format!("The provided content-type '{media_type}' is not supported.");
        Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, json!({ "error": error }))
    }

    /// `bad_request!`.
    pub(crate) fn bad_request(reason: &str) -> Failure {
        Failure::message(StatusCode::BAD_REQUEST, &format!("400 Bad request - {reason}"))
    }

    /// A service's refusal.
    pub(crate) fn unprocessable(error: &str) -> Failure {
        Failure::new(StatusCode::UNPROCESSABLE_ENTITY, json!({ "error": error }))
    }

    /// 405 with the given body.
    pub(crate) fn not_allowed(body: Value) -> Failure {
        Failure::new(StatusCode::METHOD_NOT_ALLOWED, body)
    }

    /// A service's words, as they are.
    pub(crate) fn plain(words: &str) -> Failure {
        Failure::message(StatusCode::BAD_REQUEST, words)
    }

    /// A service's words where it forbids.
    pub(crate) fn refused(words: &str) -> Failure {
        Failure::message(StatusCode::FORBIDDEN, words)
    }

    /// Another one is in the way.
    pub(crate) fn conflict(message: impl Into<Value>) -> Failure {
        Failure::new(StatusCode::CONFLICT, json!({ "message": message.into() }))
    }

    /// A record that would not be valid: one key an attribute.
    pub(crate) fn invalid(errors: &Value) -> Failure {
        Failure::new(StatusCode::BAD_REQUEST, json!({ "message": errors }))
    }

    /// The application's limiter, which names no time.
    pub(crate) fn too_many_requests() -> Failure {
        let message = "This endpoint has been requested too many times. Try again later.";
        Failure::new(StatusCode::TOO_MANY_REQUESTS, json!({ "message": { "error": message } }))
    }
}
