//! When the next import is due. Pure.

use std::str::FromStr;

use croner::Cron;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::api::Import;

/// A schedule that cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The time zone is not known here.
    #[error("spec.import.timeZone '{0}' is not a known time zone: write a name such as Europe/Berlin, or UTC")]
    TimeZone(String),
    /// The cron line has no meaning.
    #[error("spec.import.schedule '{0}' cannot be followed: write five cron fields such as */30 * * * *")]
    Cron(String),
}

/// The first tick after `after`, moved by the connection's own share of the jitter; `None` for imports on request only.
///
/// The share depends on `seed` alone, so it is the same each time and differs between connections.
///
/// # Errors
/// When the time zone or the cron line has no meaning.
pub fn next(import: &Import, seed: &str, after: Timestamp) -> Result<Option<Timestamp>, Error> {
    let schedule = import.schedule.trim();
    if schedule.is_empty() || import.suspend {
        return Ok(None);
    }
    let name = import.time_zone.as_deref().unwrap_or("UTC");
    let zone = TimeZone::get(name).map_err(|_| Error::TimeZone(name.to_owned()))?;
    let cron = Cron::from_str(schedule).map_err(|_| Error::Cron(schedule.to_owned()))?;
    let share = jitter(import.jitter.get(), seed);
    // A tick whose jitter has not passed yet is still to come.
    let from = after.checked_sub(share).unwrap_or(after).to_zoned(zone);
    let tick = cron.find_next_occurrence(&from, false).map_err(|_| Error::Cron(schedule.to_owned()))?;
    Ok(tick.timestamp().checked_add(share).ok())
}

/// A share of `whole` that is always the same for a seed.
fn jitter(whole: SignedDuration, seed: &str) -> SignedDuration {
    // FNV-1a: stable between processes and releases, unlike the hasher of the standard library.
    let hash = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let millis = u64::try_from(whole.as_millis()).unwrap_or(0);
    SignedDuration::from_millis(i64::try_from(hash.checked_rem(millis).unwrap_or(0)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::HumanDuration;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn import(schedule: &str, zone: Option<&str>) -> Import {
        Import { schedule: schedule.to_owned(), time_zone: zone.map(str::to_owned), jitter: HumanDuration::minutes(0), ..Import::default() }
    }

    #[test]
    fn a_schedule_is_read_in_its_time_zone() {
        let next = next(&import("30 9 * * *", Some("Europe/Berlin")), "acme", at("2026-07-01T00:00:00Z")).unwrap();

        assert_eq!(next, Some(at("2026-07-01T07:30:00Z")));
    }

    #[test]
    fn an_empty_schedule_imports_on_request_only() {
        assert_eq!(next(&import("", None), "acme", Timestamp::UNIX_EPOCH).unwrap(), None);
    }

    #[test]
    fn an_hour_that_summer_time_leaves_out_still_has_its_import() {
        let next = next(&import("30 2 * * *", Some("Europe/Berlin")), "acme", at("2026-03-28T12:00:00Z")).unwrap();

        assert_eq!(next, Some(at("2026-03-29T01:00:00Z")));
    }

    #[test]
    fn connections_share_the_jitter_and_each_keeps_its_place() {
        let import = Import { jitter: HumanDuration::minutes(10), ..import("0 * * * *", None) };
        let now = at("2026-01-01T00:30:00Z");

        let acme = next(&import, "acme", now).unwrap().unwrap();
        let other = next(&import, "other", now).unwrap().unwrap();

        assert!(acme >= at("2026-01-01T01:00:00Z") && acme < at("2026-01-01T01:10:00Z"));
        assert_ne!(acme, other);
        assert_eq!(next(&import, "acme", now).unwrap(), Some(acme));
        assert_eq!(next(&import, "acme", acme).unwrap().map(|later| later > acme), Some(true));
    }

    #[test]
    fn an_unknown_time_zone_is_named() {
        let error = next(&import("0 * * * *", Some("Mars/Olympus")), "acme", Timestamp::UNIX_EPOCH).unwrap_err();

        assert!(error.to_string().contains("Mars/Olympus"));
    }
}
