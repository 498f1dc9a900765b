//! The server, the token and the users.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::gitlab::model::{Metadata, TokenSelf, User};
use crate::gitlab::pages::PER_PAGE;
use crate::gitlab::request::Request;
use crate::gitlab::{Client, Error, Pages, Probe};

/// How long what GitLab says of itself is believed: a server may be upgraded at any time.
const RECENT: Duration = Duration::from_secs(60);

impl Client {
    /// Version and edition. Servers before 15.2 know only `/version`.
    ///
    /// # Errors
    /// Those of the transport and of the token.
    pub async fn metadata(&self) -> Result<Metadata, Error> {
        let told = self.ask_metadata().await;
        if let Ok(told) = &told {
            *self.told() = Some((Instant::now(), Metadata::clone(told)));
        }
        told
    }

    /// The same, unless it was told a moment ago: who verifies and then imports asks once. It is believed once, too.
    ///
    /// # Errors
    /// As [`Client::metadata`].
    pub async fn recent_metadata(&self) -> Result<Metadata, Error> {
        let told = self.told().take();
        match told {
            Some((at, metadata)) if at.elapsed() < RECENT => Ok(metadata),
            _ => self.ask_metadata().await,
        }
    }

    async fn ask_metadata(&self) -> Result<Metadata, Error> {
        match self.probe(&Probe::Metadata).await {
            Err(Error::NotFound { .. }) => self.fetch(&Request::get("version", ["version"])).await,
            other => other,
        }
    }

    fn told(&self) -> MutexGuard<'_, Option<(Instant, Metadata)>> {
        self.shared.metadata.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the token says about itself. With several tokens it is one of them that answers: use [`Client::only`].
    ///
    /// # Errors
    /// `NotFound` before 15.5, and for tokens that are not of the personal-access kind.
    pub async fn token_self(&self) -> Result<TokenSelf, Error> {
        let found: TokenSelf = self.probe(&Probe::TokenSelf).await?;
        self.learn_user(found.user_id);
        Ok(found)
    }

    /// The user behind the token; see [`Client::token_self`].
    ///
    /// # Errors
    /// `InsufficientScope` for tokens that may not read their user.
    pub async fn current_user(&self) -> Result<User, Error> {
        let found: User = self.probe(&Probe::CurrentUser).await?;
        self.learn_user(found.id);
        Ok(found)
    }

    /// One user.
    ///
    /// # Errors
    /// `NotFound` if there is none of that id.
    pub async fn user(&self, id: i64) -> Result<User, Error> {
        self.fetch(&Request::get("user", ["users", &id.to_string()])).await
    }

    /// All users that the token may see, by id (keyset: no end to how many).
    pub fn users(&self) -> Pages<User> {
        let request = Request::get("users", ["users"]).with("per_page", PER_PAGE).with("pagination", "keyset");
        Pages::new(self, request.with("order_by", "id").with("sort", "asc"))
    }

    /// Tells the pool who is behind the token, if this client is restricted to one.
    pub(crate) fn learn_user(&self, user: i64) {
        if let [token] = *self.tokens {
            self.shared.pool().learn_user(token, user);
        }
    }
}
