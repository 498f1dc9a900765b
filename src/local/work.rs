//! A connection with everything that is needed to work on it.

use crate::{
    api::GitLabConnectionSpec,
    connection::{Observed, Unusable, observe},
    gitlab::{Client, Metrics},
    manifest::Given,
    references::References,
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

impl<'a> Work<'a> {
    /// Follows the connection's references and makes a client; sends nothing.
    ///
    /// # Errors
    /// When URL, certificate, proxy or headers cannot be used.
    pub fn new(given: &'a Given, references: &References, metrics: &Metrics) -> Result<Self, Unusable> {
        let observed = observe(&given.namespace, &given.connection.spec, references)?;
        let client = observed.client(metrics)?;
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
