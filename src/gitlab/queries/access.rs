//! The smallest question that tells whether GraphQL answers a token as imports need it.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Who asks, and the price of the question, which the first question of an import asks for too.
pub const ACCESS: &str = "query access { currentUser { username } queryComplexity { score limit } }";

/// The answer to [`ACCESS`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessAnswer {
    /// Null where GitLab saw no token.
    pub current_user: Option<IgnoredAny>,
}
