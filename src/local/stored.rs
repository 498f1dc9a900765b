//! A connection's place in its database.

use secrecy::{ExposeSecret, SecretString};

use super::{DEFAULT_DATABASE, Settings, Work, secret};
use crate::{
    asked,
    store::{self, Connection, Registered, Store},
};

/// A connection's place in its database.
#[derive(Debug)]
pub struct Stored {
    /// The database.
    pub store: Store,
    /// The connection's row and identity.
    pub registered: Registered,
    /// What GitLab sends along with each delivery; `None` where no webhooks are wanted.
    pub hook_secret: Result<Option<SecretString>, secret::Error>,
    url: SecretString,
}

/// Why a connection has no place in a database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database says no.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The connection names a database, and a reference of it leads nowhere.
    #[error("{field}: {lookup}")]
    Missing {
        /// The field of the spec.
        field: String,
        /// Where it leads.
        lookup: String,
    },
}

impl Stored {
    /// Opens the database, brings its schema up to date, finds the connection's row, and makes sure of a webhook secret. One
    /// that cannot be kept keeps nobody from importing.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn open(work: &Work<'_>, settings: &Settings) -> Result<Stored, Error> {
        let missing = work.observed.missing.iter().find(|missing| missing.field.starts_with("spec.store"));
        if let Some(missing) = missing.filter(|_| settings.database.is_none()) {
            return Err(Error::Missing { field: missing.field.clone(), lookup: missing.lookup.to_string() });
        }
        let named = work.observed.database.as_ref().map(asked::place);
        let mut place = named.unwrap_or_else(|| SecretString::from(DEFAULT_DATABASE).into());
        if let Some(url) = &settings.database {
            place.url = url.clone();
        }
        let store = Store::open_at(&place).await?;
        store.migrate().await?;
        let connection = Connection {
            namespace: work.given.namespace.clone(),
            name: work.given.name.clone(),
            url: work.observed.instance.url.to_string(),
            uid: work.given.connection.metadata.uid.clone(),
        };
        let registered = store.register(&connection).await?;
        let production = &work.spec().analysis.production_environments;
        store.set_production_environments(registered.source, production).await?;
        let hook_secret = match secret::in_force(work, &store, &registered).await {
            Err(secret::Error::Store(error)) => return Err(error.into()),
            found => found,
        };
        Ok(Stored { store, registered, hook_secret, url: place.url })
    }

    /// The database's URL, to be compared and never printed.
    pub(super) fn url(&self) -> &str {
        self.url.expose_secret()
    }
}
