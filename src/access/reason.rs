//! The table: (call, answer) to reason, message and remedy. Pure; one recorded answer per row as its test.

use super::finding::{Finding, denied, passing};
use super::{Call, Need, Outcome, Seen, What, by_graphql};
use crate::api::conditions::reason as code;
use crate::gitlab::Error;

/// Reporters see code and merge requests of private projects; Guests and Planners do not.
const REPORTER: i64 = 20;

/// What an answer means.
pub fn reason(call: &Call<'_>, answer: &Result<Seen, Error>) -> Finding {
    let finding = match answer {
        Ok(seen) => good(call, *seen),
        Err(error) => by_graphql::not_by_rest(call, error)
            .or_else(|| from_anyone(call, error))
            .unwrap_or_else(|| by_call(call, error)),
    };
    let http_status = match answer {
        Ok(_) => Some(200),
        Err(error) => error.status(),
    };
    Finding { http_status, ..finding }
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
        (What::Graphql, Seen::Nothing) => by_graphql::without_token(call),
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
        Error::WrongKind { message, .. } if call.what.need() == Need::Hooks => denied(
            code::INSUFFICIENT_ROLE,
            format!(
                "GitLab does not let token '{token}' {}{}: {}",
                call.what,
                of(call.subject),
                message.trim_end_matches('.')
            ),
            "create a legacy token (not a fine-grained one) with the scope api, or set webhooks.mode to Manual".into(),
        ),
        Error::WrongKind { message, .. } => denied(
            code::INVALID_PERMISSIONS,
            format!(
                "GitLab does not let token '{token}' {}{}: {}",
                call.what,
                of(call.subject),
                message.trim_end_matches('.')
            ),
            "create a legacy token (not a fine-grained one) with the scope read_api and put it into the Secret".into(),
        ),
        error if error.is_transient() => Finding {
            outcome: Outcome::Unknown,
            reason: Some(error.reason()),
            message: passing(error),
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
    let Call { what, token, subject, facts } = *call;
    match (what, error) {
        (What::Group | What::Project | What::GroupProjects, Error::NotFound { .. }) => denied(
            code::SCOPE_NOT_FOUND,
            format!("{subject} was not found by token '{token}'; GitLab hides what a token may not see"),
            "correct the name in scope, or make the token's user a member".into(),
        ),
        (What::MergeRequests, Error::Forbidden { .. } | Error::NotFound { .. }) if facts.merge_requests_off => {
            Finding { message: format!("merge requests are switched off in {subject}; it is skipped"), ..fine() }
        }
        (What::MergeRequests, Error::Forbidden { .. } | Error::NotFound { .. }) if role_is_small(call) => {
            small_role(call)
        }
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
        format!("needs at least Reporter on {}; token '{}' is {role}", call.subject, call.token),
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
    if subject.is_empty() { String::new() } else { format!(" ({subject})") }
}

fn fine() -> Finding {
    Finding { outcome: Outcome::Ok, reason: None, message: String::new(), remedy: String::new(), http_status: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Facts;
    use crate::gitlab::RawAnswer;

    /// What was asked, what is known, the recorded answer, and what it must come to.
    #[derive(serde::Deserialize)]
    struct Row {
        what: String,
        #[serde(default)]
        facts: KnownFacts,
        status: u16,
        r#type: String,
        body: serde_json::Value,
        outcome: String,
        reason: Option<String>,
        #[serde(default)]
        says: String,
    }

    #[derive(Clone, Copy, Default, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct KnownFacts {
        role: Option<i64>,
        private: bool,
        merge_requests_off: bool,
        without_api_scope: bool,
    }

    fn rows() -> Vec<Row> {
        let recorded = include_str!("../../tests/fixtures/recorded-answers.jsonl");
        recorded.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    fn what(name: &str) -> What {
        let all = [
            What::Token,
            What::Instance,
            What::Graphql,
            What::Groups,
            What::Group,
            What::GroupProjects,
            What::Projects,
            What::Project,
            What::MergeRequests,
            What::GroupHooks,
            What::ProjectHooks,
        ];
        all.into_iter().find(|what| format!("{what:?}") == name).expect(name)
    }

    fn found(what: What, facts: Facts, answer: &Result<Seen, Error>) -> Finding {
        let subject = if what == What::Token { "" } else { "project acme/api (id 42)" };
        reason(&Call { what, token: "primary", subject, facts }, answer)
    }

    #[test]
    fn what_passes_is_said_in_the_same_words_each_time() {
        let said = |error| found(What::Token, Facts::default(), &Err(error)).message;
        let limited = |seconds| said(Error::RateLimited { waited: std::time::Duration::from_secs(seconds) });

        assert_eq!(limited(0), limited(29));
        assert_eq!(said(Error::Server { status: 502 }), said(Error::Server { status: 503 }));
    }

    #[test]
    fn every_recorded_answer_has_its_reason() {
        for row in rows() {
            let KnownFacts { role, private, merge_requests_off, without_api_scope } = row.facts;
            let facts = Facts { role, private, merge_requests_off, without_api_scope };
            let body = row.body.as_str().map_or_else(|| row.body.to_string(), str::to_owned);
            let seen = if body == "[]" { Seen::Nothing } else { Seen::Something };
            let answer = RawAnswer::recorded(row.status, &row.r#type, &body);

            let what = what(&row.what);
            let verdict = match what {
                What::Graphql => answer.graphql_verdict("primary"),
                _ => answer.verdict("primary"),
            };
            let finding = found(what, facts, &verdict.map(|()| seen));

            let line = format!("{}: {} {body}: {finding:?}", row.what, row.status);
            assert_eq!(format!("{:?}", finding.outcome), row.outcome, "{line}");
            assert_eq!(finding.reason, row.reason.as_deref(), "{line}");
            assert!(finding.message.contains(&row.says), "{line}");
            assert!(finding.http_status == Some(row.status) || row.status == 407, "{line}");
            // Whoever is denied something is told what helps.
            assert_eq!(finding.outcome == Outcome::Ok, finding.remedy.is_empty(), "{line}");
        }
    }

    #[test]
    fn trouble_below_http_has_its_reason() {
        let text = String::new;
        let rows = [
            (Error::Tls { message: text() }, Outcome::Denied, code::TLS_FAILURE),
            (Error::Unreachable { message: text() }, Outcome::Unknown, code::GITLAB_UNREACHABLE),
            (Error::Timeout { phase: crate::gitlab::Phase::Headers }, Outcome::Unknown, code::GITLAB_UNREACHABLE),
            (Error::Broken { message: text() }, Outcome::Unknown, code::GITLAB_UNREACHABLE),
            (Error::RedirectedElsewhere { origin: "https://sso".into() }, Outcome::Denied, code::NOT_GITLAB),
            (Error::Unexpected { operation: text(), message: text() }, Outcome::Denied, code::NOT_GITLAB),
            (Error::Settings { message: text() }, Outcome::Denied, code::INVALID_SPEC),
        ];

        for (error, outcome, reason) in rows {
            let finding = found(What::Group, Facts::default(), &Err(error.clone()));
            assert_eq!((finding.outcome, finding.reason), (outcome, Some(reason)), "{error}");
        }
    }
}
