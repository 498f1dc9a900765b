//! Who was asked how often, since when.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

/// Requests to GitLab by endpoint, and to the API server by who asked and verb.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    gitlab: BTreeMap<String, usize>,
    kubernetes: BTreeMap<String, usize>,
}

impl Counts {
    /// So far. `users` are the accounts whose requests count, with the names that they are printed by.
    pub(crate) fn read(gitlab: BTreeMap<String, usize>, audit_log: &Path, users: &[(String, &str)]) -> Counts {
        let mut kubernetes = BTreeMap::new();
        let log = std::fs::read_to_string(audit_log).expect("the audit log");
        // The last line may not be whole yet.
        for event in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let user = event["user"]["username"].as_str().unwrap_or_default();
            let Some((_, name)) = users.iter().find(|(account, _)| account == user) else { continue };
            let (verb, object) = (event["verb"].as_str().unwrap_or_default(), &event["objectRef"]);
            let part = |name: &str| object[name].as_str().unwrap_or_default();
            let resource = [part("resource"), part("subresource")].join("/");
            *kubernetes.entry(format!("{name}: {verb} {}", resource.trim_end_matches('/'))).or_default() += 1;
        }
        Counts { gitlab, kubernetes }
    }

    /// What was asked after `before`.
    pub(crate) fn since(&self, before: &Counts) -> Counts {
        let less = |now: &BTreeMap<String, usize>, before: &BTreeMap<String, usize>| {
            let left =
                now.iter().map(|(key, count)| (key.clone(), count - before.get(key).copied().unwrap_or_default()));
            left.filter(|(_, count)| *count > 0).collect()
        };
        Counts { gitlab: less(&self.gitlab, &before.gitlab), kubernetes: less(&self.kubernetes, &before.kubernetes) }
    }

    pub(crate) fn print(&self, connections: usize) {
        for (whom, counts) in [("GitLab", &self.gitlab), ("the API server", &self.kubernetes)] {
            let all: usize = counts.values().sum();
            println!("    requests to {whom}: {all}, {:.1} a connection", each(all, connections));
            for (what, count) in counts {
                println!("        {count:>7}  {what}");
            }
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a figure to print")]
fn each(all: usize, connections: usize) -> f64 {
    all as f64 / connections as f64
}
