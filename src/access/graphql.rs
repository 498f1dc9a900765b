//! Whether GraphQL answers, by which imports read: what lets REST pass does not always let `/api/graphql` pass.

use serde_json::json;

use super::by_graphql::PATH;
use super::probes::Prober;
use super::{Entry, Facts, Seen, TokenAccess, What};
use crate::gitlab::queries::access::{ACCESS, AccessAnswer};
use crate::gitlab::{Error, Probe};

/// The scopes of tokens that may ask, or say better why not.
const ASKS: [&str; 3] = ["api", "read_api", "granular"];

impl Prober<'_> {
    /// The line of the matrix for GraphQL, where the token is one that reads.
    pub(super) async fn graphql(&self, token: &TokenAccess, supported: &Result<(), Error>) -> Option<Entry> {
        // To a scope that is too small GraphQL says that the token is invalid. REST knows better.
        let is_too_small = !token.scopes.is_empty() && !token.scopes.iter().any(|scope| ASKS.contains(&scope.as_str()));
        if !self.reads || is_too_small {
            return None;
        }
        let answer = match supported {
            Ok(()) => self.ask_graphql().await,
            Err(error) => Err(error.clone()),
        };
        Some(self.entry(What::Graphql, PATH, Facts::default(), (&Probe::Graphql, &answer)))
    }

    /// Trouble of its own is none of REST's, so it is not remembered for the other questions.
    async fn ask_graphql(&self) -> Result<Seen, Error> {
        if let Some(error) = self.trouble() {
            return Err(error);
        }
        let answer = self.client.graphql::<AccessAnswer>(ACCESS, &json!({})).await?.complete()?;
        Ok(if answer.current_user.is_some() { Seen::Something } else { Seen::Nothing })
    }
}
