//! From what happened to the status of a connection. Pure: no clock, no I/O.
//!
//! Every step of the pipeline comes to a [`Verdict`]; [`conditions`] turns the verdicts into conditions and sums them up as
//! `Ready`.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::{
    access::{Outcome, Verdict},
    api::conditions as condition,
};

/// The verdicts of one pass over a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdicts {
    /// Secrets are there and GitLab accepts the tokens.
    pub credentials: Verdict,
    /// The scope can be read.
    pub access: Verdict,
    /// The hooks are in place.
    pub webhooks: Verdict,
    /// Deliveries arrive; `None` where no hooks are asked for.
    pub deliveries: Option<Verdict>,
    /// The import is done.
    pub import: Verdict,
    /// A token is about to expire.
    pub expiring: Option<Verdict>,
}

/// The conditions that the verdicts come to, `Ready` last.
///
/// `previous` are the conditions so far: a condition whose status stays keeps its transition time.
#[must_use]
pub fn conditions(
    verdicts: &Verdicts,
    previous: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let Verdicts { credentials, access, webhooks, deliveries, import, expiring } = verdicts;
    let mut all = vec![
        (condition::CREDENTIALS_VALID, credentials),
        (condition::ACCESS_VERIFIED, access),
        (condition::WEBHOOKS_READY, webhooks),
    ];
    all.extend(deliveries.iter().map(|verdict| (condition::DELIVERIES_SEEN, verdict)));
    all.push((condition::IMPORT_SUCCEEDED, import));
    let ready = summary(all.iter().map(|(_, verdict)| *verdict));
    all.extend(expiring.iter().map(|verdict| (condition::CREDENTIALS_EXPIRING, verdict)));
    all.push((condition::READY, &ready));

    let condition = |(kind, verdict): (&str, &Verdict)| {
        let status = spelled(verdict.outcome);
        let since = previous
            .iter()
            .find(|old| old.type_ == kind && old.status == status)
            .map(|old| old.last_transition_time.clone());
        Condition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: verdict.reason.to_owned(),
            message: verdict.message.clone(),
            observed_generation: generation,
            last_transition_time: since.unwrap_or(Time(now)),
        }
    };
    all.into_iter().map(condition).collect()
}

/// How long a certain verdict stands while nobody can tell.
const STANDS: SignedDuration = SignedDuration::from_mins(30);

/// The last certain verdicts. Transient trouble does not flip a condition: what was certain stands for half an hour.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    credentials: Option<(Verdict, Timestamp)>,
    access: Option<(Verdict, Timestamp)>,
    webhooks: Option<(Verdict, Timestamp)>,
}

impl Standing {
    /// Replaces what nobody can tell at present by what was certain not long ago, and remembers what is certain now.
    pub fn settle(&mut self, verdicts: &mut Verdicts, now: Timestamp) {
        settle(&mut self.credentials, &mut verdicts.credentials, now);
        settle(&mut self.access, &mut verdicts.access, now);
        settle(&mut self.webhooks, &mut verdicts.webhooks, now);
    }
}

fn settle(last: &mut Option<(Verdict, Timestamp)>, verdict: &mut Verdict, now: Timestamp) {
    if verdict.outcome != Outcome::Unknown {
        *last = Some((verdict.clone(), now));
        return;
    }
    if let Some((certain, at)) = last.as_ref().filter(|(_, at)| now.duration_since(*at) <= STANDS) {
        tracing::debug!(%at, reason = verdict.reason, "the last verdict stands");
        *verdict = certain.clone();
    }
}

/// A reason as it was written down, for verdicts that come back from where they were kept. Foreign ones say that it failed.
#[must_use]
pub fn known_reason(text: &str) -> &'static str {
    condition::reason::ALL.into_iter().find(|reason| *reason == text).unwrap_or(condition::reason::FAILED)
}

/// As conditions spell it.
fn spelled(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "True",
        Outcome::Denied => "False",
        Outcome::Unknown => "Unknown",
    }
}

/// The first verdict that is not good news, or good news.
///
/// No delivery yet is no trouble: hooks are in place, and a quiet project sends nothing.
fn summary<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Verdict {
    let trouble = verdicts
        .filter(|verdict| verdict.reason != condition::reason::NO_DELIVERY_YET)
        .find(|verdict| verdict.outcome != Outcome::Ok);
    trouble.cloned().unwrap_or_else(|| Verdict::good("all that the spec asks for is in place"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::conditions::reason;

    fn all_good() -> Verdicts {
        Verdicts {
            credentials: Verdict::good("GitLab accepts every token"),
            access: Verdict::good("everything in scope can be read"),
            webhooks: Verdict::good("1 of 1 in place"),
            deliveries: Some(Verdict::bad(reason::NO_DELIVERY_YET, "nothing has arrived yet")),
            import: Verdict::good("nothing is missing"),
            expiring: None,
        }
    }

    fn ready(conditions: &[Condition]) -> (&str, &str) {
        conditions.last().map(|ready| (ready.status.as_str(), ready.reason.as_str())).unwrap()
    }

    #[test]
    fn a_quiet_project_does_not_keep_a_connection_from_being_ready() {
        let conditions = conditions(&all_good(), &[], Some(1), Timestamp::UNIX_EPOCH);

        assert_eq!(ready(&conditions), ("True", "Succeeded"));
    }

    #[test]
    fn ready_carries_the_first_reason_that_is_not_true() {
        let verdicts = Verdicts {
            access: Verdict::bad(reason::INVALID_PERMISSIONS, "needs read_api"),
            import: Verdict::bad(reason::NEVER_RUN, "waits for access"),
            ..all_good()
        };

        let conditions = conditions(&verdicts, &[], None, Timestamp::UNIX_EPOCH);

        assert_eq!(ready(&conditions), ("False", "invalid_permissions"));
    }

    #[test]
    fn a_certain_verdict_stands_while_nobody_can_tell_and_then_becomes_unknown() {
        let mut standing = Standing::default();
        let away = || Verdicts { access: Verdict::unknown(reason::GITLAB_UNREACHABLE, "no answer"), ..all_good() };
        let (mut first, mut soon, mut late) = (all_good(), away(), away());
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);

        standing.settle(&mut first, at(0));
        standing.settle(&mut soon, at(29));
        standing.settle(&mut late, at(31));

        assert_eq!(soon.access, all_good().access);
        assert_eq!(late.access.outcome, Outcome::Unknown);
    }

    #[test]
    fn a_transition_time_moves_only_with_the_status() {
        let first = conditions(&all_good(), &[], None, Timestamp::UNIX_EPOCH);
        let later: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let changed = Verdicts { import: Verdict::bad(reason::FAILED, "the database is gone"), ..all_good() };

        let same = conditions(&all_good(), &first, None, later);
        let other = conditions(&changed, &first, None, later);

        assert_eq!(same, first);
        let moved: Vec<_> =
            other.iter().filter(|now| now.last_transition_time == Time(later)).map(|now| now.type_.as_str()).collect();
        assert_eq!(moved, ["ImportSucceeded", "Ready"]);
    }
}
