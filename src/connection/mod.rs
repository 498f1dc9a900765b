//! What a connection comes to, whoever runs it: files or a cluster.
//!
//! ```text
//!   spec ─▶ named ─▶ (someone reads them) ─▶ References ─▶ observe ─▶ client, needs     what to ask GitLab
//!                                                             │
//!                                     access, callback ───────┴─▶ desired ─▶ told       what GitLab is to do
//!                                     access ─▶ instance, credentials, matrix ─▶ bounded     what to say of it
//! ```
//!
//! All of it is pure: nothing here reads a file, asks a server, looks at a clock or waits.

mod bounded;
mod hooks;
mod named;
mod observe;
mod report;

use crate::gitlab;

pub use bounded::bounded;
pub use hooks::{Callback, Hooks, desired, not_yet, receiver_url, told};
pub use named::{Named, named};
pub use observe::{BadUrl, Database, Missing, Observed, Withheld, missing_references, needs, observe};
pub use report::{credentials, instance, matrix, unfit_readers};

/// Failures that a status carries.
pub const FAILURES: usize = 10;

/// Why nothing can be done for a connection.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Its URL cannot be used.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// Its certificate, proxy or headers cannot be used.
    #[error(transparent)]
    GitLab(#[from] gitlab::Error),
}
