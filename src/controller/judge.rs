//! From what was found to verdicts. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{answers::Answers, observe::Seen};
use crate::{
    access::{Access, Outcome, Verdict},
    api::conditions::{self as condition, reason},
    connection::{Hooks, missing_references},
    status::{Standing, Verdicts, known_reason},
};

/// The verdicts on a connection, and which parts of its status still say what they said.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) verdicts: Verdicts,
    /// Nobody can tell what the tokens can do: what was known stands.
    pub(super) access_stands: bool,
    /// Nobody can tell how it is with the webhooks: what was known stands.
    pub(super) hooks_stand: bool,
}

/// The verdicts on a connection that is left as it is.
pub(super) fn suspended() -> Judged {
    let verdict = Verdict::unknown(reason::SUSPENDED, "the spec suspends the connection");
    Judged { verdicts: Verdicts::all(&verdict), access_stands: true, hooks_stand: true }
}

/// The verdicts on a connection of which GitLab is still being asked: those so far stand, but for what Kubernetes alone
/// knows.
pub(super) fn meanwhile(seen: &Seen, import: Verdict) -> Judged {
    let before = Before::of(seen);
    let asking = || Verdict::unknown(reason::PROGRESSING, "GitLab is being asked");
    let or_asking = |kind| before.verdict(kind).unwrap_or_else(asking);
    // Whether one may start at all hangs on what GitLab says.
    let waits = import.reason == reason::NEVER_RUN;
    let verdicts = Verdicts {
        credentials: missing_references(&seen.observed).unwrap_or_else(|| or_asking(condition::CREDENTIALS_VALID)),
        access: or_asking(condition::ACCESS_VERIFIED),
        webhooks: or_asking(condition::WEBHOOKS_READY),
        deliveries: before.verdict(condition::DELIVERIES_SEEN),
        import: before.verdict(condition::IMPORT_SUCCEEDED).filter(|_| waits).unwrap_or(import),
        expiring: before.verdict(condition::CREDENTIALS_EXPIRING),
    };
    Judged { verdicts, access_stands: true, hooks_stand: true }
}

/// What the status says so far.
struct Before<'a>(&'a [Condition]);

impl Before<'_> {
    fn of(seen: &Seen) -> Before<'_> {
        Before(seen.status().map(|status| status.conditions.as_slice()).unwrap_or_default())
    }

    fn verdict(&self, kind: &str) -> Option<Verdict> {
        let condition = self.0.iter().find(|condition| condition.type_ == kind)?;
        let outcome = match condition.status.as_str() {
            "True" => Outcome::Ok,
            "False" => Outcome::Denied,
            _ => Outcome::Unknown,
        };
        let (reason, message) = (known_reason(&condition.reason), condition.message.clone());
        Some(Verdict { outcome, reason, message })
    }
}

/// The verdicts on a connection, by what GitLab answered. Transient trouble flips none of them at once.
pub(super) fn judge(
    seen: &Seen,
    answers: &Answers,
    kept: &mut Option<(Option<i64>, Standing)>,
    hooks: &Hooks,
    import: Verdict,
    now: Timestamp,
) -> Judged {
    let access = answers.access.as_ref();
    let waiting = || Verdict::unknown(reason::WAITING, "waits for the Secrets and keys that are missing");
    let raw = Verdicts {
        credentials: missing_references(&seen.observed)
            .unwrap_or_else(|| access.map_or_else(waiting, Access::credentials)),
        access: access.map_or_else(waiting, Access::reading),
        webhooks: hooks.verdict.clone(),
        deliveries: hooks.deliveries.clone(),
        import,
        expiring: access.and_then(|access| access.expiring(now)),
    };

    let generation = seen.connection.metadata.generation;
    let before = Before::of(seen);
    let mut standing = match kept.take() {
        Some((of, standing)) if of == generation => standing,
        _ => Standing::restored(before.0, generation, now),
    };
    let mut verdicts = raw.clone();
    standing.settle(&mut verdicts, now);
    *kept = Some((generation, standing));

    let stands = |raw: &Verdict, settled: &Verdict| {
        raw.outcome == Outcome::Unknown && raw.reason != reason::WAITING && settled.outcome != Outcome::Unknown
    };
    let access_stands = stands(&raw.credentials, &verdicts.credentials) || stands(&raw.access, &verdicts.access);
    let hooks_stand = raw.webhooks.outcome == Outcome::Unknown && verdicts.webhooks.outcome != Outcome::Unknown;
    if access_stands {
        verdicts.expiring = before.verdict(condition::CREDENTIALS_EXPIRING);
    }
    if hooks_stand && verdicts.deliveries.is_none() {
        verdicts.deliveries = before.verdict(condition::DELIVERIES_SEEN);
    }
    Judged { verdicts, access_stands, hooks_stand }
}
