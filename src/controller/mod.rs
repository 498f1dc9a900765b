//! Brings GitLab and the cluster to what each `GitLabConnection` asks for, and says how it went in its status.
//!
//! ```text
//!   watches ─▶ reconcile ─┬─ observe   what the connection refers to              (Kubernetes, read)
//!      ▲                  ├─ ask       do earlier answers hold? else order ──┐    (pure)
//!      │                  ├─ imports   make sure that a due import runs      │    (Kubernetes, write)
//!      │                  └─ status    verdicts as conditions                │    (pure, then write)
//!      └───────────────────────────── queue ◀────────────────────────────────┘
//!            what can the tokens do; make GitLab call us; take our webhooks away       (GitLab)
//! ```
//!
//! Two speeds: what Kubernetes alone decides never waits for GitLab. What waits for GitLab does so in the `queue`, whose end
//! has the connection looked at once more.
//!
//! Whatever decides is pure: `runs` whether an import starts, `import_job` what it is made of, `outcome` how it
//! ended, `waiting` why it does not start, `judge` what is said of it all. One process leads (`lease`); the others wait for their turn.
//!
//! Here is no database: what only a database knows comes as the last words of the workers, and what the receiver knows it
//! writes into the status itself. The depth of the queue is not among the metrics, because kube does not tell it.

mod answers;
mod args;
mod ask;
mod cleanup;
mod digest;
mod events;
mod hooks;
mod import_job;
mod imports;
mod invalid;
mod judge;
mod lease;
mod metrics;
mod observe;
mod outcome;
mod queue;
mod reconcile;
mod run;
mod runs;
mod series;
mod status;
mod waiting;
mod watches;
mod worker;

use jiff::SignedDuration;
use k8s_openapi::api::batch::v1::Job;
use kube::runtime::{finalizer, reflector::Store};

use crate::{cluster::HookStateError, gitlab, guard::Guard};

pub use args::Args;
pub use lease::Error as LeaseError;
pub use run::{Error as RunError, run};

/// What every look at a connection shares.
struct Context {
    kube: events::Kube,
    /// The import Jobs, as the watch tells of them.
    jobs: Store<Job>,
    memory: answers::Memory,
    /// What waits for a GitLab.
    queue: queue::Queue<ask::Answer>,
    gitlab: gitlab::Metrics,
    settings: Settings,
}

/// What holds for all connections.
#[derive(Debug, Clone)]
struct Settings {
    /// URL under which GitLab reaches the receiver, for connections that name none.
    receiver_url: Option<String>,
    /// What the pods of imports run.
    image: import_job::Image,
    /// How long a deletion waits for a GitLab that is away.
    deletion_deadline: SignedDuration,
    /// What connections may do.
    guard: Guard,
}

/// Why a look at a connection could not be brought to its end. Expected failures are conditions and not here.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// The API server refuses, or cannot be asked.
    #[error("{}", said(.0))]
    Kube(#[from] kube::Error),
    /// The Secret of the webhooks cannot be kept.
    #[error(transparent)]
    HookState(HookStateError),
    /// A deletion waits for GitLab.
    #[error("the webhooks cannot be removed yet: {0}")]
    GitLabAway(String),
    /// No secret for the webhooks can be made.
    #[error("the system gives no randomness for a new webhook secret")]
    NoRandomness,
    /// An object lacks what the API server gives to each.
    #[error("the API server tells of an object without a name")]
    Nameless,
    /// A Job of somebody else's has the name of ours.
    #[error("a Job named '{0}' exists that is not the operator's own: remove it")]
    ForeignJob(String),
    /// A bug.
    #[error("the look at this connection ended abnormally")]
    Panicked,
}

impl From<HookStateError> for Error {
    fn from(error: HookStateError) -> Self {
        match error {
            HookStateError::Kube(error) => Self::Kube(error),
            error => Self::HookState(error),
        }
    }
}

/// What an API server says, without what only machines read.
fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("the API server refuses: {} ({})", status.message, status.code),
        error => error.to_string(),
    }
}

impl From<finalizer::Error<Error>> for Error {
    fn from(error: finalizer::Error<Error>) -> Self {
        match error {
            finalizer::Error::ApplyFailed(error) | finalizer::Error::CleanupFailed(error) => error,
            finalizer::Error::AddFinalizer(error) | finalizer::Error::RemoveFinalizer(error) => error.into(),
            finalizer::Error::UnnamedObject | finalizer::Error::InvalidFinalizer => Self::Nameless,
        }
    }
}
