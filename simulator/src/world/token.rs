//! Access tokens, and who calls with them.

use jiff::Timestamp;
use jiff::civil::Date;

use super::World;
use super::user::UserState;

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Read and write everything.
    Api,
    /// Read everything.
    ReadApi,
    /// Read the own user.
    ReadUser,
    /// Git over HTTP, for reading.
    ReadRepository,
    /// Git over HTTP, for writing.
    WriteRepository,
    /// Pull images.
    ReadRegistry,
    /// Push images.
    WriteRegistry,
    /// Register runners.
    CreateRunner,
    /// Change runners.
    ManageRunner,
    /// Ask GitLab Duo.
    AiFeatures,
    /// Reach clusters through GitLab.
    K8sProxy,
    /// Act as any user, for administrators.
    Sudo,
    /// Rotate itself.
    SelfRotate,
    /// Act as administrator where Admin Mode is on.
    AdminMode,
    /// What fine-grained tokens have instead: all that REST lets be read, and nothing of GraphQL, as where GitLab declares no
    /// permission for a field.
    Granular,
}

impl Scope {
    /// All that a token can be asked for with.
    pub const ALL: [Scope; 14] = [
        Scope::Api,
        Scope::ReadApi,
        Scope::ReadUser,
        Scope::ReadRepository,
        Scope::WriteRepository,
        Scope::ReadRegistry,
        Scope::WriteRegistry,
        Scope::CreateRunner,
        Scope::ManageRunner,
        Scope::AiFeatures,
        Scope::K8sProxy,
        Scope::Sudo,
        Scope::SelfRotate,
        Scope::AdminMode,
    ];

    /// GitLab's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scope::Api => "api",
            Scope::ReadApi => "read_api",
            Scope::ReadUser => "read_user",
            Scope::ReadRepository => "read_repository",
            Scope::WriteRepository => "write_repository",
            Scope::ReadRegistry => "read_registry",
            Scope::WriteRegistry => "write_registry",
            Scope::CreateRunner => "create_runner",
            Scope::ManageRunner => "manage_runner",
            Scope::AiFeatures => "ai_features",
            Scope::K8sProxy => "k8s_proxy",
            Scope::Sudo => "sudo",
            Scope::SelfRotate => "self_rotate",
            Scope::AdminMode => "admin_mode",
            Scope::Granular => "granular",
        }
    }

    /// The scope with GitLab's name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().chain([Scope::Granular]).find(|scope| scope.name() == name)
    }
}

/// What kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A person's, or a service account's.
    Personal,
    /// A group's, with a bot user.
    Group(i64),
    /// A project's, with a bot user.
    Project(i64),
    /// OAuth2: accepted as Bearer only.
    OAuth,
}

/// An access token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The id.
    pub id: i64,
    /// For people.
    pub name: String,
    /// For people, since 17.8.
    pub description: Option<String>,
    /// The secret.
    pub secret: String,
    /// Whose.
    pub user: i64,
    /// What for.
    pub scopes: Vec<Scope>,
    /// Personal, group, project, OAuth.
    pub kind: TokenKind,
    /// Dead from 00:00 UTC of this day on.
    pub expires_at: Option<Date>,
    /// Taken back.
    pub revoked: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// The first of those that were rotated into it: the family that reuse revokes.
    pub family: i64,
}

impl Token {
    /// Whether it is past its day.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> bool {
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        self.expires_at.is_some_and(|day| day <= today)
    }

    /// Whether it opens anything.
    #[must_use]
    pub fn active(&self, now: Timestamp) -> bool {
        !self.revoked && !self.expired(now)
    }
}

/// Who calls, as far as their token proves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Null for the anonymous.
    pub user: Option<i64>,
    /// An instance administrator.
    pub admin: bool,
    /// The token's id.
    pub token: Option<i64>,
    /// What the token may be used for.
    pub scopes: Vec<Scope>,
}

impl Caller {
    /// Whether the token has one of the scopes. Nobody needs scopes to be anonymous.
    #[must_use]
    pub fn has(&self, any: &[Scope]) -> bool {
        self.scopes.iter().any(|scope| any.contains(scope))
    }

    /// Whether the token is fine-grained.
    #[must_use]
    pub fn fine_grained(&self) -> bool {
        self.has(&[Scope::Granular])
    }

    /// Whether nobody is signed in.
    #[must_use]
    pub fn anonymous(&self) -> bool {
        self.user.is_none()
    }
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// Garbage, deleted, or of a user that is gone.
    Unknown,
    /// Past its day.
    Expired,
    /// Taken back.
    Revoked,
    /// The user is blocked, deactivated or banned.
    Blocked(UserState),
}

/// What GitLab says to a fine-grained token where it declares no permission that one could have.
pub const NO_FINE_GRAINED: &str = "Access denied: This operation doesn't support fine-grained personal access tokens.";

impl World {
    /// Who calls with this secret; no secret is the anonymous caller.
    ///
    /// # Errors
    /// When the token is unknown, expired, revoked or its user may not sign in.
    pub fn authenticate(&self, secret: Option<&str>) -> Result<Caller, AuthError> {
        let Some(secret) = secret else {
            return Ok(Caller::default());
        };
        let token = self.token_by_secret(secret).ok_or(AuthError::Unknown)?;
        if token.revoked {
            return Err(AuthError::Revoked);
        }
        if token.expired(self.now()) {
            return Err(AuthError::Expired);
        }
        let user = self.user(token.user).ok_or(AuthError::Unknown)?;
        if user.state != UserState::Active {
            return Err(AuthError::Blocked(user.state));
        }
        Ok(Caller { user: Some(user.id), admin: user.admin, token: Some(token.id), scopes: token.scopes.clone() })
    }
}
