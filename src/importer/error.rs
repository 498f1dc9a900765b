//! Why a run ended early, and what the Job should make of it.

use crate::{gitlab, store};

/// Why a run could not go on. Trouble with a single project is no error: it is in the summary.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// GitLab refuses us, or cannot be asked.
    #[error(transparent)]
    GitLab(#[from] gitlab::Error),
    /// The database refuses us, or stayed away for longer than the run's patience.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Nothing of the scope exists, or all of it is hidden from the tokens.
    #[error("not found, or hidden from the tokens: {}", missing.join(", "))]
    ScopeNotFound {
        /// Groups and projects as the connection names them.
        missing: Vec<String>,
    },
    /// No token sees a project that something was to be read from.
    #[error("{project} was not found, or is hidden from the tokens")]
    Unseen {
        /// Its path as last seen.
        project: String,
    },
    /// Nothing is stored that could be held against GitLab.
    #[error("nothing was imported yet: import first, then compare")]
    NeverImported,
    /// A pattern of `excludeProjects` cannot be read.
    #[error("excludeProjects: {pattern:?} is not a glob: {message}")]
    BadGlob {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
    /// Somebody asked us to stop. What was committed stays; the next run with the same key goes on from there.
    #[error("stopped on request; the next run goes on from here")]
    Stopped,
    /// A task inside this program ended abnormally.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// What the process reports: 42 this share cannot succeed, 43 credentials refused, 1 try again.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::GitLab(
                gitlab::Error::Unauthorized { .. }
                | gitlab::Error::InsufficientScope { .. }
                | gitlab::Error::WrongKind { .. },
            ) => 43,
            Error::GitLab(gitlab::Error::TooOld { .. }) => 42,
            Error::ScopeNotFound { .. } | Error::Unseen { .. } | Error::BadGlob { .. } => 42,
            Error::GitLab(_) | Error::Store(_) | Error::NeverImported | Error::Stopped | Error::Internal(_) => 1,
        }
    }

    /// The reason as conditions, metrics and logs spell it.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Error::GitLab(error) => error.reason(),
            Error::Store(error) => error.reason(),
            Error::ScopeNotFound { .. } | Error::Unseen { .. } => "ScopeNotFound",
            Error::BadGlob { .. } => "InvalidSpec",
            Error::NeverImported => "NeverRun",
            Error::Stopped => "Stopped",
            Error::Internal(_) => "InternalError",
        }
    }
}
