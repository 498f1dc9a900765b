//! Where a database is, and how it is to be used.

use std::time::Duration;

use secrecy::SecretString;

/// How long a connection, a lock or a statement may keep us waiting before that is an error.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Where a database is, and how it is to be used.
#[derive(Debug, Clone)]
pub struct Place {
    /// `postgres://…` or `sqlite:path`.
    pub url: SecretString,
    /// Certificates in PEM that a PostgreSQL's is checked against, beside those of the system.
    pub ca_bundle: Option<Vec<u8>>,
    /// The most connections to a PostgreSQL that may be open at once.
    pub max_connections: u32,
}

impl Place {
    /// Enough for a worker's commits beside its heartbeat, few enough for many workers on one server.
    pub const CONNECTIONS: u32 = 6;
}

impl From<SecretString> for Place {
    fn from(url: SecretString) -> Place {
        Place { url, ca_bundle: None, max_connections: Place::CONNECTIONS }
    }
}
