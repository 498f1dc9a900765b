//! What one step came to.

use crate::api::conditions::reason;

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody can tell at present.
    Unknown,
}

impl Answer {
    /// As conditions spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Answer::True => "True",
            Answer::False => "False",
            Answer::Unknown => "Unknown",
        }
    }
}

/// What one step came to. The message is constant for its reason and subject, and names the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the condition holds.
    pub answer: Answer,
    /// One of [`reason`].
    pub reason: &'static str,
    /// For the person who has to act.
    pub message: String,
}

impl Verdict {
    /// It is as it should be.
    #[must_use]
    pub fn good(message: impl Into<String>) -> Self {
        Self {
            answer: Answer::True,
            reason: reason::SUCCEEDED,
            message: message.into(),
        }
    }

    /// Somebody has to act, or it is not there yet.
    #[must_use]
    pub fn bad(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            answer: Answer::False,
            reason,
            message: message.into(),
        }
    }

    /// Nobody can tell at present.
    #[must_use]
    pub fn unknown(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            answer: Answer::Unknown,
            reason,
            message: message.into(),
        }
    }
}
