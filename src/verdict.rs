//! The last words of an import's worker, which its owner reads: they are all that passes between the two. Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Kubernetes keeps no more bytes than this of what a container leaves.
const LONGEST: usize = 4096;
/// Names and failures that are told of.
const LINES: usize = 10;
/// Differences that are told of.
pub const EXAMPLES: usize = 5;
/// Characters of a name or of a failure's reason.
const LINE: usize = 200;
/// Characters of the message.
const MESSAGE: usize = 1000;

/// How a run went, as the worker saw it that left this.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunVerdict {
    /// Why it ended so, as conditions spell it; `Succeeded` where all is well.
    pub reason: String,
    /// The same in words, with what helps.
    pub message: String,
    /// Whether no task of the run is left, for any worker.
    pub run_ended: bool,
    /// Whether everything was read again, not only what had changed.
    pub full: bool,
    /// Projects by what became of them.
    pub projects: Projects,
    /// Merge requests that the run stored.
    pub merge_requests: i64,
    /// Up to ten groups and projects of the scope that do not exist, or are hidden from the tokens.
    pub missing: Vec<String>,
    /// Up to ten projects that failed or were skipped, failures first.
    pub failures: Vec<ProjectFailure>,
    /// How the database compared with GitLab, where the worker looked.
    pub audit: Option<AuditVerdict>,
}

/// How the database compared with GitLab.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditVerdict {
    /// When it ended.
    pub finished_at: Timestamp,
    /// Projects whose merge requests were counted.
    pub projects: i64,
    /// Merge requests that were read anew.
    pub merge_requests: i64,
    /// Those that changed meanwhile.
    pub behind: i64,
    /// Projects and merge requests that GitLab does not show.
    pub unreadable: i64,
    /// What differs.
    pub differences: i64,
    /// Up to five of the differences.
    pub examples: Vec<String>,
}

/// Projects by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Projects {
    /// All of them.
    pub total: i64,
    /// Read to the end.
    pub done: i64,
    /// Nothing to read, for a lasting reason.
    pub skipped: i64,
    /// Not read.
    pub failed: i64,
}

/// A project that was not read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectFailure {
    /// Its full path.
    pub project: String,
    /// Whether it failed; else it was skipped.
    pub failed: bool,
    /// Why.
    pub reason: String,
}

impl RunVerdict {
    /// JSON that fits into a termination message, however much there is to tell: lists are shortened, never the JSON.
    #[must_use]
    pub fn to_message(mut self) -> String {
        self.missing.truncate(LINES);
        self.failures.truncate(LINES);
        let failures = self.failures.iter_mut().flat_map(|failure| [&mut failure.project, &mut failure.reason]);
        let examples = self.audit.iter_mut().flat_map(|audit| &mut audit.examples);
        failures.chain(&mut self.missing).chain(examples).for_each(|text| cut(text, LINE));
        let mut longest = MESSAGE;
        cut(&mut self.message, longest);
        loop {
            let text = serde_json::to_string(&self).unwrap_or_default();
            if text.len() <= LONGEST {
                return text;
            }
            if self.failures.len() >= self.missing.len() && self.failures.pop().is_some()
                || self.missing.pop().is_some()
            {
                continue;
            }
            if self.audit.as_mut().is_some_and(|audit| audit.examples.pop().is_some()) {
                continue;
            }
            longest /= 2;
            cut(&mut self.message, longest);
        }
    }

    /// Reads what a worker left; `None` where that is something else.
    #[must_use]
    pub fn from_message(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|verdict: &Self| !verdict.reason.is_empty())
    }
}

/// Cuts a text to so many characters, the last of which says that it was cut.
fn cut(text: &mut String, longest: usize) {
    if text.chars().count() > longest {
        *text = text.chars().take(longest.saturating_sub(1)).chain(['…']).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str, lines: usize) -> RunVerdict {
        let failure = ProjectFailure { project: text.into(), failed: true, reason: text.into() };
        RunVerdict {
            reason: "PartiallyFailed".into(),
            message: text.into(),
            run_ended: true,
            full: true,
            projects: Projects { total: i64::MAX, done: 0, skipped: i64::MAX, failed: i64::MAX },
            merge_requests: i64::MAX,
            missing: vec![text.into(); lines],
            failures: vec![failure; lines],
            audit: Some(AuditVerdict {
                differences: i64::MAX,
                examples: vec![text.into(); 5],
                ..AuditVerdict::default()
            }),
        }
    }

    #[test]
    fn a_message_fits_and_is_json_whatever_there_is_to_tell() {
        for letter in ["x", "ä", "\"", "\u{1}", "🦀"] {
            for (length, lines) in [(0, 100), (30, 12), (5000, 0), (5000, 100)] {
                let message = verdict(&letter.repeat(length), lines).to_message();

                assert!(message.len() <= LONGEST, "{letter:?} × {length}, {lines} lines: {}", message.len());
                let read = RunVerdict::from_message(&message).unwrap();
                assert_eq!((read.reason.as_str(), read.merge_requests), ("PartiallyFailed", i64::MAX));
            }
        }
    }

    #[test]
    fn what_fits_arrives_as_it_was() {
        let verdict = verdict("acme/tea", 2);

        assert_eq!(RunVerdict::from_message(&verdict.clone().to_message()), Some(verdict));
        for other in ["", "Killed", "{}", "[1]", "{\"reason\": 5}"] {
            assert_eq!(RunVerdict::from_message(other), None, "{other}");
        }
    }
}
