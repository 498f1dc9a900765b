//! The labels of the top group.

/// What they are called.
pub(super) const NAMES: [&str; 10] = [
    "backend",
    "frontend",
    "bug",
    "feature",
    "security",
    "chore",
    "dependencies",
    "hotfix",
    "priority::high",
    "priority::low",
];
/// How many of them suit any work.
pub(super) const PLAIN: usize = 6;
