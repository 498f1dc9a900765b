//! From what each token found to what the connection as a whole can do. Pure.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::probes::Report;
use super::{Access, Entry, Need, Outcome, TokenAccess, What};
use crate::api::conditions::reason as code;

/// What a condition is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// `Ok`: true; `Denied`: false; `Unknown`: nobody can tell at present.
    pub outcome: Outcome,
    /// One of the reasons of the conditions.
    pub reason: &'static str,
    /// What is the matter and what helps; constant for its reason and subject.
    pub message: String,
}

impl Verdict {
    /// It is as it should be.
    pub fn good(message: impl Into<String>) -> Verdict {
        Verdict { outcome: Outcome::Ok, reason: code::SUCCEEDED, message: message.into() }
    }

    /// It is not, until a person or a later step acts.
    pub fn bad(reason: &'static str, message: impl Into<String>) -> Verdict {
        Verdict { outcome: Outcome::Denied, reason, message: message.into() }
    }

    /// Nobody can tell at present.
    pub fn unknown(reason: &'static str, message: impl Into<String>) -> Verdict {
        Verdict { outcome: Outcome::Unknown, reason, message: message.into() }
    }
}

/// The order in which reasons are named when there are several.
const ORDER: [&str; 12] = [
    code::INVALID_CREDENTIALS,
    code::TOKEN_EXPIRED,
    code::INVALID_SPEC,
    code::INVALID_PERMISSIONS,
    code::NO_RESOURCES,
    // Before what keeps nobody from importing the rest.
    code::UNSUPPORTED_VERSION,
    code::GRAPHQL_UNAVAILABLE,
    code::SCOPE_NOT_FOUND,
    code::RATE_LIMITED,
    code::GITLAB_UNREACHABLE,
    code::TLS_FAILURE,
    code::NOT_GITLAB,
];

/// Puts the reports of all tokens together.
pub(super) fn gather(reports: Vec<Report>) -> Access {
    let readers: Vec<String> =
        reports.iter().filter(|report| report.reads).map(|report| report.token.name.clone()).collect();
    let mut access = Access { readers, ..Access::default() };
    for report in reports {
        let Report { token, reads: _, mut entries, groups, projects, instance } = report;
        forgive_empty_groups(&mut entries);
        access.tokens.push(token);
        access.matrix.extend(entries);
        access.instance = access.instance.or(instance);
        for group in groups {
            if access.groups.iter().all(|known| known.id != group.id) {
                access.groups.push(group);
            }
        }
        for project in projects {
            if access.projects.iter().all(|known| known.id != project.id) {
                access.projects.push(project);
            }
        }
    }
    compare_views(&mut access);
    access.warnings = warnings(&access);
    access
}

/// A group without projects is nothing wrong as long as the token sees some elsewhere in the scope.
fn forgive_empty_groups(entries: &mut [Entry]) {
    let sees_something = entries.iter().any(|entry| match entry.what {
        What::GroupProjects | What::Projects | What::Project => entry.finding.outcome == Outcome::Ok,
        _ => false,
    });
    if !sees_something {
        return;
    }
    for entry in entries.iter_mut().filter(|entry| entry.finding.reason == Some(code::NO_RESOURCES)) {
        entry.finding.outcome = Outcome::Ok;
        entry.finding.reason = None;
        entry.finding.remedy.clear();
    }
}

/// A group that is empty for one token and not for another is hidden from the first, in part or whole.
fn compare_views(access: &mut Access) {
    let empty = |entry: &Entry| entry.what == What::GroupProjects && !entry.finding.message.is_empty();
    let full: Vec<(String, String)> = access
        .matrix
        .iter()
        .filter(|entry| entry.what == What::GroupProjects && entry.finding.outcome == Outcome::Ok && !empty(entry))
        .map(|entry| (entry.subject.clone(), entry.token.clone()))
        .collect();
    for entry in access.matrix.iter_mut().filter(|entry| empty(entry) && entry.finding.outcome != Outcome::Unknown) {
        let Some((subject, other)) = full.iter().find(|(subject, _)| *subject == entry.subject) else {
            continue;
        };
        entry.finding.outcome = Outcome::Denied;
        entry.finding.reason = Some(code::INVALID_PERMISSIONS);
        entry.finding.message =
            format!("token '{}' sees no projects in {subject}, though token '{other}' does", entry.token);
        entry.finding.remedy = "give its user the same memberships".into();
    }
}

fn warnings(access: &Access) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut by_user: BTreeMap<i64, Vec<&TokenAccess>> = BTreeMap::new();
    for token in &access.tokens {
        if let Some(user) = token.user_id {
            by_user.entry(user).or_default().push(token);
        }
    }
    for tokens in by_user.values().filter(|tokens| tokens.len() > 1) {
        let names = tokens.iter().map(|token| format!("'{}'", token.name)).collect::<Vec<_>>().join(" and ");
        let user = tokens.iter().find_map(|token| token.user.as_deref()).unwrap_or("one user");
        warnings.push(format!(
            "tokens {names} belong to the same user ({user}) and share one rate limit; tokens of different users would add up"
        ));
    }
    let usable = access.usable_readers();
    if !usable.is_empty() {
        for token in access.readers.iter().filter(|name| !usable.contains(name)) {
            let first = access.failures(Need::Read).into_iter().find(|entry| entry.token == *token);
            let why =
                first.map_or_else(|| "GitLab does not accept it".to_owned(), |entry| entry.finding.message.clone());
            warnings.push(format!("token '{token}' is left out of imports: {why}"));
        }
    }
    warnings
}

impl Access {
    /// The first thing that is not as it should be, credentials before access; else that all is well.
    pub fn verdict(&self) -> Verdict {
        let credentials = self.credentials();
        if credentials.outcome == Outcome::Ok { self.reading() } else { credentials }
    }

    /// Whether GitLab accepts every token.
    pub fn credentials(&self) -> Verdict {
        match first(self.failures(Need::Credentials)) {
            Some(entry) => verdict_of(entry),
            None => Verdict::good(format!("GitLab accepts {}", count(self.tokens.len(), "token"))),
        }
    }

    /// Whether what is in scope can be read. One token that reads all of it is enough.
    pub fn reading(&self) -> Verdict {
        let usable = self.usable_readers();
        if !usable.is_empty() {
            let groups = count(self.groups.len(), "group");
            let projects = count(self.projects.len(), "single project");
            return Verdict::good(format!("{groups} and {projects} of the scope can be read"));
        }
        if let Some(entry) = first(self.failures(Need::Read)) {
            return verdict_of(entry);
        }
        // Nobody came so far as to read.
        match first(self.failures(Need::Credentials)) {
            Some(entry) if is_about_credentials(entry) => {
                Verdict::unknown(code::WAITING, "no token is accepted, so nothing could be read")
            }
            Some(entry) => verdict_of(entry),
            None => Verdict::bad(code::INVALID_SPEC, "no token is there to read with; name one in credentials"),
        }
    }

    /// The readers that were denied nothing: imports use these.
    pub fn usable_readers(&self) -> Vec<String> {
        let reads_all = |name: &&String| {
            let mut own =
                self.matrix.iter().filter(|entry| entry.token == **name && entry.what.need() == Need::Read).peekable();
            own.peek().is_some() && own.all(|entry| entry.finding.outcome == Outcome::Ok)
        };
        self.readers.iter().filter(reads_all).cloned().collect()
    }

    /// The tokens of one's user that may manage the webhooks named by `what` on every subject that was tried.
    pub fn hook_managers(&self, what: What) -> Vec<String> {
        let manages = |token: &&TokenAccess| {
            let mut own = self.matrix.iter().filter(|entry| entry.token == token.name && entry.what == what).peekable();
            own.peek().is_some() && own.all(|entry| entry.finding.outcome == Outcome::Ok)
        };
        self.tokens.iter().filter(manages).map(|token| token.name.clone()).collect()
    }

    /// The tokens that expire within thirty days, soonest first; `None` if there are none.
    pub fn expiring(&self, now: Timestamp) -> Option<Verdict> {
        let today = now.to_zoned(TimeZone::UTC).date();
        let horizon = today.saturating_add(30.days());
        let dying =
            |token: &&TokenAccess| token.expires_at.is_some_and(|day| day <= horizon) && token.valid != Some(false);
        let mut tokens: Vec<&TokenAccess> = self.tokens.iter().filter(dying).collect();
        tokens.sort_by_key(|token| token.expires_at);
        if tokens.is_empty() {
            return None;
        }
        let line = |token: &&TokenAccess| {
            format!("token '{}' expires on {}", token.name, token.expires_at.unwrap_or(Date::MAX))
        };
        let lines: Vec<String> = tokens.iter().map(line).collect();
        let message = format!("{}; create a new one and put it into the Secret", lines.join(", "));
        Some(Verdict { outcome: Outcome::Ok, reason: code::EXPIRES_SOON, message })
    }

    fn failures(&self, need: Need) -> Vec<&Entry> {
        self.matrix.iter().filter(|entry| entry.what.need() == need && entry.finding.outcome != Outcome::Ok).collect()
    }
}

fn first(failures: Vec<&Entry>) -> Option<&Entry> {
    let rank = |entry: &&Entry| {
        let reason = entry.finding.reason.unwrap_or_default();
        ORDER.iter().position(|known| *known == reason).unwrap_or(ORDER.len())
    };
    failures.into_iter().min_by_key(rank)
}

fn is_about_credentials(entry: &Entry) -> bool {
    matches!(entry.finding.reason, Some(code::INVALID_CREDENTIALS | code::TOKEN_EXPIRED))
}

fn verdict_of(entry: &Entry) -> Verdict {
    let finding = &entry.finding;
    let message = match finding.remedy.as_str() {
        "" => finding.message.clone(),
        remedy => format!("{}: {remedy}", finding.message),
    };
    Verdict { outcome: finding.outcome, reason: finding.reason.unwrap_or(code::GITLAB_UNREACHABLE), message }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
