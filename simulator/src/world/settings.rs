//! What kind of GitLab this is: edition, version, address, limits, clock.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// Which GitLab was built and paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edition {
    /// Community Edition: approval rules and group hooks do not exist.
    Community,
    /// Enterprise Edition without a licence: they exist, and group hooks never fire.
    Unlicensed,
    /// Enterprise Edition with a licence.
    #[default]
    Licensed,
}

impl Edition {
    /// The edition that is called `ce`, `ee` or `ee-unlicensed`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Edition> {
        match name {
            "ce" => Some(Edition::Community),
            "ee" => Some(Edition::Licensed),
            "ee-unlicensed" => Some(Edition::Unlicensed),
            _ => None,
        }
    }

    /// Whether the Enterprise code is there at all.
    #[must_use]
    pub fn enterprise(self) -> bool {
        self != Edition::Community
    }

    /// Whether Premium features work.
    #[must_use]
    pub fn licensed(self) -> bool {
        self == Edition::Licensed
    }
}

/// A GitLab version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// One a year, in May.
    pub major: u32,
    /// One a month.
    pub minor: u32,
    /// Any time.
    pub patch: u32,
}

impl Version {
    /// A version without patches.
    #[must_use]
    pub const fn new(major: u32, minor: u32) -> Version {
        Version { major, minor, patch: 0 }
    }

    /// Reads `19.1`, `19.1.0` and `19.1.0-ee`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Version> {
        let numbers = text.split('-').next()?;
        let mut parts = numbers.split('.').map(|part| part.parse().ok());
        let major = parts.next()??;
        let minor = parts.next().unwrap_or(Some(0))?;
        let patch = parts.next().unwrap_or(Some(0))?;
        Some(Version { major, minor, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The instance's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which GitLab was built and paid for.
    pub edition: Edition,
    /// Its version.
    pub version: Version,
    /// The root URL without a trailing slash, with the relative root if any. Set when the server starts.
    pub url: String,
    /// Whether webhooks may call local addresses. On, because tests live there; GitLab's default is off.
    pub allow_local_webhooks: bool,
    /// Whether failing hooks are disabled. On as on GitLab.com; self-managed has it off.
    pub auto_disable_webhooks: bool,
    /// How long a receiver may take.
    pub webhook_timeout: SignedDuration,
    /// Deliveries per minute and top-level namespace; more are dropped.
    pub webhook_rate_limit: Option<u32>,
    /// Whether every delivery comes twice, as after a timeout.
    pub duplicate_webhooks: bool,
    /// Hooks per project.
    pub project_hook_limit: usize,
    /// Hooks per group.
    pub group_hook_limit: usize,
    /// Hook tests and resends per minute.
    pub hook_test_limit: u32,
    /// Whether tokens must expire.
    pub require_expiry: bool,
    /// Whether administrators need the scope `admin_mode`.
    pub admin_mode: bool,
    /// Requests per user and period, counted by Rack::Attack. Off by default, as on self-managed.
    pub rate_limit: Option<u32>,
    /// Anonymous requests per address and period.
    pub anonymous_rate_limit: Option<u32>,
    /// All requests per address and minute, whoever sends them.
    pub address_rate_limit: Option<u32>,
    /// Seconds of that period. A stopped clock never ends one.
    pub rate_period: u32,
    /// The application's limits per user and endpoint: route, requests, seconds.
    pub endpoint_limits: Vec<(&'static str, u32, u32)>,
    /// Whether deliveries may overtake each other by a good deal.
    pub shuffle_webhooks: bool,
    /// Rows beyond which totals are not counted.
    pub count_limit: usize,
    /// The largest offset where keyset pagination exists.
    pub offset_limit: usize,
    /// The most that a GraphQL query may cost, where it is not GitLab's default.
    pub complexity_limit: Option<i64>,
    /// How deep a GraphQL query may go, where it is not GitLab's default.
    pub depth_limit: Option<usize>,
    /// The largest page of GraphQL, where it is smaller than GitLab's.
    pub page_size_limit: Option<i64>,
    /// Maintenance Mode: nothing can be written over the APIs.
    pub maintenance: bool,
    /// Whether lists of a project's merge requests are served from a cache of eight hours, as GitLab always does.
    pub cache_lists: bool,
    /// How long after a deployment succeeded a background job links the merge requests that it brought.
    pub linking_delay: SignedDuration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            edition: Edition::Licensed,
            version: Version::new(19, 1),
            url: "http://gitlab.example.com".to_owned(),
            allow_local_webhooks: true,
            auto_disable_webhooks: true,
            webhook_timeout: SignedDuration::from_secs(10),
            webhook_rate_limit: None,
            duplicate_webhooks: false,
            project_hook_limit: 100,
            group_hook_limit: 50,
            hook_test_limit: 5,
            require_expiry: true,
            admin_mode: false,
            rate_limit: None,
            anonymous_rate_limit: None,
            address_rate_limit: None,
            rate_period: 60,
            endpoint_limits: Vec::new(),
            shuffle_webhooks: false,
            count_limit: 10_000,
            offset_limit: 50_000,
            complexity_limit: None,
            depth_limit: None,
            page_size_limit: None,
            maintenance: false,
            cache_lists: true,
            linking_delay: SignedDuration::ZERO,
        }
    }
}

impl Settings {
    /// The limits of GitLab.com.
    pub fn limit_as_gitlab_com(&mut self) {
        self.rate_limit = Some(2_000);
        self.anonymous_rate_limit = Some(500);
        self.address_rate_limit = Some(2_000);
        self.webhook_rate_limit = Some(500);
        self.endpoint_limits = vec![
            ("/projects", 2_000, 600),
            ("/projects/:id", 400, 60),
            ("/groups", 200, 60),
            ("/groups/:id", 400, 60),
            ("/groups/:id/projects", 600, 60),
            ("/users/:id", 300, 600),
            ("/groups/:id/members/all", 200, 60),
            ("/projects/:id/members/all", 200, 60),
            ("/projects/:id/jobs", 600, 60),
        ];
    }

    /// Whether the version is at least this one.
    #[must_use]
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        self.version >= Version::new(major, minor)
    }

    /// The commit that was built.
    #[must_use]
    pub fn revision(&self) -> &'static str {
        "b1ca5ade000"
    }

    /// The version as `/version` spells it.
    #[must_use]
    pub fn full_version(&self) -> String {
        let suffix = if self.edition.enterprise() { "-ee" } else { "" };
        format!("{}{suffix}", self.version)
    }
}

/// What time it is in the World.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The real time, moved by this much.
    Real(SignedDuration),
    /// Stands still.
    Fixed(Timestamp),
}

impl Clock {
    /// The time, to the microsecond as PostgreSQL keeps it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let exact = match *self {
            Clock::Real(moved) => Timestamp::now().checked_add(moved).unwrap_or(Timestamp::MAX),
            Clock::Fixed(at) => at,
        };
        Timestamp::from_microsecond(exact.as_microsecond()).unwrap_or(exact)
    }
}
