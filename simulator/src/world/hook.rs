//! Webhooks as GitLab keeps them, with their log of deliveries and their way of being disabled.

use std::collections::{BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// What a hook listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HookTarget {
    /// One project.
    Project(i64),
    /// A group and all below it (Premium).
    Group(i64),
    /// The whole instance.
    System,
}

/// The switches of project and group hooks, by their attribute names.
pub const EVENTS: [&str; 19] = [
    "push_events",
    "tag_push_events",
    "merge_requests_events",
    "note_events",
    "confidential_note_events",
    "issues_events",
    "confidential_issues_events",
    "job_events",
    "pipeline_events",
    "wiki_page_events",
    "deployment_events",
    "feature_flag_events",
    "releases_events",
    "milestone_events",
    "emoji_events",
    "resource_access_token_events",
    "resource_deploy_token_events",
    "vulnerability_events",
    "repository_update_events",
];

/// The switches that only group hooks have.
pub const GROUP_EVENTS: [&str; 3] = ["subgroup_events", "member_events", "project_events"];

/// A webhook.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The id.
    pub id: i64,
    /// What it listens to.
    pub target: HookTarget,
    /// Where it calls, with `{variables}`.
    pub url: String,
    /// For people, since 17.1.
    pub name: Option<String>,
    /// For people, since 17.1.
    pub description: Option<String>,
    /// The secret sent in clear; never shown again.
    pub token: Option<String>,
    /// The secret that signs, since 19.0; never shown again.
    pub signing_token: Option<String>,
    /// The events that are switched on, by attribute name.
    pub events: BTreeSet<&'static str>,
    /// Whether certificates are verified.
    pub enable_ssl_verification: bool,
    /// Which branches' pushes are sent.
    pub push_events_branch_filter: Option<String>,
    /// `wildcard`, `regex` or `all_branches`.
    pub branch_filter_strategy: String,
    /// A body of the user's own.
    pub custom_webhook_template: Option<String>,
    /// Extra headers; their values are never shown again.
    pub custom_headers: Vec<(String, String)>,
    /// What stands for the `{variables}` of the URL; never shown again.
    pub url_variables: Vec<(String, String)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Failures since the last success.
    pub recent_failures: u32,
    /// Quiet until then.
    pub disabled_until: Option<Timestamp>,
    /// Quiet for good, until a test succeeds.
    pub disabled: bool,
    /// What was delivered, newest first.
    pub log: VecDeque<HookEvent>,
}

/// One delivery in a hook's log.
#[derive(Clone, Debug)]
pub struct HookEvent {
    /// The id.
    pub id: i64,
    /// When it was sent.
    pub at: Timestamp,
    /// Where to.
    pub url: String,
    /// `merge_request_hooks`, `note_hooks`…
    pub trigger: &'static str,
    /// `X-Gitlab-Event`.
    pub event: &'static str,
    /// Sent headers, secrets redacted.
    pub request_headers: Vec<(String, String)>,
    /// The sent body.
    pub request_data: Value,
    /// Received headers.
    pub response_headers: Vec<(String, String)>,
    /// The received body, up to 8 KiB.
    pub response_body: String,
    /// `200`, or `internal error`.
    pub response_status: String,
    /// Seconds.
    pub execution_duration: f64,
    /// The same for every resend.
    pub idempotency_key: String,
}

impl Hook {
    /// Whether GitLab would call it now.
    #[must_use]
    pub fn executable(&self, now: Timestamp) -> bool {
        !self.disabled && self.disabled_until.is_none_or(|until| until <= now)
    }

    /// GitLab's `alert_status`.
    #[must_use]
    pub fn alert_status(&self, now: Timestamp) -> &'static str {
        if self.disabled {
            return "disabled";
        }
        if !self.executable(now) {
            return "temporarily_disabled";
        }
        "executable"
    }

    /// The URL with its variables filled in.
    #[must_use]
    pub fn interpolated_url(&self) -> String {
        let fill = |url: String, (key, value): &(String, String)| url.replace(&format!("{{{key}}}"), value);
        self.url_variables.iter().fold(self.url.clone(), fill)
    }

    /// A delivery succeeded: everything is forgiven.
    pub fn succeeded(&mut self) {
        self.recent_failures = 0;
        self.disabled_until = None;
        self.disabled = false;
    }

    /// A delivery failed: three times nothing, then ever longer quiet, at the 40th for good.
    pub fn failed(&mut self, now: Timestamp) {
        const FREE: u32 = 3;
        const PERMANENT: u32 = 40;

        self.recent_failures += 1;
        if self.recent_failures <= FREE {
            return;
        }
        if self.recent_failures >= PERMANENT {
            self.disabled = true;
            return;
        }
        let exponent = (self.recent_failures - FREE - 1).min(11);
        let minutes = (1_i64 << exponent).min(24 * 60);
        self.disabled_until = now.checked_add(SignedDuration::from_mins(minutes)).ok();
    }

    /// The same before 17.11: four client errors in a row were the end.
    pub fn failed_before_17_11(&mut self, now: Timestamp) {
        let client_error = self.log.front().is_some_and(|event| event.response_status.starts_with('4'));
        self.failed(now);
        if client_error && self.recent_failures > 3 {
            self.disabled = true;
        }
    }
}
