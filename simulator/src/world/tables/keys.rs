//! Tokens and webhooks.

use crate::world::{Hook, Token, World};

impl World {
    /// A token by its id.
    #[must_use]
    pub fn token(&self, id: i64) -> Option<&Token> {
        self.tokens.get(&id)
    }

    /// A token by its secret.
    #[must_use]
    pub fn token_by_secret(&self, secret: &str) -> Option<&Token> {
        self.token(*self.tokens_by_secret.get(secret)?)
    }

    /// All tokens, by id.
    pub fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens.values()
    }

    /// A token, for editing (not its secret).
    pub fn token_mut(&mut self, id: i64) -> Option<&mut Token> {
        self.tokens.get_mut(&id)
    }

    /// Puts a token in.
    pub fn insert_token(&mut self, token: Token) {
        self.tokens_by_secret.insert(token.secret.clone(), token.id);
        self.tokens.insert(token.id, token);
    }

    /// A webhook.
    #[must_use]
    pub fn hook(&self, id: i64) -> Option<&Hook> {
        self.hooks.get(&id)
    }

    /// All webhooks, by id.
    pub fn hooks(&self) -> impl Iterator<Item = &Hook> {
        self.hooks.values()
    }

    /// A webhook, for editing.
    pub fn hook_mut(&mut self, id: i64) -> Option<&mut Hook> {
        self.hooks.get_mut(&id)
    }

    /// Puts a webhook in.
    pub fn insert_hook(&mut self, hook: Hook) {
        self.hooks.insert(hook.id, hook);
    }

    /// Removes a webhook.
    pub fn delete_hook(&mut self, id: i64) -> Option<Hook> {
        self.hooks.remove(&id)
    }
}
