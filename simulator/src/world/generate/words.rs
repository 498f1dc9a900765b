//! What people, projects and merge requests are called, and what reviewers say.

use fastrand::Rng;

pub(in crate::world) const LABELS: [&str; 6] = ["backend", "frontend", "bug", "feature", "security", "chore"];

const FIRST: [&str; 20] = [
    "Ada", "Bruno", "Chidi", "Dana", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kavya", "Liam", "Mina",
    "Noor", "Olga", "Pablo", "Quinn", "Rosa", "Sven", "Tariq",
];
const LAST: [&str; 16] = [
    "Novak", "Okafor", "Lindgren", "Sato", "Moreau", "Haddad", "Keller", "Rossi", "Mendes", "Clarke", "Iyer", "Petrov",
    "Larsen", "Duarte", "Weber", "Aziz",
];
const PROJECTS: [&str; 16] = [
    "web",
    "api",
    "billing",
    "search",
    "mobile",
    "gateway",
    "auth",
    "reports",
    "ingest",
    "scheduler",
    "notifier",
    "catalog",
    "terraform",
    "docs",
    "design-system",
    "fraud",
];
const DOES: [&str; 10] =
    ["Add", "Fix", "Speed up", "Remove", "Document", "Refactor", "Test", "Retry", "Cache", "Validate"];
const WHAT: [&str; 16] = [
    "login by passkey",
    "invoice totals",
    "the search index",
    "unused feature flags",
    "the export job",
    "payment webhooks",
    "session renewal",
    "pagination of orders",
    "time zones in reports",
    "image uploads",
    "the retry queue",
    "database migrations",
    "error pages",
    "rate limits",
    "audit events",
    "the onboarding form",
];
const WHERE: [&str; 8] = [
    "",
    " for mobile",
    " in checkout",
    " on slow networks",
    " for admins",
    " behind the proxy",
    " in the API",
    " for large teams",
];
const REMARKS: [&str; 14] = [
    "Could this be a constant?",
    "Nice, this reads much better now.",
    "What happens when the list is empty?",
    "Please add a test for the error path.",
    "nit: naming",
    "I think this needs an index.",
    "Works for me locally.",
    "Can we split this into two merge requests?",
    "This looks like it races with the cleanup job.",
    "Good catch, fixed.",
    "Is this backwards compatible?",
    "LGTM once the pipeline is green.",
    "Why not reuse the existing helper?",
    "Done in the last commit.",
];

pub(in crate::world) fn person(number: usize) -> (String, String) {
    let first = FIRST[number % FIRST.len()];
    let last = LAST[(number + number / FIRST.len()) % LAST.len()];
    let round = number / (FIRST.len() * LAST.len());
    let suffix = if round == 0 { String::new() } else { round.to_string() };
    (format!("{}.{}{suffix}", first.to_lowercase(), last.to_lowercase()), format!("{first} {last}"))
}

pub(in crate::world) fn project(number: usize) -> String {
    let name = PROJECTS[number % PROJECTS.len()];
    match number / PROJECTS.len() {
        0 => name.to_owned(),
        round => format!("{name}-{}", round + 1),
    }
}

/// A merge request's title.
pub(in crate::world) fn title(random: &mut Rng) -> String {
    let pick = |random: &mut Rng, words: &[&'static str]| words[random.usize(..words.len())];
    let (does, what, place) = (pick(random, &DOES), pick(random, &WHAT), pick(random, &WHERE));
    format!("{does} {what}{place}")
}

/// A reviewer's remark.
pub(in crate::world) fn remark(random: &mut Rng) -> &'static str {
    REMARKS[random.usize(..REMARKS.len())]
}
