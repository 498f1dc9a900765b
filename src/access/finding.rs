//! What one question of a look came to.

use super::Outcome;
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

pub(super) fn denied(reason: &'static str, message: String, remedy: String) -> Finding {
    Finding { outcome: Outcome::Denied, reason: Some(reason), message, remedy, http_status: None }
}

/// What passes, in words that are the same each time: they become part of a status, and each change there is a write.
pub(super) fn passing(error: &Error) -> String {
    match error {
        Error::RateLimited { .. } => "GitLab's rate limit does not lift".into(),
        Error::Server { .. } => "GitLab, or a proxy before it, fails".into(),
        Error::Timeout { .. } | Error::Broken { .. } => "GitLab does not answer in time".into(),
        other => other.to_string(),
    }
}
