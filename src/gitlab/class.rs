//! What an error says of the next step. The one place that sorts errors: whoever must decide asks here.

use super::Error;

/// What helps against an error, if anything does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Too much was asked for at once: ask for less.
    TooBig,
    /// It took too long, which speaks of the size or of the server: ask again, and for less if it happens twice.
    Slow,
    /// GitLab, or the way to it, is unwell: wait and ask for the same again. It says nothing about the size.
    Unwell,
    /// GitLab failed over this very question, or over everything: ask for the same again, then find out which.
    Failed,
    /// Not there, or not for this token.
    Hidden,
    /// GitLab understood and will say the same again: leave out what cannot be had.
    Refused,
    /// The server is of another version than the question: ask in its words.
    Outdated,
    /// Nobody gets another answer until somebody acts.
    Fatal,
}

impl Error {
    /// What helps against it.
    pub fn class(&self) -> Class {
        match self {
            Error::TooComplex { .. } | Error::QueryTimeout { .. } | Error::TooLarge { .. } => Class::TooBig,
            Error::Timeout { phase: super::Phase::Headers | super::Phase::Body } => Class::Slow,
            Error::Server { status: 408 | 504 | 524 } => Class::Slow,
            Error::Server { status: 500 } => Class::Failed,
            Error::Server { .. }
            | Error::Timeout { phase: super::Phase::Connect | super::Phase::Term }
            | Error::Broken { .. }
            | Error::Unreachable { .. }
            | Error::Blocked { .. }
            | Error::RateLimited { .. } => Class::Unwell,
            Error::Forbidden { .. } | Error::NotFound { .. } => Class::Hidden,
            Error::Graphql { .. } | Error::Unexpected { .. } | Error::Rejected { .. } => Class::Refused,
            Error::UndefinedField { .. } => Class::Outdated,
            Error::Unauthorized { .. }
            | Error::InsufficientScope { .. }
            | Error::WrongKind { .. }
            | Error::NoGraphql { .. }
            | Error::TooOld { .. }
            | Error::NotGitLab { .. }
            | Error::RedirectedElsewhere { .. }
            | Error::Tls { .. }
            | Error::Settings { .. } => Class::Fatal,
        }
    }

    /// Whether the same request may well succeed later, with nobody having changed anything.
    pub fn is_transient(&self) -> bool {
        // A query that took too long may not do so in a quiet hour.
        matches!(self.class(), Class::Slow | Class::Unwell | Class::Failed)
            || matches!(self, Error::QueryTimeout { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Phase;
    use super::*;

    fn server(status: u16) -> Error {
        Error::Server { status }
    }

    #[test]
    fn only_what_speaks_of_size_asks_for_less() {
        assert_eq!(Error::TooLarge { limit: 1 }.class(), Class::TooBig);
        assert_eq!(Error::QueryTimeout { message: String::new() }.class(), Class::TooBig);
        for error in [server(504), server(408), Error::Timeout { phase: Phase::Headers }] {
            assert_eq!(error.class(), Class::Slow, "{error}");
        }
        let reset = Error::Broken { message: String::new() };
        for error in [server(502), server(503), server(521), reset, Error::Timeout { phase: Phase::Connect }] {
            assert_eq!(error.class(), Class::Unwell, "{error}");
        }
    }

    #[test]
    fn only_trouble_that_passes_is_transient() {
        assert!(server(502).is_transient());
        assert!(Error::Timeout { phase: Phase::Body }.is_transient());
        assert!(Error::Blocked { status: 403, message: String::new() }.is_transient());
        assert!(!Error::Tls { message: String::new() }.is_transient());
        assert!(!Error::NotGitLab { status: 200, message: String::new() }.is_transient());
        assert!(!Error::TooLarge { limit: 1 }.is_transient());
    }
}
