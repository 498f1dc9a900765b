//! Access levels and visibility.

use serde::{Deserialize, Serialize};

/// What a member may do, by GitLab's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Not a member.
    #[default]
    None = 0,
    /// Sees that the group exists.
    Minimal = 5,
    /// Sees the project, but neither code nor merge requests of a private one.
    Guest = 10,
    /// Plans work, sees internal notes.
    Planner = 15,
    /// Reads code and merge requests.
    Reporter = 20,
    /// Writes code.
    Developer = 30,
    /// Administers a project, so may see its webhooks.
    Maintainer = 40,
    /// Administers a group.
    Owner = 50,
}

impl Role {
    /// GitLab's number.
    #[must_use]
    pub fn level(self) -> i64 {
        self as i64
    }

    /// GitLab's `AccessLevelEnum`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::None => "NO_ACCESS",
            Role::Minimal => "MINIMAL_ACCESS",
            Role::Guest => "GUEST",
            Role::Planner => "PLANNER",
            Role::Reporter => "REPORTER",
            Role::Developer => "DEVELOPER",
            Role::Maintainer => "MAINTAINER",
            Role::Owner => "OWNER",
        }
    }

    /// The role with GitLab's number.
    #[must_use]
    pub fn from_level(level: i64) -> Option<Role> {
        let role = match level {
            0 => Role::None,
            5 => Role::Minimal,
            10 => Role::Guest,
            15 => Role::Planner,
            20 => Role::Reporter,
            30 => Role::Developer,
            40 => Role::Maintainer,
            50 => Role::Owner,
            _ => return None,
        };
        Some(role)
    }
}

/// Who may see a group or a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Members only.
    #[default]
    Private,
    /// Everyone who is signed in.
    Internal,
    /// Everyone.
    Public,
}

impl Visibility {
    /// As REST and GraphQL spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Visibility::Private => "private",
            Visibility::Internal => "internal",
            Visibility::Public => "public",
        }
    }

    /// As webhooks number it.
    #[must_use]
    pub fn level(self) -> i64 {
        match self {
            Visibility::Private => 0,
            Visibility::Internal => 10,
            Visibility::Public => 20,
        }
    }
}

/// Whether a feature of a project is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Off for everyone.
    Disabled,
    /// For members only.
    Private,
    /// For everyone who sees the project.
    #[default]
    Enabled,
}

impl Feature {
    /// As REST spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Feature::Disabled => "disabled",
            Feature::Private => "private",
            Feature::Enabled => "enabled",
        }
    }
}

/// A user's place in a group or a project.
#[derive(Clone, Debug)]
pub struct Member {
    /// Who.
    pub user: i64,
    /// With what rights.
    pub role: Role,
    /// Since when.
    pub created_at: jiff::Timestamp,
    /// Who let them in, where that is known.
    pub created_by: Option<i64>,
    /// The last day of it, if any.
    pub expires_at: Option<jiff::civil::Date>,
}

impl Member {
    /// Someone who comes to the others: the first owner among them let them in.
    #[must_use]
    pub fn joining(others: &[Member], user: i64, role: Role, created_at: jiff::Timestamp) -> Member {
        let owner = others.iter().find(|member| member.role == Role::Owner && member.user != user);
        Member { user, role, created_at, created_by: owner.map(|owner| owner.user), expires_at: None }
    }
}
