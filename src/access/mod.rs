//! What can these tokens do? The probes, the matrix and the remedies.
//!
//! [`verify`] asks GitLab and does nothing else; [`reason()`] is the pure table from (call, answer) to reason; [`Access`] is
//! data that a command prints, a status shows and the other steps read.

mod by_graphql;
mod call;
mod finding;
mod graphql;
mod probes;
mod reason;
mod scope;
mod verdict;

use jiff::civil::Date;

use crate::api::Scope;
use crate::gitlab::model::{Group, Project};
use crate::gitlab::{Client, Patience};

pub use call::{Call, Facts, Need, Seen, What};
pub use finding::Finding;
pub use reason::reason;
pub use verdict::Verdict;

/// What the tokens are for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// The tokens that read the scope, by name. A dedicated manager of hooks is none of them.
    pub readers: Vec<String>,
    /// The tokens that may have to manage webhooks; empty where no webhooks are wanted.
    pub hook_managers: Vec<String>,
}

/// How a probe went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It works.
    Ok,
    /// It does not, until a person acts.
    Denied,
    /// Nobody can tell at present.
    Unknown,
}

/// The GitLab that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceFacts {
    /// Such as `18.4.2-ee`.
    pub version: String,
    /// An Enterprise build; says nothing about a licence.
    pub enterprise: bool,
}

/// What is known of one token. Never the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenAccess {
    /// The name that users gave it.
    pub name: String,
    /// The user it acts as.
    pub user: Option<String>,
    /// That user's id.
    pub user_id: Option<i64>,
    /// Its scopes; empty where the server does not tell.
    pub scopes: Vec<String>,
    /// The day on whose first second it dies.
    pub expires_at: Option<Date>,
    /// Whether GitLab accepts it; `None` while nobody knows.
    pub valid: Option<bool>,
    /// The limit that GitLab named for its user, in requests a minute.
    pub rate_limit: Option<u64>,
}

/// One line of the matrix: who tried what on what, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name of the token.
    pub token: String,
    /// What was tried.
    pub what: What,
    /// On what, such as `group acme`; empty for the token itself and the instance.
    pub subject: String,
    /// How it went, why, and what helps.
    pub finding: Finding,
    /// The same question for a shell, with the token as `$GITLAB_TOKEN`.
    pub curl: String,
}

/// What the tokens of a connection can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// `None` where no token could ask.
    pub instance: Option<InstanceFacts>,
    /// One for each token, in the order of the client.
    pub tokens: Vec<TokenAccess>,
    /// Everything that was tried.
    pub matrix: Vec<Entry>,
    /// What works but deserves a word: two tokens of one user, a token that sees less than the others.
    pub warnings: Vec<String>,
    /// The groups of the scope that were found.
    pub groups: Vec<Group>,
    /// The single projects of the scope that were found.
    pub projects: Vec<Project>,
    readers: Vec<String>,
}

/// Finds out what the tokens can do over the scope: for every token its scopes and expiry, the groups, their projects, a
/// project's merge requests, and whether GraphQL answers it, by which imports read; for managers of hooks the right to list them.
///
/// Never fails: what could not be found out is an `Unknown` line of the matrix.
pub async fn verify(client: &Client, scope: &Scope, needs: &Needs) -> Access {
    let client = client.with_patience(Patience::probing());
    let reports = probes::probe_all(&client, scope, needs).await;
    verdict::gather(reports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifying_may_move_between_threads() {
        fn is_send<T: Send>(_: T) {}
        // Never called: to compile is to hold.
        let _check = |client: &Client, scope: &Scope, needs: &Needs| is_send(verify(client, scope, needs));
    }
}
