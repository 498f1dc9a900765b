//! What a merge request changes: commits, files, versions of its diff, and the notes about pushes.

use fastrand::Rng;

use super::super::calendar::DAY;
use super::super::frame::Purpose;
use super::super::{Kind, Part, luck, time};
use super::Teller;
use crate::world::{Commit, DiffVersion, FileChange, FileStats, SystemAction};

/// How assistants sign what they helped to write.
const TRAILERS: &[&str] = &[
    "Co-Authored-By: Claude <noreply@anthropic.com>",
    "Co-authored-by: Copilot <175728472+Copilot@users.noreply.github.com>",
    "Co-authored-by: Cursor <cursoragent@cursor.com>",
];
const STEPS: &[&str] = &[
    "Add tests",
    "Handle the empty case",
    "Address review comments",
    "Fix lint",
    "Rename for clarity",
    "Extract helper",
    "Update documentation",
    "Fix typo",
    "Make the query cheaper",
];
const PLACES: &[&str] = &["api", "core", "billing", "jobs", "models", "search", "auth", "ui", "reports", "config"];
const THINGS: &[&str] =
    &["handler", "client", "service", "types", "worker", "query", "form", "policy", "cache", "view"];

/// Some files are new, few are moved or removed.
fn come_or_go(file: &mut FileStats, random: &mut Rng) {
    match random.u32(..100) {
        0..14 => {
            file.change = FileChange::Added;
            file.additions = (file.additions + file.deletions).max(1);
            file.deletions = 0;
        }
        14..18 => {
            file.change = FileChange::Deleted;
            file.deletions = (file.additions + file.deletions).max(1);
            file.additions = 0;
        }
        18..22 => file.change = FileChange::Renamed(file.path.replacen("src/", "src/legacy/", 1)),
        _ => {}
    }
}

impl Teller<'_> {
    pub(super) fn description(&mut self) -> Option<String> {
        let title = self.company.title(&self.frame);
        if self.frame.purpose == Purpose::Dependency {
            return Some(format!(
                "{title}\n\nThis merge request was made by a bot. Rebase it by ticking the box below.\n\n- [ ] rebase"
            ));
        }
        if let Some(iid) = self.company.reverted_by(&self.frame) {
            return Some(format!("This reverts merge request !{iid}"));
        }
        let lot = self.random.u32(..100);
        (lot >= 16).then(|| match lot {
            ..45 => format!("{title}, as agreed in planning."),
            45..70 => format!("## What does this do?\n\n{title}.\n\n## How to test\n\n1. Open the page\n2. Look\n"),
            70..88 => format!("{title}.\n\n- [x] tests\n- [ ] documentation\n\nCloses #{}", 1 + self.frame.iid / 3),
            _ => "WIP, more words to come".to_owned(),
        })
    }

    /// Commits, files and versions: one for each push.
    pub(super) fn change(&mut self) {
        self.files();
        let (name, email) = self.company.signature(self.subject.author);
        let base = self.subject.merge_base();
        let mut parent = base;
        let mut last = i64::MIN;
        let mut commits: Vec<Commit> = Vec::new();
        let assisted = self.assisted();
        let pushes = self.outline.pushes.clone();
        for (number, pushed) in pushes.iter().enumerate() {
            let count = if number == 0 { 1 + self.random.usize(..3) } else { 1 + self.random.usize(..2) };
            let single = matches!(self.frame.purpose, Purpose::Dependency | Purpose::Revert);
            let begun = pushed - count as i64 * self.random.i64(240_000..5_400_000);
            let mut at = begun.max(last).min(*pushed);
            let first = commits.len();
            for _ in 0..if single { 1 } else { count } {
                let title = self.commit_title(commits.is_empty());
                let trailer = assisted.filter(|_| luck::percent(&mut self.random, 80));
                let trailer = trailer.map(|trailer| format!("\n\n{trailer}")).unwrap_or_default();
                let sha = self.sha(Part::Own(commits.len() as u64));
                commits.push(Commit {
                    sha,
                    parents: vec![parent],
                    message: format!("{title}{trailer}\n"),
                    title,
                    author_name: name.clone(),
                    author_email: email.clone(),
                    // Git knows whole seconds.
                    authored_at: time(at - at.rem_euclid(1_000)),
                    committed_at: time(at - at.rem_euclid(1_000)),
                    additions: 0,
                    deletions: 0,
                });
                parent = sha;
                last = at;
                at += (pushed - at) / 2;
            }
            self.version(number, *pushed, commits.len());
            if number > 0 {
                self.note_push(*pushed, &commits[first..]);
            }
        }
        self.share_out(&mut commits);
        commits.reverse();
        self.subject.sha = commits.first().map(|commit| commit.sha);
        self.subject.commits = commits;
    }

    /// How the assistant signs that helped with this one, more and more often over the years.
    fn assisted(&mut self) -> Option<&'static str> {
        let years = (self.company.until - self.frame.created) as f64 / (365 * DAY) as f64;
        let often = match self.frame.purpose {
            Purpose::Work | Purpose::Hotfix => (34.0 - 14.0 * years).max(2.0) as u32,
            Purpose::Assistant => 100,
            _ => 0,
        };
        luck::percent(&mut self.random, often).then(|| luck::pick(&mut self.random, TRAILERS))
    }

    fn commit_title(&mut self, first: bool) -> String {
        if first || self.random.bool() && self.frame.purpose != Purpose::Work {
            return self.subject.title.clone();
        }
        luck::pick(&mut self.random, STEPS).to_owned()
    }

    fn version(&mut self, number: usize, at: i64, commits: usize) {
        let base = self.subject.merge_base();
        self.subject.versions.push(DiffVersion {
            id: self.part(Kind::Version, number.min(15) as i64),
            head: self.sha(Part::Own(commits as u64 - 1)),
            base,
            start: base,
            commits,
            files: self.subject.files.len(),
            at: time(at),
        });
    }

    fn note_push(&mut self, at: i64, commits: &[Commit]) {
        let count = commits.len();
        let plural = if count == 1 { "" } else { "s" };
        let items = commits.iter().map(|commit| format!("<li>{} - {}</li>", commit.sha.short(), commit.title));
        let list: String = items.collect();
        let body = format!("added {count} commit{plural}\n\n<ul>{list}</ul>\n\n[Compare with previous version](diffs)");
        let user = self.subject.author.unwrap_or_default();
        self.system(at, user, SystemAction::Commit, body);
    }

    fn files(&mut self) {
        let plan = &self.company.plans[self.frame.place];
        if self.frame.purpose == Purpose::Dependency {
            let file = |path: &str, lines| FileStats {
                path: path.to_owned(),
                additions: lines,
                deletions: lines,
                ..FileStats::default()
            };
            let lines = self.random.i64(1..60);
            self.subject.files = vec![file("dependencies.lock", lines), file("dependencies.toml", 1)];
            return;
        }
        let count = luck::duration(&mut self.random, 3.0, 0.9).clamp(1, 60);
        for number in 0..count {
            let (place, thing) = (luck::pick(&mut self.random, PLACES), luck::pick(&mut self.random, THINGS));
            let test = if number % 3 == 2 { "_test" } else { "" };
            let path = format!("src/{place}/{thing}{test}.{}", plan.language);
            if self.subject.files.iter().all(|file| file.path != path) {
                let additions = luck::duration(&mut self.random, 18.0, 1.2).clamp(0, 4_000);
                let deletions = luck::duration(&mut self.random, 5.0, 1.3).clamp(0, 2_000);
                self.subject.files.push(FileStats {
                    path,
                    additions: additions.max(i64::from(deletions == 0)),
                    deletions,
                    ..FileStats::default()
                });
            }
        }
        let mut random = luck::of(self.company.seed, 12, self.frame.place, self.frame.iid);
        self.subject.files.iter_mut().for_each(|file| come_or_go(file, &mut random));
    }

    /// The commits together change what the files tell; the first one most of it.
    fn share_out(&self, commits: &mut [Commit]) {
        let (mut additions, mut deletions) = (self.subject.additions(), self.subject.deletions());
        for commit in commits.iter_mut().rev() {
            commit.additions = additions / 3;
            commit.deletions = deletions / 3;
            additions -= commit.additions;
            deletions -= commit.deletions;
        }
        if let Some(first) = commits.first_mut() {
            first.additions += additions;
            first.deletions += deletions;
        }
    }
}
