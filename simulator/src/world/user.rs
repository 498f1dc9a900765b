//! Users: people, bots and the ghost.

use jiff::Timestamp;
use jiff::civil::Date;

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserState {
    /// Yes.
    #[default]
    Active,
    /// Stopped by an administrator.
    Blocked,
    /// Dormant.
    Deactivated,
    /// Stopped, and their merge requests hidden.
    Banned,
}

impl UserState {
    /// As REST and GraphQL spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UserState::Active => "active",
            UserState::Blocked => "blocked",
            UserState::Deactivated => "deactivated",
            UserState::Banned => "banned",
        }
    }
}

/// What kind of user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserKind {
    /// A person.
    #[default]
    Human,
    /// The user of a project or group access token.
    ProjectBot,
    /// A service account.
    ServiceAccount,
    /// Whom contributions of deleted users belong to.
    Ghost,
    /// Stands in for the author of something imported.
    Placeholder,
}

impl UserKind {
    /// GitLab's `UserType`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UserKind::Human => "HUMAN",
            UserKind::ProjectBot => "PROJECT_BOT",
            UserKind::ServiceAccount => "SERVICE_ACCOUNT",
            UserKind::Ghost => "GHOST",
            UserKind::Placeholder => "PLACEHOLDER",
        }
    }
}

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    /// The id.
    pub id: i64,
    /// Unique.
    pub username: String,
    /// For people.
    pub name: String,
    /// The private address, which joins commits to users.
    pub email: String,
    /// The address shown to everyone.
    pub public_email: Option<String>,
    /// Whether they may sign in.
    pub state: UserState,
    /// Person, bot, ghost.
    pub kind: UserKind,
    /// An instance administrator.
    pub admin: bool,
    /// When they joined.
    pub created_at: Timestamp,
    /// The day they last did something.
    pub last_activity_on: Option<Date>,
    /// The group that made this service account.
    pub provisioned_by: Option<i64>,
}

impl User {
    /// GitLab's `bot` flag.
    #[must_use]
    pub fn bot(&self) -> bool {
        matches!(self.kind, UserKind::ProjectBot | UserKind::ServiceAccount)
    }
}
