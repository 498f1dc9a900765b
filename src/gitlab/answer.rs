//! Judges a raw HTTP answer: good, a limit that will lift, or an [`Error`]. Pure, and tolerant of every shape of error
//! body that GitLab, its limiters and the proxies before it are known to send.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::{Dialect, Error};

/// One HTTP answer, read to its end.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// A 429, and how long to stay away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limited {
    /// What the answer says; `None`: it does not, so the caller backs off exponentially.
    pub(super) delay: Option<Duration>,
    /// The whole user is limited (Rack::Attack), not just this endpoint (application limiter).
    pub(super) whole_user: bool,
}

/// The judgement over an answer that brings no data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    Limited(Limited),
    Failed(Error),
}

impl Refusal {
    /// What it is to somebody who does not wait.
    fn into_error(self) -> Error {
        match self {
            Refusal::Failed(error) => error,
            Refusal::Limited(limited) => Error::RateLimited { waited: limited.delay.unwrap_or(Duration::ZERO) },
        }
    }
}

impl RawAnswer {
    /// An answer as somebody recorded it.
    pub fn recorded(status: u16, content_type: &str, body: &str) -> RawAnswer {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(content_type) {
            headers.insert(reqwest::header::CONTENT_TYPE, value);
        }
        RawAnswer { status, headers, body: body.as_bytes().to_vec() }
    }

    /// Nothing if the answer is good, else what it means for the named token.
    ///
    /// # Errors
    /// Every answer but a success with JSON (or with nothing) is one.
    pub fn verdict(&self, token: &str) -> Result<(), Error> {
        self.judge(token).map_err(Refusal::into_error)
    }

    /// The same for an answer to GraphQL.
    ///
    /// # Errors
    /// As [`RawAnswer::verdict`]; errors in the body of a success are none here.
    pub fn graphql_verdict(&self, token: &str) -> Result<(), Error> {
        self.judge_graphql(token).map_err(Refusal::into_error)
    }

    pub(super) fn judge(&self, token: &str) -> Result<(), Refusal> {
        if self.status == 429 {
            return Err(Refusal::Limited(self.limited()));
        }
        self.judge_unlimited(token).map_err(Refusal::Failed)
    }

    /// The same for an answer to GraphQL. GitLab says there what is wrong in `errors`, whatever the status: what has none was
    /// said by somebody before it.
    pub(super) fn judge_graphql(&self, token: &str) -> Result<(), Refusal> {
        let from_others = || !Words::of(&self.body).graphql;
        let error = match self.judge(token) {
            Err(Refusal::Failed(error)) => error,
            other => return other,
        };
        let here = |message| format!("{message} at /api/graphql");
        Err(Refusal::Failed(match error {
            Error::Forbidden { message, .. } | Error::NotFound { message, .. } | Error::Rejected { message, .. }
                if from_others() =>
            {
                Error::NoGraphql { status: self.status, message }
            }
            Error::Blocked { status, message } => Error::Blocked { status, message: here(message) },
            Error::NotGitLab { status, message } => Error::NotGitLab { status, message: here(message) },
            error => error,
        }))
    }

    fn judge_unlimited(&self, token: &str) -> Result<(), Error> {
        let status = self.status;
        if matches!(status, 408 | 500..=599) {
            return Err(Error::Server { status });
        }
        if status == 407 {
            return Err(Error::Unreachable { message: "the proxy wants authentication (407)".into() });
        }
        let success = (200..300).contains(&status);
        if success && (self.body.is_empty() || self.looks_like_json()) {
            return Ok(());
        }
        if status == 403 && self.is_html() {
            return Err(Error::Blocked { status, message: self.appearance() });
        }
        if success || self.is_html() {
            return Err(Error::NotGitLab { status, message: self.appearance() });
        }
        let words = Words::of(&self.body);
        let token = token.to_owned();
        Err(match status {
            401 => Error::Unauthorized { token, dialect: words.dialect() },
            403 if words.error == "insufficient_scope" => {
                let needed = if words.scope.is_empty() { "read_api".into() } else { words.scope.replace(' ', " or ") };
                Error::InsufficientScope { token, needed }
            }
            403 if words.error == "insufficient_granular_scope" => {
                Error::WrongKind { status, message: words.sentence(status) }
            }
            403 => Error::Forbidden { token, message: words.sentence(status) },
            404 => Error::NotFound { token, route: words.message.is_empty(), message: words.sentence(status) },
            413 | 422 if words.sentence(status).to_lowercase().contains("query too large") => {
                Error::TooComplex { score: None, limit: None, message: words.sentence(status) }
            }
            _ => Error::Rejected { status, message: words.sentence(status) },
        })
    }

    /// The value of a header, if it is text.
    pub(super) fn header(&self, name: &'static str) -> Option<&str> {
        self.headers.get(HeaderName::from_static(name))?.to_str().ok()
    }

    pub(super) fn number(&self, name: &'static str) -> Option<u64> {
        self.header(name)?.trim().parse().ok()
    }

    /// `Retry-After` first, then `RateLimit-Reset`, as GitLab's own clients do.
    pub(super) fn delay(&self) -> Option<Duration> {
        self.number("retry-after").map(Duration::from_secs).or_else(|| self.until_reset())
    }

    /// The server's clock when it answered, to the second.
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.header("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|zoned| zoned.timestamp())
    }

    /// Time until the budget is full again, by the server's clock where it tells its time.
    pub(super) fn until_reset(&self) -> Option<Duration> {
        let reset = i64::try_from(self.number("ratelimit-reset")?).ok()?;
        let server_now = self.date().unwrap_or_else(Timestamp::now);
        // One second on top: the server rounds, and a request in the last moment of a window is refused too.
        u64::try_from(reset - server_now.as_second() + 1).ok().map(Duration::from_secs)
    }

    fn limited(&self) -> Limited {
        let whole_user = self.number("ratelimit-limit").is_some() || !self.looks_like_json();
        // No delay at all is no announcement: to believe it would be to ask again without end.
        Limited { delay: self.delay().filter(|delay| !delay.is_zero()), whole_user }
    }

    fn looks_like_json(&self) -> bool {
        let first = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
        match first {
            Some(b'{' | b'[') => true,
            Some(b'<') | None => false,
            Some(_) => self.content_type().contains("json"),
        }
    }

    fn is_html(&self) -> bool {
        self.content_type().contains("html") || self.body.trim_ascii_start().starts_with(b"<")
    }

    fn content_type(&self) -> &str {
        self.header("content-type").unwrap_or_default()
    }

    /// What a person would say it looks like; never quotes the body, which may hold anything.
    fn appearance(&self) -> String {
        let kind = self.content_type().split(';').next().unwrap_or_default().trim();
        match kind {
            "" => format!("status {}, no content type", self.status),
            kind => format!("status {}, {kind}", self.status),
        }
    }
}

/// What an error body says, whatever its shape.
#[derive(Debug, Default)]
struct Words {
    error: String,
    description: String,
    scope: String,
    message: String,
    graphql: bool,
}

impl Words {
    fn of(body: &[u8]) -> Words {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Words { message: plain_text(body), ..Words::default() };
        };
        let field = |name: &str| fields.get(name).map(flatten).unwrap_or_default();
        let graphql = fields.get("errors").and_then(Value::as_array);
        let message = match graphql {
            Some(errors) => {
                errors.iter().filter_map(|error| error.get("message")).map(flatten).collect::<Vec<_>>().join("; ")
            }
            None => field("message"),
        };
        Words {
            error: field("error"),
            description: field("error_description"),
            scope: field("scope"),
            message,
            graphql: graphql.is_some(),
        }
    }

    fn dialect(&self) -> Dialect {
        let text = format!("{} {} {}", self.error, self.description, self.message).to_lowercase();
        let says = |part: &str| text.contains(part);
        match () {
            () if says("expired") => Dialect::Expired,
            () if says("revoked") => Dialect::Revoked,
            () if says("impersonation") => Dialect::ImpersonationDisabled,
            () if says("dpop") => Dialect::ProofRequired,
            () if self.graphql => Dialect::Graphql,
            () => Dialect::Plain,
        }
    }

    fn sentence(&self, status: u16) -> String {
        let found = [&self.message, &self.description, &self.error].into_iter().find(|text| !text.is_empty());
        found.cloned().unwrap_or_else(|| format!("status {status}"))
    }
}

/// A text, an object of lists of texts, or a list of texts: as one line.
fn flatten(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(flatten).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| format!("{key}: {}", flatten(value))).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

/// A short first line of a text body.
fn plain_text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(400)]);
    text.lines().next().unwrap_or_default().trim().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = "application/json";

    fn error(status: u16, body: &str) -> Error {
        RawAnswer::recorded(status, JSON, body).verdict("t").unwrap_err()
    }

    #[test]
    fn every_dialect_of_401_is_understood() {
        let rows = [
            (r#"{"message":"401 Unauthorized"}"#, Dialect::Plain),
            (
                r#"{"error":"invalid_token","error_description":"Token is expired. You can either do re-authorization or token refresh."}"#,
                Dialect::Expired,
            ),
            (
                r#"{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}"#,
                Dialect::Revoked,
            ),
            (r#"{"error":"invalid_token","error_description":"Bad Access Token."}"#, Dialect::Plain),
            (
                r#"{"error":"invalid_token","error_description":"Token is an impersonation token but impersonation was disabled."}"#,
                Dialect::ImpersonationDisabled,
            ),
            (r#"{"error":"dpop_error","error_description":"DPoP header is missing"}"#, Dialect::ProofRequired),
            (r#"{"errors":[{"message":"Invalid token"}]}"#, Dialect::Graphql),
            ("", Dialect::Plain),
        ];

        for (body, dialect) in rows {
            assert_eq!(error(401, body), Error::Unauthorized { token: "t".into(), dialect }, "{body}");
        }
    }

    #[test]
    fn error_bodies_of_every_shape_become_one_line() {
        let rows = [
            (400, r#"{"error":"url is missing"}"#, "url is missing"),
            (400, r#"{"message":{"url":["is invalid","is blocked"]}}"#, "url: is invalid, is blocked"),
            (409, r#"{"message":["first","second"]}"#, "first, second"),
            (422, r#"{"error":"Invalid url given"}"#, "Invalid url given"),
            (
                405,
                r#"{"message":"Non GET methods are not allowed for moved projects"}"#,
                "Non GET methods are not allowed for moved projects",
            ),
            (400, "plain words", "plain words"),
            (400, "", "status 400"),
        ];

        for (status, body, message) in rows {
            assert_eq!(error(status, body), Error::Rejected { status, message: message.into() });
        }
    }

    #[test]
    fn a_small_scope_is_told_from_a_small_role() {
        let scope = r#"{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api read_api"}"#;

        assert_eq!(error(403, scope), Error::InsufficientScope { token: "t".into(), needed: "api or read_api".into() });
        assert_eq!(
            error(403, r#"{"message":"403 Forbidden"}"#),
            Error::Forbidden { token: "t".into(), message: "403 Forbidden".into() }
        );
    }

    #[test]
    fn an_absent_route_is_told_from_a_hidden_resource() {
        let route = error(404, r#"{"error":"404 Not Found"}"#);
        let hidden = error(404, r#"{"message":"404 Project Not Found"}"#);

        assert!(matches!(route, Error::NotFound { route: true, .. }));
        assert!(matches!(hidden, Error::NotFound { route: false, .. }));
    }

    #[test]
    fn html_is_no_gitlab_unless_the_server_itself_failed() {
        let page = "<!DOCTYPE html><title>Sign in</title>";

        for status in [200, 401, 404] {
            let answer = RawAnswer::recorded(status, "text/html; charset=utf-8", page).verdict("t");
            assert_eq!(answer, Err(Error::NotGitLab { status, message: format!("status {status}, text/html") }));
        }
        assert_eq!(RawAnswer::recorded(502, "text/html", page).verdict("t"), Err(Error::Server { status: 502 }));
    }

    #[test]
    fn a_page_with_403_is_a_block_that_may_be_lifted() {
        let challenge = RawAnswer::recorded(403, "text/html; charset=UTF-8", "<html>Attention Required!</html>");

        let message = "status 403, text/html".to_owned();
        assert_eq!(challenge.verdict("t"), Err(Error::Blocked { status: 403, message }));
    }

    #[test]
    fn both_limiters_are_told_apart() {
        let application = RawAnswer::recorded(
            429,
            JSON,
            r#"{"message":{"error":"This endpoint has been requested too many times. Try again later."}}"#,
        );
        let mut rack = RawAnswer::recorded(429, "text/plain", "Retry later\n");
        rack.headers.insert("retry-after", HeaderValue::from_static("17"));
        rack.headers.insert("ratelimit-limit", HeaderValue::from_static("60"));

        assert_eq!(application.judge("t"), Err(Refusal::Limited(Limited { delay: None, whole_user: false })));
        assert_eq!(
            rack.judge("t"),
            Err(Refusal::Limited(Limited { delay: Some(Duration::from_secs(17)), whole_user: true }))
        );
    }

    #[test]
    fn a_limit_that_asks_for_no_delay_gets_one_all_the_same() {
        let mut rack = RawAnswer::recorded(429, "text/plain", "Retry later\n");
        rack.headers.insert("retry-after", HeaderValue::from_static("0"));

        assert_eq!(rack.judge("t"), Err(Refusal::Limited(Limited { delay: None, whole_user: true })));
    }

    #[test]
    fn the_reset_is_read_on_the_servers_clock() {
        let mut answer = RawAnswer::recorded(429, "text/plain", "Retry later\n");
        answer.headers.insert("date", HeaderValue::from_static("Wed, 25 Nov 2026 21:00:00 GMT"));
        answer.headers.insert("ratelimit-reset", HeaderValue::from_static("1795640430"));

        assert_eq!(answer.delay(), Some(Duration::from_secs(31)));
    }
}
