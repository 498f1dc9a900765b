//! When the next import is due. Pure.

use jiff::{SignedDuration, Timestamp};

use crate::api::{Import, ScheduleError};

/// The first tick after `after`, moved by the connection's own share of the jitter; `None` for imports on request only.
///
/// The share depends on `seed` alone, so it is the same each time and differs between connections.
///
/// # Errors
/// When the time zone or the cron line has no meaning.
pub fn next(import: &Import, seed: &str, after: Timestamp) -> Result<Option<Timestamp>, ScheduleError> {
    if import.suspend {
        return Ok(None);
    }
    let share = jitter(import.jitter.get(), seed);
    // A tick whose jitter has not passed yet is still to come.
    let tick = import.due_after(after.checked_sub(share).unwrap_or(after))?;
    Ok(tick.and_then(|tick| tick.checked_add(share).ok()))
}

/// A share of `whole` that is always the same for a seed.
fn jitter(whole: SignedDuration, seed: &str) -> SignedDuration {
    // FNV-1a: stable between processes and releases, unlike the hasher of the standard library.
    let hash = seed
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    // Whole seconds, which is all that a status can hold of a time.
    let seconds = u64::try_from(whole.as_secs()).unwrap_or(0);
    SignedDuration::from_secs(i64::try_from(hash.checked_rem(seconds).unwrap_or(0)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::HumanDuration;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn import(schedule: &str, zone: Option<&str>) -> Import {
        Import {
            schedule: schedule.to_owned(),
            time_zone: zone.map(str::to_owned),
            jitter: HumanDuration::minutes(0),
            ..Import::default()
        }
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
}
