//! Making, using, replacing and taking back tokens.

use jiff::SignedDuration;
use jiff::civil::Date;

use crate::world::World;

impl World {
    /// Takes a token back.
    pub fn revoke_token(&mut self, id: i64) -> Option<()> {
        self.token_mut(id)?.revoked = true;
        Some(())
    }

    /// Replaces a token by a new one of the same family, which is not used yet; the old one dies at once.
    pub fn rotate_token(&mut self, id: i64, expires_at: Option<Date>) -> Option<i64> {
        self.revoke_token(id)?;
        let mut new = self.token(id)?.clone();
        new.id = self.next_id("token");
        new.revoked = false;
        new.created_at = self.now();
        new.last_used_at = None;
        new.expires_at = expires_at;
        new.secret = World::fresh_secret();
        let id = new.id;
        self.insert_token(new);
        Some(id)
    }

    /// Someone tried to rotate a token that was rotated before: all of its family die.
    pub fn revoke_family(&mut self, family: i64) {
        let relatives: Vec<i64> = self.tokens().filter(|token| token.family == family).map(|token| token.id).collect();
        for id in relatives {
            self.revoke_token(id);
        }
    }

    /// Notes that a token was used, once a minute as GitLab does (`PersonalAccessTokens::LastUsedService`).
    pub fn use_token(&mut self, id: i64) {
        if self.token_use_is_news(id) {
            let now = self.now();
            if let Some(token) = self.token_mut(id) {
                token.last_used_at = Some(now);
            }
        }
    }

    /// Whether GitLab would write down that a token is used now.
    #[must_use]
    pub fn token_use_is_news(&self, id: i64) -> bool {
        let Some(token) = self.token(id) else { return false };
        let minute = SignedDuration::from_mins(1);
        token.last_used_at.is_none_or(|last| self.now().duration_since(last) >= minute)
    }

    /// A secret that nobody has.
    #[must_use]
    pub fn fresh_secret() -> String {
        format!("glpat-{}", std::iter::repeat_with(fastrand::alphanumeric).take(20).collect::<String>())
    }
}
