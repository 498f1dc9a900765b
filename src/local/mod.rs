//! The whole pipeline without a cluster: verify, webhooks, import, conditions.
//!
//! ```text
//!   manifests ─▶ connection ─▶ Work ─▶ pass ─┬─ access    what can the tokens do?
//!                                            ├─ hooks     make GitLab call us
//!                                            └─ import    bring the rows
//!                                      └────▶ report      conditions, counts
//! ```
//!
//! [`pass()`] is one round over one connection; [`watch`] repeats it on schedule, and [`serve()`] receives deliveries meanwhile.

mod hooks;
mod pass;
mod report;
mod secret;
mod serve;
mod stored;
mod watch;
mod work;

use jiff::SignedDuration;
use secrecy::SecretString;

pub use hooks::remove_webhooks;
pub use pass::{Import, Pass, pass};
pub use report::{Report, report, spoken};
pub use secret::Error as SecretError;
pub use serve::{NoConnection, serve};
pub use stored::{Error as StoredError, Stored};
pub use watch::{next_import, watch};
pub use work::Work;

/// The database when neither the command line nor the connection names one.
pub const DEFAULT_DATABASE: &str = "sqlite:gitlab-connector.db";

/// What a pass works with beside the connection itself.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The database; `None` is the connection's own, or [`DEFAULT_DATABASE`].
    pub database: Option<SecretString>,
    /// URL under which GitLab reaches the receiver, for connections that name none.
    pub receiver_url: Option<String>,
    /// Read everything again, also what has not changed.
    pub full: bool,
    /// Walk the scope for projects that came, moved or went, however lately that was done.
    pub walk: bool,
    /// How long a database or a project may stay away before an import ends.
    pub patience: SignedDuration,
}
