//! Why a hook is not in place, from what GitLab answered. Pure.

use crate::{
    api::conditions::reason,
    gitlab::{Error, Target},
};

use super::Place;

/// Why a target has not the hook that it is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What has none, such as `group acme`.
    pub subject: String,
    /// One of [`reason`].
    pub reason: &'static str,
    /// Why, and what helps. Constant for its reason and subject.
    pub message: String,
    /// Whether it may well pass by itself.
    pub transient: bool,
    /// GitLab failed over this one (5xx), which says nothing yet of others.
    pub server: bool,
}

impl Failure {
    pub(super) fn new(place: &Place, reason: &'static str, message: String) -> Self {
        Self { subject: place.to_string(), reason, message, transient: false, server: false }
    }

    /// Whether another token may have better luck.
    pub(super) fn is_of_the_token(&self) -> bool {
        matches!(self.reason, reason::INSUFFICIENT_ROLE | reason::INVALID_CREDENTIALS | reason::TOKEN_EXPIRED)
    }

    /// Whether it will be the same for every other target of its kind, so that asking for them is of no use.
    pub(super) fn is_of_the_instance(&self) -> bool {
        !self.server
            && matches!(
                self.reason,
                reason::GROUP_HOOKS_UNAVAILABLE
                    | reason::HOOK_URL_REJECTED
                    | reason::RATE_LIMITED
                    | reason::GITLAB_UNREACHABLE
                    | reason::TLS_FAILURE
                    | reason::NOT_GITLAB
            )
    }
}

/// What is said of a token that cannot manage webhooks anywhere.
pub(super) fn lacks_the_scope(token: &str) -> String {
    format!(
        "token '{token}' lacks the scope api, which webhooks need: give spec.webhooks.credentialRef a token that has it"
    )
}

/// The one map from GitLab's answer to the reason.
pub(super) fn from_error(place: &Place, error: &Error) -> Failure {
    let failure = |reason, message| Failure::new(place, reason, message);
    match error {
        Error::InsufficientScope { token, .. } => failure(reason::INSUFFICIENT_ROLE, lacks_the_scope(token)),
        Error::WrongKind { message, .. } => failure(
            reason::INSUFFICIENT_ROLE,
            format!("{message} Webhooks of {place} need a legacy token (not a fine-grained one) with the scope api: name one in spec.webhooks.credentialRef"),
        ),
        Error::Forbidden { token, .. } => failure(
            reason::INSUFFICIENT_ROLE,
            format!("webhooks of {place} need {}, which token '{token}' has not", place.role()),
        ),
        Error::NotFound { route: true, .. } if matches!(place.target, Target::Group(_)) => failure(
            reason::GROUP_HOOKS_UNAVAILABLE,
            "this GitLab has no group webhooks (they need Premium or Ultimate): use the mode Auto or Project".to_owned(),
        ),
        Error::NotFound { token, .. } => failure(
            reason::INSUFFICIENT_ROLE,
            format!("{place} does not exist or is hidden from token '{token}': webhooks need {} there", place.role()),
        ),
        Error::Rejected { message, .. } if message.contains("Maximum number of") => failure(
            reason::HOOK_LIMIT_EXCEEDED,
            format!("{place} holds as many webhooks as GitLab allows: remove one that is of no use"),
        ),
        Error::Rejected { message, .. } if message.to_lowercase().contains("url") => failure(
            reason::HOOK_URL_REJECTED,
            "GitLab refuses the receiver's URL: its host must resolve, and a local address must be allowed by an administrator \
             (Settings, Network, Outbound requests)"
                .to_owned(),
        ),
        Error::Rejected { message, .. } => {
            failure(reason::HOOK_REJECTED, format!("GitLab refuses the webhook of {place}: {message}"))
        }
        Error::TooLarge { .. } => failure(reason::HOOK_REJECTED, format!("webhooks of {place}: {error}")),
        error if error.is_transient() => Failure {
            transient: true,
            server: matches!(error, Error::Server { .. }),
            ..failure(error.reason(), "GitLab cannot be asked at present; it will be tried again".to_owned())
        },
        error => failure(error.reason(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::{Dialect, RawAnswer};

    fn group() -> Place {
        Place { target: Target::Group(1), path: "acme".into() }
    }

    fn project() -> Place {
        Place { target: Target::Project(2), path: "acme/tool".into() }
    }

    #[test]
    fn each_answer_has_its_reason() {
        let rows = [
            (group(), 404, r#"{"error":"404 Not Found"}"#, "GroupHooksUnavailable"),
            (group(), 404, r#"{"message":"404 Group Not Found"}"#, "InsufficientRole"),
            (group(), 403, r#"{"message":"403 Forbidden"}"#, "InsufficientRole"),
            (
                project(),
                403,
                r#"{"error":"insufficient_scope","error_description":"…","scope":"api"}"#,
                "InsufficientRole",
            ),
            (project(), 404, r#"{"message":"404 Project Not Found"}"#, "InsufficientRole"),
            (project(), 422, r#"{"error":"Invalid url given"}"#, "HookURLRejected"),
            (project(), 422, r#"{"message":{"url":["is blocked"]}}"#, "HookURLRejected"),
            (project(), 422, r#"{"error":"Maximum number of project hooks (100) exceeded"}"#, "HookLimitExceeded"),
            (project(), 422, r#"{"error":"Custom headers validation failed"}"#, "HookRejected"),
            (project(), 401, r#"{"message":"401 Unauthorized"}"#, "invalid_credentials"),
            (project(), 502, "", "GitLabUnreachable"),
        ];
        for (place, status, body, reason) in rows {
            let error = RawAnswer::recorded(status, "application/json", body).verdict("primary").unwrap_err();
            assert_eq!(from_error(&place, &error).reason, reason, "{status} {body}");
        }
    }

    #[test]
    fn messages_name_subject_token_and_remedy() {
        let forbidden = Error::Forbidden { token: "primary".into(), message: "403 Forbidden".into() };

        assert_eq!(
            from_error(&group(), &forbidden).message,
            "webhooks of group acme need the role Owner, which token 'primary' has not"
        );
        assert_eq!(
            from_error(&project(), &forbidden).message,
            "webhooks of project acme/tool need the role Maintainer, which token 'primary' has not"
        );
    }

    #[test]
    fn another_token_is_tried_only_where_the_token_is_to_blame() {
        let expired = Error::Unauthorized { token: "primary".into(), dialect: Dialect::Expired };
        let server = Error::Server { status: 500 };

        assert!(from_error(&group(), &expired).is_of_the_token());
        assert!(!from_error(&group(), &server).is_of_the_token());
        assert!(!from_error(&group(), &server).is_of_the_instance());
    }
}
