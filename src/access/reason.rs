//! The table: (call, answer) to reason, message and remedy. Pure; one recorded answer per row as its test.

use super::{Call, Need, Outcome, Seen, What};
use crate::api::conditions::reason as code;
use crate::gitlab::Error;

/// What an answer means to the person who must act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it went.
    pub outcome: Outcome,
    /// One of the reasons of the conditions; `None` where all is well.
    pub reason: Option<&'static str>,
    /// What is the matter, constant for its reason and subject. Empty where there is nothing to say.
    pub message: String,
    /// What helps. Empty where nothing has to be done.
    pub remedy: String,
    /// The HTTP status, where an answer was received.
    pub http_status: Option<u16>,
}

/// Reporters see code and merge requests of private projects; Guests and Planners do not.
const REPORTER: i64 = 20;

/// What an answer means.
pub fn reason(call: &Call<'_>, answer: &Result<Seen, Error>) -> Finding {
    let finding = match answer {
        Ok(seen) => good(call, *seen),
        Err(error) => from_anyone(call, error).unwrap_or_else(|| by_call(call, error)),
    };
    let http_status = match answer {
        Ok(_) => Some(200),
        Err(error) => error.status(),
    };
    Finding {
        http_status,
        ..finding
    }
}

/// Good answers, some of which are not good enough.
fn good(call: &Call<'_>, seen: Seen) -> Finding {
    match (call.what, seen) {
        (What::MergeRequests, _) if call.facts.private && role_is_small(call) => small_role(call),
        (What::GroupHooks | What::ProjectHooks, _) if call.facts.without_api_scope => denied(
            code::INSUFFICIENT_ROLE,
            format!("token '{}' lacks the scope api, which webhooks need", call.token),
            "create a token with the scope api, or set webhooks.mode to Manual".into(),
        ),
        (What::Groups | What::Projects, Seen::Nothing) => denied(
            code::NO_RESOURCES,
            format!("token '{}' is accepted but sees nothing of its own", call.token),
            "make its user a member (Developer) of the groups or projects to follow".into(),
        ),
        (What::GroupProjects, Seen::Nothing) => denied(
            code::NO_RESOURCES,
            format!("token '{}' sees no projects in {}", call.token, call.subject),
            "make its user a member (Developer) of the group itself, or name a group that holds projects".into(),
        ),
        _ => fine(),
    }
}

/// Answers that mean the same whatever was asked.
fn from_anyone(call: &Call<'_>, error: &Error) -> Option<Finding> {
    let token = call.token;
    Some(match error {
        Error::Unauthorized { dialect, .. } => denied(
            error.reason(),
            match error.reason() {
                code::INVALID_CREDENTIALS => format!("token '{token}' {}", dialect.sentence()),
                // The documented code is said here too, because people search for it.
                _ => format!("token '{token}' {} ({})", dialect.sentence(), code::INVALID_CREDENTIALS),
            },
            "create a new token with the scope read_api and put it into the Secret".into(),
        ),
        Error::InsufficientScope { .. } if call.what.need() == Need::Hooks => denied(
            code::INSUFFICIENT_ROLE,
            format!("token '{token}' lacks the scope api, which webhooks need"),
            "create a token with the scope api, or set webhooks.mode to Manual".into(),
        ),
        Error::InsufficientScope { needed, .. } => denied(
            code::INVALID_PERMISSIONS,
            format!("token '{token}' lacks the scope read_api (GitLab asks for {needed})"),
            "create a new token with the scope read_api and put it into the Secret".into(),
        ),
        error if error.is_transient() => Finding {
            outcome: Outcome::Unknown,
            reason: Some(error.reason()),
            message: error.to_string(),
            remedy: transient_remedy(error).into(),
            http_status: None,
        },
        Error::Tls { .. } => denied(
            code::TLS_FAILURE,
            error.to_string(),
            "name the CA that signed GitLab's certificate in tls.caBundle, and check the host name in url".into(),
        ),
        Error::NotGitLab { .. } | Error::RedirectedElsewhere { .. } | Error::Unexpected { .. } => denied(
            code::NOT_GITLAB,
            error.to_string(),
            "check url: it must lead to GitLab itself, not to a login page or proxy before it".into(),
        ),
        Error::Settings { .. } => denied(code::INVALID_SPEC, error.to_string(), "correct the connection".into()),
        _ => return None,
    })
}

/// Answers whose meaning depends on the question: mostly 403 and 404.
fn by_call(call: &Call<'_>, error: &Error) -> Finding {
    let Call {
        what,
        token,
        subject,
        facts,
    } = *call;
    match (what, error) {
        (What::Group | What::Project | What::GroupProjects, Error::NotFound { .. }) => denied(
            code::SCOPE_NOT_FOUND,
            format!("{subject} was not found by token '{token}'; GitLab hides what a token may not see"),
            "correct the name in scope, or make the token's user a member".into(),
        ),
        (What::MergeRequests, Error::Forbidden { .. } | Error::NotFound { .. }) if facts.merge_requests_off => Finding {
            message: format!("merge requests are switched off in {subject}; it is skipped"),
            ..fine()
        },
        (What::MergeRequests, Error::Forbidden { .. } | Error::NotFound { .. }) if role_is_small(call) => small_role(call),
        (What::MergeRequests, Error::Forbidden { .. } | Error::NotFound { .. }) => denied(
            code::INVALID_PERMISSIONS,
            format!("token '{token}' may not read merge requests of {subject}; it needs at least Reporter there"),
            "give its user at least the role Reporter, better Developer".into(),
        ),
        (What::GroupHooks, Error::NotFound { route: true, .. }) => denied(
            code::GROUP_HOOKS_UNAVAILABLE,
            "this edition of GitLab has no group webhooks".into(),
            "nothing to do: project webhooks take their place".into(),
        ),
        (What::GroupHooks, Error::Forbidden { .. } | Error::NotFound { .. }) => denied(
            code::INSUFFICIENT_ROLE,
            format!("token '{token}' may not manage webhooks of {subject}; it needs Owner there"),
            "give its user the role Owner, or name another token in webhooks.credentialRef".into(),
        ),
        (What::ProjectHooks, Error::Forbidden { .. } | Error::NotFound { .. }) => denied(
            code::INSUFFICIENT_ROLE,
            format!("token '{token}' may not manage webhooks of {subject}; it needs at least Maintainer there"),
            "give its user the role Maintainer, or name another token in webhooks.credentialRef".into(),
        ),
        // The server is too old to know, or the token is of a kind that does not know itself.
        (What::Token | What::Instance, Error::NotFound { .. }) => fine(),
        (What::Token, Error::Forbidden { message, .. }) => denied(
            code::INVALID_CREDENTIALS,
            format!("GitLab lets token '{token}' do nothing: {message}"),
            "unblock the token's user, or use a token of another one".into(),
        ),
        (_, Error::Forbidden { message, .. }) => denied(
            code::INVALID_PERMISSIONS,
            format!("GitLab forbids token '{token}' to {what}{}: {message}", of(subject)),
            "check the state of the token's user, and restrictions of the group (IP addresses, SAML)".into(),
        ),
        _ => Finding {
            outcome: Outcome::Unknown,
            reason: Some(code::GITLAB_UNREACHABLE),
            message: error.to_string(),
            remedy: "try the curl command; if GitLab answers it the same way, ask its administrator".into(),
            http_status: None,
        },
    }
}

fn role_is_small(call: &Call<'_>) -> bool {
    call.facts.role.is_some_and(|role| role < REPORTER)
}

fn small_role(call: &Call<'_>) -> Finding {
    let role = call.facts.role.map_or("no member", role_name);
    denied(
        code::INVALID_PERMISSIONS,
        format!(
            "needs at least Reporter on {}; token '{}' is {role}",
            call.subject, call.token
        ),
        "give its user at least the role Reporter, better Developer".into(),
    )
}

/// The name of a role by its level; custom roles have a level of their base role.
fn role_name(level: i64) -> &'static str {
    match level {
        ..5 => "no member",
        5..10 => "a member with minimal access",
        10..15 => "Guest",
        15..20 => "Planner",
        20..30 => "Reporter",
        30..40 => "Developer",
        40..50 => "Maintainer",
        _ => "Owner",
    }
}

fn transient_remedy(error: &Error) -> &'static str {
    match error.reason() {
        code::RATE_LIMITED => "wait; tokens of other users add to the budget",
        _ => "wait, or check url, proxy and network if it lasts",
    }
}

fn of(subject: &str) -> String {
    if subject.is_empty() {
        String::new()
    } else {
        format!(" ({subject})")
    }
}

fn denied(reason: &'static str, message: String, remedy: String) -> Finding {
    Finding {
        outcome: Outcome::Denied,
        reason: Some(reason),
        message,
        remedy,
        http_status: None,
    }
}

fn fine() -> Finding {
    Finding {
        outcome: Outcome::Ok,
        reason: None,
        message: String::new(),
        remedy: String::new(),
        http_status: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Facts;
    use crate::gitlab::RawAnswer;

    const JSON: &str = "application/json";
    const HTML: &str = "text/html; charset=utf-8";
    const SCOPE: &str = r#"{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api read_api"}"#;
    const FORBIDDEN: &str = r#"{"message":"403 Forbidden"}"#;
    const NO_PROJECT: &str = r#"{"message":"404 Project Not Found"}"#;
    const NO_ROUTE: &str = r#"{"error":"404 Not Found"}"#;

    /// What was asked, what is known, the recorded answer, and what it must come to.
    type Row = (
        What,
        Facts,
        (u16, &'static str, &'static str),
        Outcome,
        Option<&'static str>,
        &'static str,
    );

    fn role(level: i64) -> Facts {
        Facts {
            role: Some(level),
            private: true,
            ..Facts::default()
        }
    }

    fn rows() -> Vec<Row> {
        use Outcome::{Denied, Ok, Unknown};
        let plain = Facts::default();
        let off = Facts {
            merge_requests_off: true,
            ..role(30)
        };
        let without_api = Facts {
            without_api_scope: true,
            ..plain
        };
        vec![
            (
                What::Token,
                plain,
                (
                    200,
                    JSON,
                    r#"{"id":4,"user_id":141,"scopes":["read_api"],"active":true,"expires_at":"2027-01-19"}"#,
                ),
                Ok,
                None,
                "",
            ),
            (
                What::Token,
                plain,
                (401, JSON, r#"{"message":"401 Unauthorized"}"#),
                Denied,
                Some(code::INVALID_CREDENTIALS),
                "token 'primary' is not known to GitLab",
            ),
            (
                What::Token,
                plain,
                (
                    401,
                    JSON,
                    r#"{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}"#,
                ),
                Denied,
                Some(code::TOKEN_EXPIRED),
                "token 'primary' has expired (invalid_credentials)",
            ),
            (
                What::Token,
                plain,
                (
                    401,
                    JSON,
                    r#"{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}"#,
                ),
                Denied,
                Some(code::INVALID_CREDENTIALS),
                "token 'primary' was revoked",
            ),
            (
                What::Token,
                plain,
                (
                    401,
                    JSON,
                    r#"{"error":"invalid_token","error_description":"Token is an impersonation token but impersonation was disabled."}"#,
                ),
                Denied,
                Some(code::INVALID_CREDENTIALS),
                "impersonation",
            ),
            (
                What::Token,
                plain,
                (
                    401,
                    JSON,
                    r#"{"error":"dpop_error","error_description":"DPoP validation error: DPoP header is missing"}"#,
                ),
                Denied,
                Some(code::INVALID_CREDENTIALS),
                "DPoP",
            ),
            (
                What::Token,
                plain,
                (
                    403,
                    JSON,
                    r#"{"message":"403 Forbidden - Your account has been blocked."}"#,
                ),
                Denied,
                Some(code::INVALID_CREDENTIALS),
                "Your account has been blocked.",
            ),
            (What::Token, plain, (404, JSON, NO_ROUTE), Ok, None, ""),
            (
                What::Token,
                plain,
                (200, HTML, "<!doctype html>"),
                Denied,
                Some(code::NOT_GITLAB),
                "status 200, text/html",
            ),
            (
                What::Token,
                plain,
                (403, HTML, "<html>Attention Required! | Cloudflare</html>"),
                Denied,
                Some(code::NOT_GITLAB),
                "status 403",
            ),
            (
                What::Token,
                plain,
                (502, HTML, "<html>Bad gateway</html>"),
                Unknown,
                Some(code::GITLAB_UNREACHABLE),
                "GitLab answered 502",
            ),
            (
                What::Token,
                plain,
                (407, HTML, ""),
                Unknown,
                Some(code::GITLAB_UNREACHABLE),
                "the proxy wants authentication",
            ),
            (
                What::Instance,
                plain,
                (403, JSON, SCOPE),
                Denied,
                Some(code::INVALID_PERMISSIONS),
                "read_api",
            ),
            (
                What::Group,
                plain,
                (429, "text/plain", "Retry later\n"),
                Unknown,
                Some(code::RATE_LIMITED),
                "rate limit",
            ),
            (
                What::Group,
                plain,
                (
                    429,
                    JSON,
                    r#"{"message":{"error":"This endpoint has been requested too many times. Try again later."}}"#,
                ),
                Unknown,
                Some(code::RATE_LIMITED),
                "rate limit",
            ),
            (
                What::Group,
                plain,
                (200, JSON, r#"{"id":9,"full_path":"acme"}"#),
                Ok,
                None,
                "",
            ),
            (
                What::Group,
                plain,
                (403, JSON, SCOPE),
                Denied,
                Some(code::INVALID_PERMISSIONS),
                "token 'primary' lacks the scope read_api (GitLab asks for api or read_api)",
            ),
            (
                What::Group,
                plain,
                (404, JSON, r#"{"message":"404 Group Not Found"}"#),
                Denied,
                Some(code::SCOPE_NOT_FOUND),
                "project acme/api (id 42) was not found by token 'primary'; GitLab hides what a token may not see",
            ),
            (
                What::Group,
                plain,
                (
                    403,
                    JSON,
                    r#"{"message":"403 Forbidden - IP address not allowed"}"#,
                ),
                Denied,
                Some(code::INVALID_PERMISSIONS),
                "IP address not allowed",
            ),
            (
                What::GroupProjects,
                plain,
                (200, JSON, "[]"),
                Denied,
                Some(code::NO_RESOURCES),
                "sees no projects",
            ),
            (
                What::Groups,
                plain,
                (200, JSON, "[]"),
                Denied,
                Some(code::NO_RESOURCES),
                "sees nothing of its own",
            ),
            (
                What::Projects,
                plain,
                (200, JSON, "[]"),
                Denied,
                Some(code::NO_RESOURCES),
                "sees nothing of its own",
            ),
            (
                What::Project,
                plain,
                (404, JSON, NO_PROJECT),
                Denied,
                Some(code::SCOPE_NOT_FOUND),
                "GitLab hides what a token may not see",
            ),
            (
                What::MergeRequests,
                role(30),
                (200, JSON, "[]"),
                Ok,
                None,
                "",
            ),
            (
                What::MergeRequests,
                role(10),
                (403, JSON, FORBIDDEN),
                Denied,
                Some(code::INVALID_PERMISSIONS),
                "needs at least Reporter on project acme/api (id 42); token 'primary' is Guest",
            ),
            (
                What::MergeRequests,
                role(10),
                (404, JSON, NO_PROJECT),
                Denied,
                Some(code::INVALID_PERMISSIONS),
                "token 'primary' is Guest",
            ),
            (
                What::MergeRequests,
                role(10),
                (200, JSON, "[]"),
                Denied,
                Some(code::INVALID_PERMISSIONS),
                "token 'primary' is Guest",
            ),
            (
                What::MergeRequests,
                role(15),
                (403, JSON, FORBIDDEN),
                Denied,
                Some(code::INVALID_PERMISSIONS),
                "token 'primary' is Planner",
            ),
            (
                What::MergeRequests,
                plain,
                (403, JSON, FORBIDDEN),
                Denied,
                Some(code::INVALID_PERMISSIONS),
                "needs at least Reporter there",
            ),
            (
                What::MergeRequests,
                plain,
                (403, JSON, SCOPE),
                Denied,
                Some(code::INVALID_PERMISSIONS),
                "read_api",
            ),
            (
                What::MergeRequests,
                off,
                (403, JSON, FORBIDDEN),
                Ok,
                None,
                "merge requests are switched off in project acme/api (id 42); it is skipped",
            ),
            (
                What::MergeRequests,
                role(30),
                (408, JSON, r#"{"error":"Request Timeout"}"#),
                Unknown,
                Some(code::GITLAB_UNREACHABLE),
                "GitLab answered 408",
            ),
            (
                What::MergeRequests,
                role(30),
                (422, JSON, r#"{"message":"unprocessable"}"#),
                Unknown,
                Some(code::GITLAB_UNREACHABLE),
                "unprocessable",
            ),
            (What::GroupHooks, plain, (200, JSON, "[]"), Ok, None, ""),
            (
                What::GroupHooks,
                without_api,
                (200, JSON, "[]"),
                Denied,
                Some(code::INSUFFICIENT_ROLE),
                "lacks the scope api",
            ),
            (
                What::GroupHooks,
                plain,
                (403, JSON, SCOPE),
                Denied,
                Some(code::INSUFFICIENT_ROLE),
                "lacks the scope api",
            ),
            (
                What::GroupHooks,
                plain,
                (404, JSON, NO_ROUTE),
                Denied,
                Some(code::GROUP_HOOKS_UNAVAILABLE),
                "no group webhooks",
            ),
            (
                What::GroupHooks,
                plain,
                (403, JSON, FORBIDDEN),
                Denied,
                Some(code::INSUFFICIENT_ROLE),
                "needs Owner",
            ),
            (
                What::ProjectHooks,
                plain,
                (403, JSON, FORBIDDEN),
                Denied,
                Some(code::INSUFFICIENT_ROLE),
                "needs at least Maintainer",
            ),
            (
                What::ProjectHooks,
                plain,
                (404, JSON, NO_PROJECT),
                Denied,
                Some(code::INSUFFICIENT_ROLE),
                "needs at least Maintainer",
            ),
        ]
    }

    fn found(what: What, facts: Facts, answer: &Result<Seen, Error>) -> Finding {
        let subject = if what == What::Token {
            ""
        } else {
            "project acme/api (id 42)"
        };
        reason(
            &Call {
                what,
                token: "primary",
                subject,
                facts,
            },
            answer,
        )
    }

    #[test]
    fn every_recorded_answer_has_its_reason() {
        for (what, facts, (status, kind, body), outcome, reason, says) in rows() {
            let seen = if body == "[]" {
                Seen::Nothing
            } else {
                Seen::Something
            };
            let answer = RawAnswer::recorded(status, kind, body)
                .verdict("primary")
                .map(|()| seen);

            let finding = found(what, facts, &answer);

            let row = format!("{what}: {status} {body}");
            assert_eq!(
                (finding.outcome, finding.reason),
                (outcome, reason),
                "{row}"
            );
            assert!(finding.message.contains(says), "{row}: {}", finding.message);
            if status != 407 {
                assert_eq!(finding.http_status, Some(status), "{row}");
            }
            // Whoever is denied something is told what helps.
            assert_eq!(
                finding.outcome == Outcome::Ok,
                finding.remedy.is_empty(),
                "{row}"
            );
        }
    }

    #[test]
    fn trouble_below_http_has_its_reason() {
        let text = String::new;
        let rows = [
            (
                Error::Tls { message: text() },
                Outcome::Denied,
                code::TLS_FAILURE,
            ),
            (
                Error::Unreachable { message: text() },
                Outcome::Unknown,
                code::GITLAB_UNREACHABLE,
            ),
            (
                Error::Timeout {
                    phase: crate::gitlab::Phase::Headers,
                },
                Outcome::Unknown,
                code::GITLAB_UNREACHABLE,
            ),
            (
                Error::Broken { message: text() },
                Outcome::Unknown,
                code::GITLAB_UNREACHABLE,
            ),
            (
                Error::RedirectedElsewhere {
                    origin: "https://sso".into(),
                },
                Outcome::Denied,
                code::NOT_GITLAB,
            ),
            (
                Error::Unexpected {
                    operation: text(),
                    message: text(),
                },
                Outcome::Denied,
                code::NOT_GITLAB,
            ),
            (
                Error::Settings { message: text() },
                Outcome::Denied,
                code::INVALID_SPEC,
            ),
        ];

        for (error, outcome, reason) in rows {
            let finding = found(What::Group, Facts::default(), &Err(error.clone()));
            assert_eq!(
                (finding.outcome, finding.reason),
                (outcome, Some(reason)),
                "{error}"
            );
        }
    }
}
