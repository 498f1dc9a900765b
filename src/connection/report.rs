//! From what the tokens can do to the parts of the status that tell of it.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    access::{Access, Entry, Outcome, TokenAccess, What},
    api::{AccessEntry, AccessOutcome, CredentialStatus, InstanceStatus},
};

/// Lines of the matrix that a status carries; trouble comes first.
const MATRIX: usize = 32;
/// Tokens that a status carries; trouble comes first.
const TOKENS: usize = 32;

/// The GitLab that answered.
#[must_use]
pub fn instance(access: &Access) -> Option<InstanceStatus> {
    let facts = access.instance.as_ref()?;
    let edition = if facts.enterprise { "Enterprise" } else { "Community" };
    Some(InstanceStatus { version: Some(facts.version.clone()), edition: Some(edition.to_owned()) })
}

/// What is known of the tokens.
#[must_use]
pub fn credentials(access: &Access) -> Vec<CredentialStatus> {
    let (good, bad): (Vec<_>, Vec<_>) = access.tokens.iter().partition(|token| token.valid == Some(true));
    if access.tokens.len() <= TOKENS {
        return access.tokens.iter().map(credential).collect();
    }
    bad.into_iter().chain(good).take(TOKENS).map(credential).collect()
}

/// What the tokens may do, as far as a status has room for it.
#[must_use]
pub fn matrix(access: &Access) -> Vec<AccessEntry> {
    let (good, bad): (Vec<&Entry>, Vec<&Entry>) =
        access.matrix.iter().partition(|entry| entry.finding.outcome == Outcome::Ok);
    bad.into_iter().chain(good).take(MATRIX).map(line).collect()
}

/// Tokens of which a status says that they cannot read all of the scope. What nobody could tell is said of none.
#[must_use]
pub fn unfit_readers(access: &[AccessEntry]) -> BTreeSet<String> {
    let for_others = [What::Instance, What::GroupHooks, What::ProjectHooks].map(What::as_str);
    let keeps_from_reading =
        |entry: &&AccessEntry| entry.outcome == AccessOutcome::Denied && !for_others.contains(&entry.what.as_str());
    access.iter().filter(keeps_from_reading).map(|entry| entry.token.clone()).collect()
}

fn credential(token: &TokenAccess) -> CredentialStatus {
    let midnight = token.expires_at.and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    CredentialStatus {
        name: token.name.clone(),
        user: token.user.clone(),
        scopes: token.scopes.clone(),
        expires_at: midnight.map(|midnight| Time(midnight.timestamp())),
        valid: token.valid,
        rate_limit: None,
    }
}

fn line(entry: &Entry) -> AccessEntry {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    AccessEntry {
        token: entry.token.clone(),
        what: entry.what.to_string(),
        subject: text(&entry.subject),
        outcome: match entry.finding.outcome {
            Outcome::Ok => AccessOutcome::Ok,
            Outcome::Denied => AccessOutcome::Denied,
            Outcome::Unknown => AccessOutcome::Unknown,
        },
        reason: entry.finding.reason.map(str::to_owned),
        remedy: text(&entry.finding.remedy),
    }
}
