//! The history that nobody has touched: made where it is looked at, and forgotten again.
//!
//! A generated company has up to ten million merge requests. None of them is held: each is a pure function of the
//! [`Company`] and its number. What is edited, deleted or put in becomes a record of the World, which the archive then
//! passes over. While the World is only read, what was looked at closely stays ([`Remembered`]), as references to it are
//! handed out; between requests it is forgotten.

mod ci;
mod index;
mod merged;
mod places;
mod remembered;
mod sketch;
#[cfg(test)]
mod tests;
mod updated;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::company::{Company, Kind, Part};
use super::{Commit, Deployment, MergeRequest, Pipeline, Sha};
use index::{Index, Runs};
use remembered::Remembered;
use updated::Blocks;

pub use places::{Along, Stretch};
pub use sketch::Sketch;

/// Beyond so many things made, the next quiet moment is used to forget them.
const MANY: usize = 2_000;
/// The first commits of a merge request are at most so much older than it is, in milliseconds.
const BEGUN_BEFORE: i64 = 5 * 3_600_000;

/// The history of a generated company.
#[derive(Clone, Debug)]
pub(super) struct Archive {
    company: Arc<Company>,
    updated: Arc<[Blocks]>,
    indexes: Arc<[OnceLock<Index>]>,
    runs: Arc<[OnceLock<Runs>]>,
    merge_requests: Remembered<MergeRequest>,
    commits: Remembered<Commit>,
    pipelines: Remembered<Pipeline>,
    deployments: Remembered<Deployment>,
    /// Merge requests that the World holds or has deleted, with their projects' places.
    replaced: BTreeMap<i64, usize>,
    /// Pipelines and deployments that the World holds or has deleted.
    replaced_ci: HashSet<i64>,
    /// Places of projects that were deleted.
    gone: HashSet<usize>,
    /// Users who were deleted since: what they did is the ghost's.
    departed: HashSet<i64>,
    ghost: i64,
    /// Labels that were deleted since.
    labels_gone: HashSet<i64>,
}

/// What a commit's name names.
pub(super) enum Named<'w> {
    /// A commit of the default branch.
    OnDefaultBranch(&'w Commit),
    /// One of the merge request with this id.
    Of(i64),
}

impl Archive {
    /// No history at all: everything is held.
    pub(super) fn empty() -> Archive {
        Archive::of(Company::none(), 0)
    }

    pub(super) fn of(company: Company, ghost: i64) -> Archive {
        Archive {
            updated: (0..company.projects()).map(|_| Blocks::default()).collect(),
            indexes: (0..company.projects()).map(|_| OnceLock::new()).collect(),
            runs: (0..company.projects()).map(|_| OnceLock::new()).collect(),
            company: Arc::new(company),
            merge_requests: Remembered::default(),
            commits: Remembered::default(),
            pipelines: Remembered::default(),
            deployments: Remembered::default(),
            replaced_ci: HashSet::new(),
            replaced: BTreeMap::new(),
            gone: HashSet::new(),
            departed: HashSet::new(),
            ghost,
            labels_gone: HashSet::new(),
        }
    }

    /// How many merge requests are in it.
    pub(super) fn count(&self) -> usize {
        let gone: i64 = self.gone.iter().map(|place| self.company.plan(*place).count).sum();
        let replaced = self.replaced.values().filter(|place| !self.gone.contains(place)).count();
        usize::try_from(self.company.count() - gone).unwrap_or_default() - replaced
    }

    /// The place of a project in it.
    pub(super) fn place(&self, project: i64) -> Option<usize> {
        self.company.place(project).filter(|place| !self.gone.contains(place))
    }

    /// How many numbers a project's merge requests have taken.
    pub(super) fn numbers_taken(&self, project: i64) -> i64 {
        self.place(project).map_or(0, |place| self.company.plan(place).count)
    }

    /// The id of a project's merge request, unless it is held or deleted.
    pub(super) fn id(&self, project: i64, iid: i64) -> Option<i64> {
        let place = self.place(project)?;
        if !(1..=self.company.plan(place).count).contains(&iid) {
            return None;
        }
        let id = self.company.numbers().id(Kind::MergeRequest, place, iid);
        (!self.replaced.contains_key(&id)).then_some(id)
    }

    /// The merge request that owns a note of this id, if there were one.
    pub(super) fn owner_of_note(&self, note: i64) -> Option<i64> {
        let (place, number, _) = self.company.numbers().named(Kind::Note, note)?;
        self.id(self.company.project(place), number)
    }

    /// The place and number of a merge request that is in here.
    fn find(&self, id: i64) -> Option<(usize, i64)> {
        let (place, iid, _) = self.company.numbers().named(Kind::MergeRequest, id)?;
        self.id(self.company.project(place), iid)?;
        Some((place, iid))
    }

    /// A merge request, to stay until the next quiet moment.
    pub(super) fn merge_request(&self, id: i64) -> Option<&MergeRequest> {
        let (place, iid) = self.find(id)?;
        self.merge_requests.get_or_make(id, || Some(self.make(place, iid)))
    }

    /// A merge request, to be looked at once.
    pub(super) fn glance(&self, id: i64) -> Option<MergeRequest> {
        let (place, iid) = self.find(id)?;
        Some(self.make(place, iid))
    }

    fn make(&self, place: usize, iid: i64) -> MergeRequest {
        // Work begins some hours before it is shown.
        let begun = self.company.frame(place, iid).created - BEGUN_BEFORE;
        let mut made = self.company.merge_request(place, iid, self.tip_before(place, (begun, 0)));
        for departed in &self.departed {
            made.hand_over(*departed, self.ghost);
        }
        if made.source_project.and_then(|source| self.company.place(source)).is_some_and(|it| self.gone.contains(&it)) {
            made.source_project = None;
        }
        made.labels.retain(|label| !self.labels_gone.contains(label));
        made
    }

    /// How many commits the default branch of a project has in here.
    pub(super) fn commit_count(&self, project: i64) -> usize {
        self.place(project).map_or(0, |place| self.index(place).merged.len())
    }

    /// A commit of the default branch of a project, counted from the oldest.
    pub(super) fn commit(&self, project: i64, number: usize) -> Option<&Commit> {
        let place = self.place(project)?;
        let merged = &self.index(place).merged;
        let key = self.company.numbers().id(Kind::Pipeline, place, number as i64 + 1);
        self.commits.get_or_make(key, || {
            let before = number.checked_sub(1).map(|number| merged.get(number).1);
            Some(self.company.merge_commit(place, merged.get(number).1, before))
        })
    }

    /// What a commit's name names in a project.
    pub(super) fn named(&self, project: i64, sha: Sha) -> Option<Named<'_>> {
        let (place, iid, part) = self.company.named(sha)?;
        if self.place(project) != Some(place) || !(1..=self.company.plan(place).count).contains(&iid) {
            return None;
        }
        if part != Part::Merge {
            return Some(Named::Of(self.company.numbers().id(Kind::MergeRequest, place, iid)));
        }
        let number = self.number_on_default_branch(project, sha)?;
        self.commit(project, number).map(Named::OnDefaultBranch)
    }

    /// The number of a commit of a project's default branch, counted from the oldest.
    pub(super) fn number_on_default_branch(&self, project: i64, sha: Sha) -> Option<usize> {
        let (place, iid, _) = self.company.named(sha).filter(|(.., part)| *part == Part::Merge)?;
        if self.place(project) != Some(place) || !(1..=self.company.plan(place).count).contains(&iid) {
            return None;
        }
        let merged = self.company.frame(place, iid).merged()?;
        Some(self.index(place).merged.partition_point(|entry| entry < (merged, iid)))
    }

    /// The commit of the default branch of a project whose name begins so.
    pub(super) fn commit_beginning_with(&self, project: i64, name: &str) -> Option<Sha> {
        let place = self.place(project)?;
        let merged = &self.index(place).merged;
        let mut shas = (0..merged.len()).rev().map(|number| self.company.sha(place, merged.get(number).1, Part::Merge));
        shas.find(|sha| sha.to_string().starts_with(name))
    }

    /// Ids of a project's open merge requests that nobody touched.
    pub(super) fn open(&self, project: i64) -> impl Iterator<Item = i64> {
        let place = self.place(project);
        let open = place.into_iter().flat_map(|place| self.index(place).open.iter());
        open.filter_map(move |iid| self.id(project, i64::from(*iid)))
    }

    /// What the default branch stood at before a moment, or before something that was merged at that moment.
    fn tip_before(&self, place: usize, moment: (i64, i64)) -> Sha {
        let merged = &self.index(place).merged;
        let number = merged.partition_point(|entry| entry < moment);
        let before = number.checked_sub(1).map(|before| merged.get(before).1);
        before.map(|before| self.company.sha(place, before, Part::Merge)).unwrap_or_default()
    }

    fn index(&self, place: usize) -> &Index {
        self.indexes[place].get_or_init(|| Index::new(&self.company, place))
    }

    /// From now on the World holds this one, or it is gone.
    pub(super) fn replace(&mut self, id: i64) {
        if let Some((place, _)) = self.find(id) {
            self.replaced.insert(id, place);
        }
    }

    /// A project is deleted, and with it its history.
    pub(super) fn forget_project(&mut self, project: i64) {
        if let Some(place) = self.place(project) {
            self.gone.insert(place);
            self.forget();
        }
    }

    /// A user is deleted: what they did is the ghost's.
    pub(super) fn forget_user(&mut self, user: i64) {
        self.departed.insert(user);
        self.forget();
    }

    /// A label is deleted.
    pub(super) fn forget_label(&mut self, label: i64) {
        self.labels_gone.insert(label);
        self.forget();
    }

    /// Whether so much was made that it is time to forget it.
    pub(super) fn full(&self) -> bool {
        self.merge_requests.len() + self.pipelines.len() + self.deployments.len() + self.commits.len() / 8 > MANY
    }

    /// Forgets what was made; whoever looks again makes it again.
    pub(super) fn forget(&mut self) {
        self.merge_requests.forget();
        self.commits.forget();
        self.pipelines.forget();
        self.deployments.forget();
    }
}
