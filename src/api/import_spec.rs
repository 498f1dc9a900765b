//! `spec.import`: how and when everything is read.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HumanDuration, PodTemplate};

/// One cron field: a wildcard, or a list of wildcards with a step, values, and ranges with or without a step.
macro_rules! field {
    ($value:literal) => {
        concat!("([*]|", item!($value), "(,", item!($value), ")*)")
    };
}

macro_rules! item {
    ($value:literal) => {
        concat!("([*]/[1-9][0-9]?|", $value, "(-", $value, "(/[1-9][0-9]?)?)?)")
    };
}

macro_rules! five_fields {
    () => {
        concat!(
            field!("[0-5]?[0-9]"),
            " +",
            field!("([01]?[0-9]|2[0-3])"),
            " +",
            field!("(0?[1-9]|[12][0-9]|3[01])"),
            " +(",
            field!("(0?[1-9]|1[0-2])"),
            "|(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(,(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC))*) +(",
            field!("[0-7]"),
            "|(SUN|MON|TUE|WED|THU|FRI|SAT)(,(SUN|MON|TUE|WED|THU|FRI|SAT))*|MON-(TUE|WED|THU|FRI|SAT|SUN))",
        )
    };
}

/// A cron line, field by field.
const CRON: &str = concat!(
    "self == '' || self in ['@hourly', '@daily', '@weekly', '@monthly'] || self.matches('^",
    five_fields!(),
    "$')"
);

/// Ranges of numbers go upwards.
const CRON_RANGES: &str = "self.findAll('[0-9]+-[0-9]+').all(r, int(r.split('-')[0]) <= int(r.split('-')[1]))";

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

    /// What to read beside groups and projects. deployments brings environments as well, pipelines brings their jobs.
    #[serde(default = "everything")]
    #[schemars(length(min = 1, max = 16))]
    pub resources: Vec<Resource>,

    /// Workers of one import.
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

    /// Hold the database against GitLab now and then, at the end of an import: counts, and some merge requests read anew and
    /// compared field by field. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditSchedule>,

    /// True: store descriptions and comments too. False: titles only; the texts stay in GitLab.
    #[serde(default)]
    pub text: bool,

    /// True: start no import until this is false again; webhooks go on.
    #[serde(default)]
    pub suspend: bool,

    /// Queue of Kueue that admits the import Jobs: it decides when they run, and pauses them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub queue_name: Option<String>,

    /// Settings of the import's pods.
    #[serde(default)]
    pub pod_template: PodTemplate,
}

/// When to hold the database against GitLab, and how much of it.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditSchedule {
    /// How long after the last one, such as 7d.
    #[serde(default = "one_week")]
    #[x_kube(
        validation = Rule::new("self.matches('^([0-9]{1,5}[smhdw])+$') && self.matches('[1-9]')")
            .message("spec.import.audit.interval must be a duration above zero of numbers with s, m, h, d or w, such as 7d")
    )]
    pub interval: HumanDuration,

    /// How many merge requests to read anew, drawn at random. Each is part of a request to GitLab.
    #[serde(default = "five_hundred")]
    #[x_kube(
        validation = Rule::new("self >= 1 && self <= 100000")
            .message("spec.import.audit.sample must be between 1 and 100000: it is the number of merge requests that are read anew")
    )]
    pub sample: i32,
}

/// What can be read beside groups and projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
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

/// A schedule that no clock can follow.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The time zone is none that this machine knows.
    #[error("spec.import.timeZone: '{0}' is not a known time zone: use a name such as Europe/Berlin or UTC")]
    TimeZone(String),
    /// The schedule names a moment that never comes, such as the 31st of February.
    #[error("spec.import.schedule: '{0}' never comes: {1}")]
    Never(String, String),
}

impl Import {
    /// When the schedule is next due after a moment; `None` when imports run on request only.
    ///
    /// # Errors
    /// [`ScheduleError`]: what the schema cannot tell, because it takes a calendar or a list of time zones.
    pub fn due_after(&self, moment: Timestamp) -> Result<Option<Timestamp>, ScheduleError> {
        if self.schedule.is_empty() {
            return Ok(None);
        }
        let zone = self.time_zone.as_deref().unwrap_or("UTC");
        let zone = TimeZone::get(zone).map_err(|_| ScheduleError::TimeZone(zone.to_owned()))?;
        let never = |error: croner::errors::CronError| ScheduleError::Never(self.schedule.clone(), error.to_string());
        let cron: croner::Cron = self.schedule.parse().map_err(never)?;
        let next = cron.find_next_occurrence(&moment.to_zoned(zone), false).map_err(never)?;
        Ok(Some(next.timestamp()))
    }

    /// The first moment of the day since when merge requests are read, where one is named.
    #[must_use]
    pub fn starts_at(&self) -> Option<Timestamp> {
        let day: Date = self.since.as_deref()?.parse().ok()?;
        day.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp())
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
            audit: None,
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

fn five_hundred() -> i32 {
    500
}

fn four() -> i32 {
    4
}

fn everything() -> Vec<Resource> {
    use Resource::{Commits, Deployments, Labels, Members, MergeRequests, Pipelines, Reviews, Users};
    vec![MergeRequests, Reviews, Commits, Labels, Members, Users, Deployments, Pipelines]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, proptest};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_schedule_is_followed_in_its_time_zone() {
        let berlin =
            Import { schedule: "0 6 * * MON-FRI".into(), time_zone: Some("Europe/Berlin".into()), ..Import::default() };

        assert_eq!(berlin.due_after(at("2025-07-04T12:00:00Z")).unwrap(), Some(at("2025-07-07T04:00:00Z")));
        assert_eq!(Import::default().due_after(at("2025-07-04T12:00:00Z")).unwrap(), Some(at("2025-07-04T12:30:00Z")));
    }

    #[test]
    fn no_schedule_is_never_due_and_an_impossible_one_says_so() {
        let schedule = |schedule: &str| Import { schedule: schedule.into(), ..Import::default() };
        let now = at("2025-07-04T12:00:00Z");

        assert_eq!(schedule("").due_after(now).unwrap(), None);
        assert!(matches!(schedule("0 0 31 2 *").due_after(now), Err(ScheduleError::Never(..))));
        let nowhere = Import { time_zone: Some("Mars/Olympus".into()), ..Import::default() };
        assert!(matches!(nowhere.due_after(now), Err(ScheduleError::TimeZone(_))));
    }

    #[test]
    fn since_is_the_first_moment_of_a_day() {
        let since = Import { since: Some("2024-02-29".into()), ..Import::default() };

        assert_eq!(since.starts_at(), Some(at("2024-02-29T00:00:00Z")));
        assert_eq!(Import::default().starts_at(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn what_the_rule_takes_the_parser_takes(line in five_fields!()) {
            let upwards = line.split([' ', ',']).all(|item| {
                let range = item.split('/').next().unwrap_or_default();
                let Some((from, to)) = range.split_once('-') else { return true };
                from.parse::<u8>().ok().zip(to.parse::<u8>().ok()).is_none_or(|(from, to)| from <= to)
            });
            let parsed = line.parse::<croner::Cron>();
            assert!(parsed.is_ok() || !upwards, "{line}: {parsed:?}");
        }
    }
}
