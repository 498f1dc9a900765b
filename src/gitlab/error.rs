//! Everything that can go wrong between us and one GitLab, and what it means to the person who must act.

use std::time::Duration;

/// How GitLab worded a 401. It has many dialects; they all mean that the token does not open the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `401 Unauthorized`: unknown, deleted or mistyped token.
    Plain,
    /// The answer says that the token's life is over.
    Expired,
    /// The answer says that somebody revoked the token.
    Revoked,
    /// An impersonation token where impersonation is switched off.
    ImpersonationDisabled,
    /// GitLab wants proof of possession (DPoP), which a plain token cannot give.
    ProofRequired,
    /// GraphQL's `Invalid token`, which also stands for a scope that is too small.
    Graphql,
    /// Never sent: what the Secret holds cannot be a token (empty, or with characters no header may carry).
    Malformed,
}

impl Dialect {
    /// The end of the sentence "token 'primary' …".
    pub fn sentence(self) -> &'static str {
        match self {
            Dialect::Plain => "is not known to GitLab",
            Dialect::Expired => "has expired",
            Dialect::Revoked => "was revoked",
            Dialect::ImpersonationDisabled => {
                "is an impersonation token, and this GitLab has impersonation switched off"
            }
            Dialect::ProofRequired => "must prove possession (DPoP), which this product cannot do",
            Dialect::Graphql => "is refused by GitLab's GraphQL API",
            Dialect::Malformed => "is empty or holds characters that no token has",
        }
    }
}

/// Which deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No connection could be made in time.
    Connect,
    /// Connected, but no answer began.
    Headers,
    /// The answer began, then stalled.
    Body,
    /// The time that whoever asks had for all of it.
    Term,
}

impl Phase {
    fn sentence(self) -> &'static str {
        match self {
            Phase::Connect => "did not accept a connection in time",
            Phase::Headers => "accepted the request but did not answer in time",
            Phase::Body => "began an answer and then stalled",
            Phase::Term => "did not answer everything in the time that there was",
        }
    }
}

/// Why a request to GitLab brought nothing. No variant ever holds a token or a URL with a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// GitLab refuses the token itself. In a pool: the last one left was refused.
    #[error("token '{token}' {}", dialect.sentence())]
    Unauthorized {
        /// The name of the refused token.
        token: String,
        /// How GitLab put it.
        dialect: Dialect,
    },
    /// The token is genuine but lacks a scope (403 `insufficient_scope`).
    #[error("token '{token}' lacks the scope {needed}")]
    InsufficientScope {
        /// The name of the token.
        token: String,
        /// The scopes of which one would do, as GitLab lists them, such as `api read_api`.
        needed: String,
    },
    /// GitLab has no use for a token of this kind here: fine-grained where it wants a legacy one, or the other way round.
    #[error("GitLab does not take a token of this kind: {message}")]
    WrongKind {
        /// The HTTP status: 403 by REST, 200 by GraphQL.
        status: u16,
        /// GitLab's own words.
        message: String,
    },
    /// The role is too small, or the feature is switched off (403).
    #[error("GitLab forbids it to token '{token}': {message}")]
    Forbidden {
        /// The name of the token.
        token: String,
        /// GitLab's own words.
        message: String,
    },
    /// Absent, or hidden from this token: GitLab does not tell which.
    #[error("not found, or hidden from token '{token}': {message}")]
    NotFound {
        /// The name of the token that looked.
        token: String,
        /// GitLab's own words, such as `404 Project Not Found`.
        message: String,
        /// The route itself does not exist on this server (older version, or Community Edition).
        route: bool,
    },
    /// Rate limited for longer than our patience.
    #[error("GitLab's rate limit did not lift within {} s", waited.as_secs())]
    RateLimited {
        /// How long this request had waited when it gave up.
        waited: Duration,
    },
    /// GitLab understood the request and declined it (400, 405, 409, 422 and their kin).
    #[error("GitLab answered {status}: {message}")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// GitLab's own words.
        message: String,
    },
    /// What answered is no GitLab: a login page, a proxy's error page, another program.
    #[error("what answers there is not GitLab's API: {message}")]
    NotGitLab {
        /// The HTTP status.
        status: u16,
        /// What was seen instead.
        message: String,
    },
    /// Something before GitLab turns us away with a page instead of an answer: maintenance, an address that is blocked for a
    /// while, or a challenge for browsers.
    #[error(
        "GitLab turns us away with a page instead of an answer ({message}): maintenance, an address block, or a challenge for browsers"
    )]
    Blocked {
        /// The HTTP status.
        status: u16,
        /// What was seen instead.
        message: String,
    },
    /// REST may answer as it should, but whoever answers for GraphQL is not GitLab: a firewall, a proxy, another program.
    #[error("/api/graphql answers {status}, and not in GitLab's words: {message}")]
    NoGraphql {
        /// The HTTP status.
        status: u16,
        /// What was said.
        message: String,
    },
    /// The server is older than all that we can speak to.
    #[error("GitLab {version} is too old: {} is the oldest that is supported", super::queries::Dialect::OLDEST)]
    TooOld {
        /// What it calls itself.
        version: String,
    },
    /// GitLab, or something before it, points to another host. The token was not sent there.
    #[error("GitLab redirects to {origin}, where the token was not sent; use that address if it is right")]
    RedirectedElsewhere {
        /// Scheme, host and port that the redirect names.
        origin: String,
    },
    /// The TLS handshake failed: unknown CA, wrong name, expired certificate.
    #[error("TLS failed: {message}")]
    Tls {
        /// The cause, in the TLS library's words.
        message: String,
    },
    /// No connection: name unknown, port closed, proxy refuses.
    #[error("GitLab cannot be reached: {message}")]
    Unreachable {
        /// The cause.
        message: String,
    },
    /// A deadline of ours passed.
    #[error("GitLab {}", phase.sentence())]
    Timeout {
        /// Which one.
        phase: Phase,
    },
    /// The answer ended before it was complete.
    #[error("the answer broke off: {message}")]
    Broken {
        /// The cause.
        message: String,
    },
    /// GitLab, or a proxy before it, failed (5xx, or a database timeout sent as 408).
    #[error("GitLab answered {status}")]
    Server {
        /// The HTTP status.
        status: u16,
    },
    /// The answer is larger than we are willing to hold.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// A GraphQL query costs more than this server allows: ask for less.
    #[error("GraphQL: {message}")]
    TooComplex {
        /// The cost of the query, where GitLab says so.
        score: Option<u32>,
        /// The limit, where GitLab says so.
        limit: Option<u32>,
        /// GitLab's own words.
        message: String,
    },
    /// GraphQL gave up on a field in time: ask for less.
    #[error("GraphQL: {message}")]
    QueryTimeout {
        /// GitLab's own words, such as `Timeout on MergeRequest.diffStatsSummary`.
        message: String,
    },
    /// A GraphQL field or argument that this server does not know: use an older variant of the query.
    #[error("GraphQL: {message}")]
    UndefinedField {
        /// GitLab's own words.
        message: String,
    },
    /// Any other refusal of a GraphQL query.
    #[error("GraphQL: {message}")]
    Graphql {
        /// GitLab's own words.
        message: String,
    },
    /// JSON, but not of the shape that GitLab documents.
    #[error("unexpected answer to {operation}: {message}")]
    Unexpected {
        /// The operation that asked.
        operation: String,
        /// What did not fit.
        message: String,
    },
    /// The connection's own settings cannot be used (CA bundle, proxy, header, URL).
    #[error("{message}")]
    Settings {
        /// Which setting, and what is wrong with it.
        message: String,
    },
}

impl Error {
    /// The reason as conditions, metrics and logs spell it.
    pub fn reason(&self) -> &'static str {
        match self {
            Error::Unauthorized { dialect: Dialect::Expired, .. } => "TokenExpired",
            Error::Unauthorized { .. } => "invalid_credentials",
            Error::InsufficientScope { .. } | Error::Forbidden { .. } | Error::WrongKind { .. } => {
                "invalid_permissions"
            }
            Error::NoGraphql { .. } => "GraphQLUnavailable",
            Error::TooOld { .. } => "UnsupportedVersion",
            Error::NotFound { .. } => "ScopeNotFound",
            Error::RateLimited { .. } => "RateLimited",
            Error::NotGitLab { .. } | Error::RedirectedElsewhere { .. } | Error::Unexpected { .. } => "NotGitLab",
            Error::Tls { .. } => "TLSFailure",
            Error::Unreachable { .. }
            | Error::Timeout { .. }
            | Error::Broken { .. }
            | Error::Server { .. }
            | Error::Blocked { .. } => "GitLabUnreachable",
            Error::Rejected { .. } => "Rejected",
            Error::TooLarge { .. } => "AnswerTooLarge",
            Error::TooComplex { .. } | Error::QueryTimeout { .. } => "QueryTooComplex",
            Error::UndefinedField { .. } | Error::Graphql { .. } => "QueryRefused",
            Error::Settings { .. } => "InvalidSpec",
        }
    }

    /// The words in it that are not ours and may quote anything.
    pub(super) fn words_mut(&mut self) -> Option<&mut String> {
        match self {
            Error::InsufficientScope { needed: words, .. }
            | Error::Forbidden { message: words, .. }
            | Error::WrongKind { message: words, .. }
            | Error::NoGraphql { message: words, .. }
            | Error::TooOld { version: words }
            | Error::NotFound { message: words, .. }
            | Error::Rejected { message: words, .. }
            | Error::NotGitLab { message: words, .. }
            | Error::Blocked { message: words, .. }
            | Error::RedirectedElsewhere { origin: words }
            | Error::Tls { message: words }
            | Error::Unreachable { message: words }
            | Error::Broken { message: words }
            | Error::TooComplex { message: words, .. }
            | Error::QueryTimeout { message: words }
            | Error::UndefinedField { message: words }
            | Error::Graphql { message: words }
            | Error::Unexpected { message: words, .. }
            | Error::Settings { message: words } => Some(words),
            Error::Unauthorized { .. }
            | Error::RateLimited { .. }
            | Error::Timeout { .. }
            | Error::Server { .. }
            | Error::TooLarge { .. } => None,
        }
    }

    /// The HTTP status behind the error, where an answer was received.
    pub fn status(&self) -> Option<u16> {
        match self {
            Error::Unauthorized { dialect: Dialect::Malformed, .. } => None,
            Error::Unauthorized { .. } => Some(401),
            Error::InsufficientScope { .. } | Error::Forbidden { .. } => Some(403),
            Error::NotFound { .. } => Some(404),
            Error::RateLimited { .. } => Some(429),
            Error::Rejected { status, .. }
            | Error::WrongKind { status, .. }
            | Error::NoGraphql { status, .. }
            | Error::NotGitLab { status, .. }
            | Error::Blocked { status, .. }
            | Error::Server { status } => Some(*status),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_codes_are_spelled_exactly() {
        let token = || "primary".to_owned();
        let unauthorized = |dialect| Error::Unauthorized { token: token(), dialect };

        assert_eq!(unauthorized(Dialect::Plain).reason(), "invalid_credentials");
        assert_eq!(unauthorized(Dialect::Revoked).reason(), "invalid_credentials");
        assert_eq!(unauthorized(Dialect::Expired).reason(), "TokenExpired");
        assert_eq!(Error::InsufficientScope { token: token(), needed: "api".into() }.reason(), "invalid_permissions");
        assert_eq!(Error::Forbidden { token: token(), message: String::new() }.reason(), "invalid_permissions");
    }
}
