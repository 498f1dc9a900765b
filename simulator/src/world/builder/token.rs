//! Tokens, in one expression.

use jiff::civil::Date;

use crate::world::{Scope, Token, World};

/// Builds a token.
pub struct TokenBuilder {
    pub(super) world: World,
    pub(super) id: i64,
}

impl TokenBuilder {
    /// Whose.
    #[must_use]
    pub fn user(mut self, username: &str) -> Self {
        let user = self.world.user_named(username);
        self.change(|token| token.user = user)
    }

    /// What for.
    #[must_use]
    pub fn scopes(self, scopes: &[Scope]) -> Self {
        self.change(|token| token.scopes = scopes.to_vec())
    }

    /// Dead from this day on.
    #[must_use]
    pub fn expires(self, day: &str) -> Self {
        let day: Option<Date> = day.parse().ok();
        self.change(|token| token.expires_at = day)
    }

    /// Past its day already.
    #[must_use]
    pub fn expired(self) -> Self {
        self.expires("2020-01-01")
    }

    /// Taken back.
    #[must_use]
    pub fn revoked(self) -> Self {
        self.change(|token| token.revoked = true)
    }

    /// Anything else.
    #[must_use]
    pub fn change(mut self, change: impl FnOnce(&mut Token)) -> Self {
        if let Some(token) = self.world.token_mut(self.id) {
            change(token);
        }
        self
    }
}
