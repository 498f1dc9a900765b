//! `spec.import`: how and when everything is read.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HumanDuration, PodTemplate};

/// One cron field: a list of wildcards with a step, values, and ranges with a step.
macro_rules! field {
    ($any:literal, $value:literal) => {
        concat!(item!($any, $value), "(,", item!($any, $value), ")*")
    };
}

macro_rules! item {
    ($any:literal, $value:literal) => {
        concat!(
            "(",
            $any,
            "(/[1-9][0-9]?)?|",
            $value,
            "(-",
            $value,
            "(/[1-9][0-9]?)?)?)"
        )
    };
}

/// A cron line, field by field.
const CRON: &str = concat!(
    "self == '' || self in ['@hourly', '@daily', '@weekly', '@monthly'] || self.matches('^",
    field!("[*]", "[0-5]?[0-9]"),
    " +",
    field!("[*]", "([01]?[0-9]|2[0-3])"),
    " +",
    field!("[*?]", "(0?[1-9]|[12][0-9]|3[01])"),
    " +(",
    field!("[*]", "(0?[1-9]|1[0-2])"),
    "|(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(,(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC))*) +(",
    field!("[*?]", "[0-7]"),
    "|(SUN|MON|TUE|WED|THU|FRI|SAT)(,(SUN|MON|TUE|WED|THU|FRI|SAT))*|MON-(TUE|WED|THU|FRI|SAT|SUN))$')"
);

/// Ranges of numbers go upwards.
const CRON_RANGES: &str =
    "self.findAll('[0-9]+-[0-9]+').all(r, int(r.split('-')[0]) <= int(r.split('-')[1]))";

/// How and when everything is read.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!(has(self.since) && has(self.lookback))")
        .message("spec.import.since and spec.import.lookback are both set: keep one of them")
        .field_path(".lookback")
)]
pub struct Import {
    /// When to import: five cron fields (minute, hour, day of month, month, day of week), or @hourly, @daily, @weekly,
    /// @monthly. Empty: only on request.
    #[serde(default = "half_hourly")]
    #[schemars(length(max = 100))]
    #[x_kube(
        validation = Rule::new(CRON)
            .message("spec.import.schedule must be five cron fields (minute hour day month weekday) such as */30 * * * *, @hourly, @daily, @weekly or @monthly, or empty for imports on request only"),
        validation = Rule::new(CRON_RANGES)
            .message("spec.import.schedule has a range that goes backwards: write the smaller number first, such as 9-17")
    )]
    pub schedule: String,

    /// Time zone of the schedule, such as Europe/Berlin. Default: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(
        validation = Rule::new("self.matches('^[A-Za-z]+([/_+-][A-Za-z0-9]+)*$')")
            .message("spec.import.timeZone must be the name of a time zone, such as Europe/Berlin or UTC")
    )]
    pub time_zone: Option<String>,

    /// Imports start up to this much later than scheduled, each connection by its own share, so that not all start at once.
    #[serde(default = "one_minute")]
    #[x_kube(
        validation = Rule::new("self.matches('^([0-9]{1,5}[smhdw])+$')")
            .message("spec.import.jitter must be a duration of numbers with s, m, h, d or w, such as 1m; 0s means none")
    )]
    pub jitter: HumanDuration,

    /// Read merge requests changed since this day (UTC), such as 2025-01-01. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10))]
    #[x_kube(
        validation = Rule::new("self.matches('^[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))$') || self.matches('^([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29$')")
            .message("spec.import.since must be a day that exists, written YYYY-MM-DD, such as 2025-01-01")
    )]
    pub since: Option<String>,

    /// Read merge requests changed within this time before the import, such as 180d. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(
        validation = Rule::new("self.matches('^([0-9]{1,5}[smhdw])+$') && self.matches('[1-9]')")
            .message("spec.import.lookback must be a duration above zero of numbers with s, m, h, d or w, such as 180d")
    )]
    pub lookback: Option<HumanDuration>,

    /// What to read beside groups and projects. deployments and pipelines take effect with a later release.
    #[serde(default = "everything")]
    #[schemars(length(min = 1, max = 16))]
    pub resources: Vec<Resource>,

    /// Workers of one import. A database that is an SQLite file needs 1.
    #[serde(default = "four")]
    #[x_kube(
        validation = Rule::new("self >= 1 && self <= 256")
            .message("spec.import.parallelism must be between 1 and 256: it is the number of workers of one import")
    )]
    pub parallelism: i32,

    /// A full pass after this time repairs what neither event nor timestamp reveals, such as deleted comments.
    #[serde(default = "one_week")]
    #[x_kube(
        validation = Rule::new("self.matches('^([0-9]{1,5}[smhdw])+$') && self.matches('[1-9]')")
            .message("spec.import.resyncInterval must be a duration above zero of numbers with s, m, h, d or w, such as 7d")
    )]
    pub resync_interval: HumanDuration,

    /// True: store descriptions and comments too. False: titles only; the texts stay in GitLab.
    #[serde(default)]
    pub text: bool,

    /// True: start no import until this is false again; webhooks go on.
    #[serde(default)]
    pub suspend: bool,

    /// Queue of Kueue that admits the import Jobs. Effect: with import Jobs, in a later release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub queue_name: Option<String>,

    /// Settings of the import's pods. Effect: with import Jobs, in a later release.
    #[serde(default)]
    pub pod_template: PodTemplate,
}

/// What can be read beside groups and projects.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Resource {
    /// Merge requests with their size and dates.
    MergeRequests,
    /// Approvals and comments.
    Reviews,
    /// Commits of merge requests.
    Commits,
    /// Labels.
    Labels,
    /// Members of groups and projects.
    Members,
    /// Users who wrote, reviewed or merged.
    Users,
    /// Deployments.
    Deployments,
    /// Pipelines and their jobs.
    Pipelines,
}

impl Import {
    /// From when on merge requests are read; `None` is all of them.
    #[must_use]
    pub fn from(&self, now: Timestamp) -> Option<Timestamp> {
        if let Some(lookback) = &self.lookback {
            return now.checked_sub(lookback.get()).ok();
        }
        let day: Date = self.since.as_deref()?.parse().ok()?;
        day.to_zoned(TimeZone::UTC)
            .ok()
            .map(|start| start.timestamp())
    }
}

impl Default for Import {
    fn default() -> Self {
        Self {
            schedule: half_hourly(),
            time_zone: None,
            jitter: one_minute(),
            since: None,
            lookback: None,
            resources: everything(),
            parallelism: four(),
            resync_interval: one_week(),
            text: false,
            suspend: false,
            queue_name: None,
            pod_template: PodTemplate::default(),
        }
    }
}

fn half_hourly() -> String {
    "*/30 * * * *".to_owned()
}

fn one_minute() -> HumanDuration {
    HumanDuration::minutes(1)
}

fn one_week() -> HumanDuration {
    HumanDuration::days(7)
}

fn four() -> i32 {
    4
}

fn everything() -> Vec<Resource> {
    use Resource::{
        Commits, Deployments, Labels, Members, MergeRequests, Pipelines, Reviews, Users,
    };
    vec![
        MergeRequests,
        Reviews,
        Commits,
        Labels,
        Members,
        Users,
        Deployments,
        Pipelines,
    ]
}
