//! What merge requests and their branches are called.

use super::super::frame::{Frame, Purpose};
use super::super::{Company, luck};
use crate::world::generate::words;

/// What is said after the end.
pub(super) const AFTERWARDS: &[&str] = &[
    "Thanks!",
    "This is live now.",
    "Follow-up is planned for the next sprint.",
    "We saw one error in staging after this, looking into it.",
    "Verified on staging.",
];

const DEPENDENCIES: &[&str] = &[
    "axum",
    "lodash",
    "react",
    "requests",
    "serde",
    "spring-boot",
    "postgres",
    "golang",
    "eslint",
    "typescript",
    "tokio",
    "numpy",
    "terraform-aws",
    "vite",
    "junit",
];

impl Company {
    /// What a merge request is called.
    pub(super) fn title(&self, frame: &Frame) -> String {
        let mut random = luck::of(self.seed, 3, frame.place, frame.iid);
        match frame.purpose {
            Purpose::Dependency => {
                let version = format!("{}.{}.{}", random.u32(1..9), random.u32(..20), random.u32(..9));
                format!("Update dependency {} to v{version}", luck::pick(&mut random, DEPENDENCIES))
            }
            Purpose::Revert => match self.reverted_by(frame) {
                Some(iid) => format!("Revert \"{}\"", self.title(&self.frame(frame.place, iid))),
                None => format!("Revert \"{}\"", words::title(&mut random)),
            },
            Purpose::Hotfix => format!("Hotfix: {}", words::title(&mut random).to_lowercase()),
            Purpose::Work | Purpose::Assistant => match self.plans[frame.place].style {
                0 => words::title(&mut random),
                1 => {
                    let kind = luck::pick(&mut random, &["feat", "fix", "feat", "fix", "refactor", "docs", "perf"]);
                    format!("{kind}: {}", words::title(&mut random).to_lowercase())
                }
                _ => format!("PLAT-{} {}", 200 + frame.iid * 3 + random.i64(0..3), words::title(&mut random)),
            },
        }
    }

    /// Whether an earlier one could be taken back by this one: it was merged before.
    pub(super) fn reverted_by(&self, frame: &Frame) -> Option<i64> {
        if frame.purpose != Purpose::Revert {
            return None;
        }
        let earlier = (1..frame.iid).rev().take(30).map(|iid| self.frame(frame.place, iid));
        let mut merged = earlier.filter(|earlier| earlier.purpose != Purpose::Revert);
        merged.find(|earlier| earlier.merged().is_some_and(|at| at < frame.created)).map(|earlier| earlier.iid)
    }

    /// The source branch.
    pub(in crate::world::company) fn branch(&self, frame: &Frame) -> String {
        let title = self.title(frame);
        match frame.purpose {
            Purpose::Dependency => {
                let mut words = title.split(' ').skip(2);
                let (name, version) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
                let major = version.trim_start_matches('v').split('.').next().unwrap_or_default();
                format!("renovate/{name}-{major}.x")
            }
            Purpose::Revert => {
                let part = super::Part::Merge;
                let sha = self.reverted_by(frame).map(|iid| self.sha(frame.place, iid, part).short());
                format!("revert-{}", sha.unwrap_or_else(|| "4f2c91d0".to_owned()))
            }
            Purpose::Hotfix => format!("hotfix/{}", slug(title.trim_start_matches("Hotfix: "))),
            Purpose::Assistant => format!("assistant/{}-{}", frame.iid, slug(&title)),
            Purpose::Work => match self.plans[frame.place].style {
                0 => format!("{}-{}", frame.iid, slug(&title)),
                1 => format!("feature/{}", slug(title.split_once(": ").map_or(title.as_str(), |(_, rest)| rest))),
                _ => slug(&title),
            },
        }
    }
}

fn slug(title: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let slug: String = title.chars().map(letter).take(48).collect();
    let slug = if title.starts_with("PLAT-") { slug } else { slug.to_lowercase() };
    slug.trim_matches('-').to_owned()
}
