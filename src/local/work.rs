//! A connection with everything that is needed to work on it.

use super::{BadUrl, Observed, observe};
use crate::{
    access::Needs,
    api::{GitLabConnectionSpec, Mode},
    gitlab::{self, Client, Metrics},
    manifest::{Given, Manifests},
};

/// A connection with everything that is needed to work on it.
#[derive(Debug)]
pub struct Work<'a> {
    /// The connection.
    pub given: &'a Given,
    /// What its references hold.
    pub observed: Observed,
    /// Speaks to its GitLab.
    pub client: Client,
}

/// Why nothing can be done for a connection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its URL cannot be used.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// Its certificate, proxy or headers cannot be used.
    #[error(transparent)]
    GitLab(#[from] gitlab::Error),
}

impl<'a> Work<'a> {
    /// Follows the connection's references and makes a client; sends nothing.
    ///
    /// # Errors
    /// When URL, certificate, proxy or headers cannot be used.
    pub fn new(given: &'a Given, manifests: &Manifests, metrics: &Metrics) -> Result<Self, Error> {
        let observed = observe(given, manifests)?;
        let client = Client::new(&observed.instance, observed.tokens.clone(), metrics)?;
        Ok(Self { given, observed, client })
    }

    /// What the person asked for.
    #[must_use]
    pub fn spec(&self) -> &GitLabConnectionSpec {
        &self.given.connection.spec
    }

    /// Namespace and name.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.given.namespace, self.given.name)
    }
}

/// What the tokens of a connection are needed for.
#[must_use]
pub fn needs(spec: &GitLabConnectionSpec, observed: &Observed) -> Needs {
    let wanted = !matches!(spec.webhooks.mode, Mode::Disabled | Mode::Manual);
    Needs {
        readers: observed.readers.clone(),
        hook_managers: if wanted { observed.hook_managers.clone() } else { Vec::new() },
    }
}
