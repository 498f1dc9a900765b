//! From what happened to the status of a connection. Pure: no clock, no I/O.
//!
//! Every step of the pipeline comes to a [`Verdict`]; [`conditions`] turns the verdicts into conditions and sums them up as
//! `Ready`.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::{
    access::{Outcome, Verdict},
    api::{AuditStatus, conditions as condition},
    verdict::AuditVerdict,
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

/// What the status tells of an audit.
#[must_use]
pub fn audit(verdict: AuditVerdict) -> AuditStatus {
    AuditStatus {
        finished_at: Some(Time(verdict.finished_at)),
        projects: verdict.projects,
        merge_requests: verdict.merge_requests,
        behind: verdict.behind,
        unreadable: verdict.unreadable,
        differences: verdict.differences,
        examples: verdict.examples,
    }
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
    let (ready, parts) = (verdicts.ready(), verdicts.parts());
    let expiring = verdicts.expiring.iter().map(|verdict| (condition::CREDENTIALS_EXPIRING, verdict));
    let all = parts.into_iter().chain(expiring).chain([(condition::READY, &ready)]);
    all.map(|(kind, verdict)| condition(kind, verdict, previous, generation, now)).collect()
}

/// As [`conditions`], and whether work goes on towards the spec (`Reconciling`) or a person has to act (`Stalled`), for
/// those who wait for a connection as for any other object (kstatus).
#[must_use]
pub fn cluster_conditions(
    verdicts: &Verdicts,
    previous: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let mut all = conditions(verdicts, previous, generation, now);
    if let Some((kind, reason, verdict)) = verdicts.course() {
        let verdict = Verdict { outcome: Outcome::Ok, reason, message: verdict.message.clone() };
        all.push(condition(kind, &verdict, previous, generation, now));
    }
    all
}

fn condition(
    kind: &str,
    verdict: &Verdict,
    previous: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> Condition {
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
}

/// What is `False` and may become true without a person: it is tried again.
const PASSING: [&str; 5] = [
    condition::reason::FAILED,
    condition::reason::STORE_UNAVAILABLE,
    condition::reason::PARTIALLY_FAILED,
    condition::reason::NEVER_RUN,
    condition::reason::JOB_FORBIDDEN,
];

/// What goes its way: nothing is wrong, and nothing is tried again.
const UNDER_WAY: [&str; 4] = [
    condition::reason::PROGRESSING,
    condition::reason::RUNNING,
    condition::reason::NEVER_RUN,
    condition::reason::WAITING,
];

impl Verdicts {
    /// One verdict for everything.
    #[must_use]
    pub fn all(verdict: &Verdict) -> Self {
        Self {
            credentials: verdict.clone(),
            access: verdict.clone(),
            webhooks: verdict.clone(),
            deliveries: None,
            import: verdict.clone(),
            expiring: None,
        }
    }

    /// The sum of them.
    #[must_use]
    pub fn ready(&self) -> Verdict {
        summary(self.parts().into_iter().map(|(_, verdict)| verdict))
    }

    fn parts(&self) -> Vec<(&'static str, &Verdict)> {
        let Self { credentials, access, webhooks, deliveries, import, expiring: _ } = self;
        let mut all = vec![
            (condition::CREDENTIALS_VALID, credentials),
            (condition::ACCESS_VERIFIED, access),
            (condition::WEBHOOKS_READY, webhooks),
        ];
        all.extend(deliveries.iter().map(|verdict| (condition::DELIVERIES_SEEN, verdict)));
        all.push((condition::IMPORT_SUCCEEDED, import));
        all
    }

    /// Whether work goes on or a person has to act, why, and on what: `None` where all is well, or suspended.
    fn course(&self) -> Option<(&'static str, &'static str, &Verdict)> {
        let counts =
            |verdict: &&Verdict| verdict.outcome != Outcome::Ok && verdict.reason != condition::reason::NO_DELIVERY_YET;
        let parts = self.parts();
        let trouble = || parts.iter().map(|(_, verdict)| *verdict).filter(counts);
        let first = trouble().next()?;
        if first.reason == condition::reason::SUSPENDED {
            return None;
        }
        let needs_person = |verdict: &&Verdict| {
            verdict.outcome == Outcome::Denied
                && verdict.reason != condition::reason::SUSPENDED
                && !PASSING.contains(&verdict.reason)
        };
        if let Some(verdict) = trouble().find(needs_person) {
            return Some((condition::STALLED, verdict.reason, verdict));
        }
        let again = trouble().find(|verdict| !UNDER_WAY.contains(&verdict.reason));
        let reason = again.map_or(condition::reason::PROGRESSING, |_| condition::reason::PROGRESSING_WITH_RETRY);
        Some((condition::RECONCILING, reason, again.unwrap_or(first)))
    }
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
    /// What the conditions of a status say for certain, for a process that begins anew while nobody can tell: the verdicts
    /// stand as if they had been given now. Those of another generation speak of another spec.
    #[must_use]
    pub fn restored(conditions: &[Condition], generation: Option<i64>, now: Timestamp) -> Self {
        let certain = |kind: &str| {
            let of_now = |condition: &&Condition| condition.observed_generation == generation;
            let condition = conditions.iter().filter(of_now).find(|condition| condition.type_ == kind)?;
            let outcome = match condition.status.as_str() {
                "True" => Outcome::Ok,
                "False" => Outcome::Denied,
                _ => return None,
            };
            let reason = known_reason(&condition.reason);
            Some((Verdict { outcome, reason, message: condition.message.clone() }, now))
        };
        Self {
            credentials: certain(condition::CREDENTIALS_VALID),
            access: certain(condition::ACCESS_VERIFIED),
            webhooks: certain(condition::WEBHOOKS_READY),
        }
    }

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
    if let Some((_, at)) = last.as_mut().filter(|_| verdict.reason == condition::reason::PROGRESSING) {
        // Somebody is finding out, however long that takes.
        *at = now;
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
    fn a_process_that_begins_while_gitlab_is_away_flips_nothing() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let before = conditions(&all_good(), &[], Some(3), Timestamp::UNIX_EPOCH);
        let away = || Verdicts { access: Verdict::unknown(reason::GITLAB_UNREACHABLE, "no answer"), ..all_good() };
        let (mut same, mut other) = (away(), away());

        Standing::restored(&before, Some(3), now).settle(&mut same, now);
        Standing::restored(&before, Some(4), now).settle(&mut other, now);

        assert_eq!(conditions(&same, &before, Some(3), now), before);
        assert_eq!(other.access.outcome, Outcome::Unknown);
    }

    #[test]
    fn work_goes_on_or_a_person_has_to_act_and_neither_when_ready_or_suspended() {
        let course = |verdicts: &Verdicts| {
            let all = cluster_conditions(verdicts, &[], None, Timestamp::UNIX_EPOCH);
            all.into_iter().skip_while(|one| one.type_ != "Ready").skip(1).map(|one| (one.type_, one.reason)).next()
        };
        let said = |kind: &str, reason: &str| Some((kind.to_owned(), reason.to_owned()));
        let role = || Verdict::bad(reason::INSUFFICIENT_ROLE, "needs Owner");
        let away = || Verdict::unknown(reason::GITLAB_UNREACHABLE, "no answer");
        let running = || Verdict::unknown(reason::RUNNING, "the first import is running");
        let suspended = Verdict::unknown(reason::SUSPENDED, "the spec suspends the connection");

        assert_eq!(course(&all_good()), None);
        assert_eq!(course(&Verdicts::all(&suspended)), None);
        assert_eq!(course(&Verdicts { import: running(), ..all_good() }), said("Reconciling", "Progressing"));
        assert_eq!(course(&Verdicts { access: away(), ..all_good() }), said("Reconciling", "ProgressingWithRetry"));
        assert_eq!(
            course(&Verdicts { webhooks: role(), import: running(), ..all_good() }),
            said("Stalled", "InsufficientRole")
        );
        let failed = Verdict::bad(reason::STORE_UNAVAILABLE, "no answer");
        assert_eq!(course(&Verdicts { import: failed, ..all_good() }), said("Reconciling", "ProgressingWithRetry"));
    }

    #[test]
    fn every_reason_is_known_again() {
        assert_eq!(known_reason("invalid_credentials"), reason::INVALID_CREDENTIALS);
        assert_eq!(known_reason("NoReceiverURL"), reason::NO_RECEIVER_URL);
        assert_eq!(known_reason("OutOfThinAir"), reason::FAILED);
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
