//! Makes GitLab call us: exactly one hook for each group or project, as the spec wants it, kept so.
//!
//! ```text
//!   ensure ─▶ ladder: group ─▶ project ─▶ system ─▶ a person      remove
//!               └─▶ target: list ─▶ plan (pure) ─▶ act ─▶ list        └─▶ what carries our mark
//! ```
//!
//! A hook is ours when the last segment of its URL is the connection's uid, or its description says so. That is all the
//! memory that is needed: [`Memory`] only saves pushing the secret again, which GitLab never shows.

mod failure;
mod followed;
mod ladder;
mod manual;
mod memory;
pub mod plan;
mod progress;

mod remove;
mod secret;
mod silence;
mod target;

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use crate::{
    api::{Adopt, Events, Mode, Scope, conditions::reason},
    gitlab::{
        Client, Target,
        model::{Group, Project},
    },
};

pub use failure::Failure;
pub use memory::Memory;
pub use plan::{Change, Drift, Wanted, hook_url, plan};
pub use progress::Progress;
pub use remove::{Left, Removed, remove};
pub use secret::new_secret;

/// A target by the name that people know.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// What the hook hangs on.
    pub target: Target,
    /// Its full path; empty for the instance.
    pub path: String,
}

impl Place {
    fn role(&self) -> &'static str {
        match self.target {
            Target::Group(_) => "the role Owner",
            Target::Project(_) => "the role Maintainer",
            Target::System => "an administrator's token",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.target {
            Target::Group(_) => write!(f, "group {}", self.path),
            Target::Project(_) => write!(f, "project {}", self.path),
            Target::System => f.write_str("the instance"),
        }
    }
}

impl From<&Group> for Place {
    fn from(group: &Group) -> Self {
        Self { target: Target::Group(group.id), path: group.full_path.clone() }
    }
}

impl From<&Project> for Place {
    fn from(project: &Project) -> Self {
        Self { target: Target::Project(project.id), path: project.path_with_namespace.clone() }
    }
}

/// What one connection wants of GitLab.
#[derive(Clone, Debug)]
pub struct Desired {
    /// Identity of the connection.
    pub uid: String,
    /// Namespace and name of the connection.
    pub connection: String,
    /// URL of the receiver, which ends in `/webhooks/gitlab`.
    pub receiver: Url,
    /// The secret that GitLab sends with each delivery.
    pub secret: SecretString,
    /// Key of the digests by which pushed secrets are recognised: long, random, and not kept where [`Memory`] is. A token.
    pub digest_key: SecretString,
    /// Which hooks to make.
    pub mode: Mode,
    /// What GitLab tells us of.
    pub events: Events,
    /// Whether GitLab checks the receiver's certificate.
    pub ssl_verification: bool,
    /// Which hooks that exist are ours.
    pub adopt: Adopt,
    /// Version of the GitLab, where known.
    pub version: Option<String>,
    /// Names of the tokens that may manage hooks; the first that can does.
    pub managers: Vec<String>,
    /// Names of the tokens that were to manage hooks, and lack the scope `api`: GitLab need not be asked.
    pub powerless: Vec<String>,
    /// The groups of the scope.
    pub groups: Vec<Place>,
    /// The single projects of the scope.
    pub projects: Vec<Place>,
    /// The scope itself, for the projects of a group that needs one hook for each.
    pub scope: Scope,
    /// When an authentic delivery last arrived, by whatever hook a person made.
    pub delivered_at: Option<Timestamp>,
}

/// Hooks that were made, changed, removed and switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Made.
    pub created: usize,
    /// Repaired, or given the secret.
    pub updated: usize,
    /// Removed: duplicates, and those where none is wanted any more.
    pub removed: usize,
    /// Switched on again.
    pub enabled: usize,
}

impl std::ops::AddAssign for Changes {
    fn add_assign(&mut self, more: Self) {
        let Self { created, updated, removed, enabled } = more;
        self.created += created;
        self.updated += updated;
        self.removed += removed;
        self.enabled += enabled;
    }
}

/// How it stands with the hooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Each wanted hook is in place.
    InPlace,
    /// None is wanted.
    NotWanted,
    /// Some are missing, and somebody has to act.
    Incomplete {
        /// One of [`crate::api::conditions::reason`].
        reason: &'static str,
        /// What is missing, and what helps.
        message: String,
    },
    /// Nobody can tell at present.
    Unknown {
        /// One of [`crate::api::conditions::reason`].
        reason: &'static str,
        /// Why not.
        message: String,
    },
}

/// What came of one pass.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it stands.
    pub state: State,
    /// The mode in force: what Auto came to.
    pub mode: Mode,
    /// Hooks that are wanted.
    pub desired: usize,
    /// Hooks in place.
    pub ready: usize,
    /// Of those that are not: how many wait for another turn, because the time was over.
    pub waiting: usize,
    /// Targets without their hook, and why.
    pub failures: Vec<Failure>,
    /// GitLab calls, and does not get through.
    pub failing: bool,
    /// What the hooks in force do not bring, said once.
    pub notes: Vec<String>,
    /// Commands by which a person makes what we may not; `$GITLAB_TOKEN` and `$WEBHOOK_SECRET` stand for the secrets.
    pub commands: Vec<String>,
    /// What was changed.
    pub changes: Changes,
    /// To be given to the next pass.
    pub memory: Memory,
    /// To be given to the next turn of this pass.
    pub progress: Progress,
}

/// Makes the hooks be as wanted. Never fails: what could not be done is said in the outcome.
///
/// A client whose time is over ends the turn; another one goes on with the `progress` of this one. A pass begins with none.
pub async fn ensure(client: &Client, desired: &Desired, memory: &Memory, progress: Progress) -> Outcome {
    ladder::climb(client, desired, memory, progress).await
}

impl Desired {
    fn wanted(&self, up_to_date: Option<i64>) -> Wanted {
        Wanted {
            uid: self.uid.clone(),
            url: hook_url(&self.receiver, &self.uid),
            adopt: self.adopt,
            events: self.events,
            ssl_verification: self.ssl_verification,
            named: self.version.as_deref().is_some_and(keeps_names),
            connection: self.connection.clone(),
            up_to_date,
        }
    }
}

/// Whether a GitLab of this version keeps names and descriptions of hooks: 17.1 and up.
fn keeps_names(version: &str) -> bool {
    let mut parts = version.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    (major, minor) >= (17, 1)
}

/// The sum of the failures: the first that a person can do something about speaks for all. Nothing is certain while some
/// wait for their turn.
fn sum_up(desired: usize, ready: usize, waiting: usize, failures: &[Failure]) -> State {
    if waiting > 0 {
        let message = format!("{ready} of {desired} are in place so far");
        return State::Unknown { reason: reason::PROGRESSING, message };
    }
    let Some(first) = failures.iter().find(|failure| !failure.transient).or(failures.first()) else {
        return State::InPlace;
    };
    let more = failures.len() - 1;
    let others = if more == 0 { String::new() } else { format!(" ({more} more: {ready} of {desired} in place)") };
    let (reason, message) = (first.reason, format!("{}{others}", first.message));
    if first.transient { State::Unknown { reason, message } } else { State::Incomplete { reason, message } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_on_webhooks_may_move_between_threads() {
        fn is_send<T: Send>(_: T) {}
        // Never called: to compile is to hold.
        let _check = |client: &Client, desired: &Desired, memory: &Memory| {
            is_send(ensure(client, desired, memory, Progress::default()));
            is_send(remove(client, desired, memory));
        };
    }

    #[test]
    fn names_are_kept_from_17_1_on() {
        for (version, kept) in
            [("17.1.0-ee", true), ("18.0.0", true), ("17.0.5", false), ("16.11.2-ee", false), ("", false)]
        {
            assert_eq!(keeps_names(version), kept, "{version}");
        }
    }

    #[test]
    fn the_failure_that_needs_a_person_speaks_for_all() {
        let place = Place { target: Target::Project(1), path: "acme/tool".into() };
        let person = Failure::new(&place, reason::INSUFFICIENT_ROLE, "needs a role".into());
        let passing = Failure { transient: true, ..Failure::new(&place, reason::GITLAB_UNREACHABLE, "away".into()) };

        assert_eq!(sum_up(3, 3, 0, &[]), State::InPlace);
        assert_eq!(
            sum_up(3, 1, 0, &[passing.clone(), person]),
            State::Incomplete {
                reason: reason::INSUFFICIENT_ROLE,
                message: "needs a role (1 more: 1 of 3 in place)".into()
            }
        );
        assert_eq!(
            sum_up(1, 0, 0, &[passing]),
            State::Unknown { reason: reason::GITLAB_UNREACHABLE, message: "away".into() }
        );
    }
}
