//! A connection with everything that is needed to work on it.

use tokio::sync::watch;

use crate::{
    access::Access,
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
    /// The tokens that can read all of the scope, as the last look found them; all of them where none can, or before one.
    pub readers: watch::Sender<Vec<String>>,
}

impl<'a> Work<'a> {
    /// Follows the connection's references and makes a client; sends nothing.
    ///
    /// # Errors
    /// When URL, certificate, proxy or headers cannot be used.
    pub fn new(given: &'a Given, references: &References, metrics: &Metrics) -> Result<Self, Unusable> {
        let observed = observe(&given.namespace, &given.connection.spec, references)?;
        let client = observed.client(metrics)?;
        let readers = watch::Sender::new(observed.readers.clone());
        Ok(Self { given, observed, client, readers })
    }

    /// Lets refreshers read with tokens that can.
    pub(super) fn found(&self, access: &Access) {
        let usable = access.usable_readers();
        let fit = if usable.is_empty() { &self.observed.readers } else { &usable };
        self.readers.send_if_modified(|readers| {
            let changes = readers != fit;
            readers.clone_from(fit);
            changes
        });
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
