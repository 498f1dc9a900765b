//! Which targets get a hook: groups where edition and token allow, else projects, else the instance, else a person acts.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::{
    Changes, Desired, Failure, Memory, Outcome, Place, Progress, State,
    failure::lacks_the_scope,
    followed::read_projects,
    manual,
    memory::digest,
    remove::{clean_up, remembered},
    silence::{Silence, listen},
    sum_up,
    target::{InPlace, bring_in_place},
};
use crate::{
    api::{Mode, conditions::reason},
    gitlab::{Client, Target},
};

/// Targets that are worked on at once.
pub(super) const AT_ONCE: usize = 8;
/// So many that GitLab fails over, one after the other, and it is GitLab that fails.
const BROKEN: usize = 3;

/// One pass over all targets.
struct Climb<'a> {
    client: &'a Client,
    desired: &'a Desired,
    before: &'a Memory,
    /// Digest of the present secret.
    digest: String,
    /// The token that managed hooks last; it will do for the next target too.
    lucky: AtomicUsize,
    memory: Memory,
    changes: Changes,
    /// What earlier turns of this pass have done, and this one.
    progress: Progress,
    /// GitLab calls, and does not get through.
    failing: bool,
    /// This turn has done something.
    moved: bool,
    /// Targets that wait for another turn.
    waiting: usize,
    /// Targets that are wanted, whether their hook is in place or not.
    tried: BTreeSet<Target>,
    /// Whether all wanted targets are known. What is not known must not be taken for unwanted.
    complete: bool,
    /// Targets whose hook is in place.
    placed: Vec<Place>,
    /// Groups whose hook has brought nothing since it was made, with it and the time.
    unheard: Vec<(Place, i64, Timestamp)>,
    failures: Vec<Failure>,
    notes: Vec<String>,
}

pub(super) async fn climb(client: &Client, desired: &Desired, before: &Memory, progress: Progress) -> Outcome {
    let mut climb = Climb {
        client,
        desired,
        before,
        digest: digest(&desired.digest_key, &desired.secret).unwrap_or_default(),
        lucky: AtomicUsize::new(0),
        memory: before.clone(),
        changes: Changes::default(),
        progress,
        failing: false,
        moved: false,
        waiting: 0,
        tried: BTreeSet::new(),
        complete: desired.groups.len() == desired.scope.groups.len()
            && desired.projects.len() == desired.scope.projects.len(),
        placed: Vec::new(),
        unheard: Vec::new(),
        failures: Vec::new(),
        notes: Vec::new(),
    };
    if desired.mode != Mode::Auto {
        climb.memory.unmute();
    }
    match desired.mode {
        Mode::Disabled => climb.nothing().await,
        Mode::Manual => {
            let places = climb.outermost();
            climb.by_hand(&places)
        }
        Mode::Group => climb.groups().await,
        Mode::Project => climb.projects().await,
        Mode::System => climb.system().await,
        Mode::Auto => climb.auto().await,
    }
}

impl Climb<'_> {
    async fn nothing(mut self) -> Outcome {
        self.drop_stale(&[]).await;
        Outcome { state: State::NotWanted, ..self.outcome(Mode::Disabled) }
    }

    async fn groups(mut self) -> Outcome {
        let places = self.outermost();
        let refused = self.place_all(places).await;
        self.failures.extend(refused.into_iter().map(|(_, failure)| failure));
        for group in self.mute_groups().await {
            self.placed.retain(|place| *place != group);
            self.failures.push(is_mute(&group));
        }
        self.drop_stale(&[]).await;
        self.outcome(Mode::Group)
    }

    async fn projects(mut self) -> Outcome {
        let refused = self.place_projects(self.desired.groups.clone()).await;
        self.failures.extend(refused.into_iter().map(|(_, failure)| failure));
        self.drop_stale(&self.desired.groups).await;
        self.outcome(Mode::Project)
    }

    async fn system(mut self) -> Outcome {
        let refused = self.place_all(vec![remembered(Target::System)]).await;
        self.failures.extend(refused.into_iter().map(|(_, failure)| failure));
        if self.failures.is_empty() {
            self.notes.push(NO_COMMENTS.to_owned());
        }
        self.drop_stale(&self.desired.groups).await;
        self.outcome(Mode::System)
    }

    async fn auto(mut self) -> Outcome {
        let (groups, single): (Vec<_>, Vec<_>) =
            self.outermost().into_iter().partition(|place| matches!(place.target, Target::Group(_)));
        let (mute, groups): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| self.before.is_mute(group.target));
        let refused = self.place_all(groups).await;
        let found_mute = self.mute_groups().await;
        for group in &found_mute {
            // Its hook goes once those of its projects are there.
            self.placed.retain(|place| place != group);
            self.tried.remove(&group.target);
            self.memory.mute(group.target);
        }
        let (lower, given_up): (Vec<_>, Vec<_>) = refused.into_iter().partition(|(_, failure)| {
            matches!(failure.reason, reason::GROUP_HOOKS_UNAVAILABLE) || failure.is_of_the_token()
        });
        // Where a group cannot be asked at present, its projects may carry hooks that are still wanted.
        self.complete &= given_up.is_empty();
        self.failures.extend(given_up.into_iter().map(|(_, failure)| failure));
        let all_groups = lower.is_empty() && mute.is_empty() && found_mute.is_empty();
        let mut mode = if all_groups && !self.placed.is_empty() { Mode::Group } else { Mode::Project };

        let mute: Vec<_> = mute.into_iter().chain(found_mute).collect();
        self.notes.extend(mute.iter().map(|group| is_mute(group).message));
        let lower: Vec<_> = lower.into_iter().map(|(group, _)| group).chain(mute).collect();
        let (below, single) = self.covered_by(&lower, &single);
        let mut refused = self.place_all(single).await;
        refused.extend(self.place_projects_of(&below).await);
        let (of_the_token, given_up): (Vec<_>, Vec<_>) =
            refused.into_iter().partition(|(_, failure)| failure.is_of_the_token());
        self.failures.extend(given_up.into_iter().map(|(_, failure)| failure));

        // What comes to the instance or to a person is known once everything was tried.
        if self.waiting > 0 {
            self.failures.extend(of_the_token.into_iter().map(|(_, failure)| failure));
        } else if !of_the_token.is_empty() && self.place_system().await {
            mode = Mode::System;
            self.notes.push(NO_COMMENTS.to_owned());
        } else if !of_the_token.is_empty() {
            self.drop_stale(&[]).await;
            let (places, failures): (Vec<_>, Vec<_>) = of_the_token.into_iter().unzip();
            self.failures.extend(failures);
            return self.by_hand(&places);
        }
        self.drop_stale(&[]).await;
        self.outcome(mode)
    }

    /// What is left to a person: to run the commands. Deliveries show that it was done.
    fn by_hand(mut self, places: &[Place]) -> Outcome {
        let commands = manual::commands(self.client, self.desired, places);
        let (placed, by_hand) = (self.placed.len(), places.len());
        if self.desired.delivered_at.is_some() {
            self.failures.retain(|failure| !failure.is_of_the_token());
            let outcome = self.outcome(Mode::Manual);
            return Outcome { desired: outcome.desired + by_hand, ready: placed + by_hand, commands, ..outcome };
        }
        let because = self.failures.first().map(|failure| format!("{}; ", failure.message)).unwrap_or_default();
        let more = if by_hand > 1 { format!(", and {} more", by_hand - 1) } else { String::new() };
        let name = places.first().map(ToString::to_string).unwrap_or_default();
        let message = format!(
            "{because}a person with the right has to make the webhook of {name}{more} by the commands that are shown, in a \
             cluster in status.webhooks.commands"
        );
        let outcome = self.outcome(Mode::Manual);
        Outcome {
            state: State::Incomplete { reason: reason::MANUAL_ACTION_REQUIRED, message },
            desired: outcome.desired.max(placed + by_hand),
            commands,
            ..outcome
        }
    }

    fn outcome(self, mode: Mode) -> Outcome {
        let unproven = self.desired.delivered_at.is_none()
            && self.placed.iter().any(|place| matches!(place.target, Target::Group(_)));
        let Self { memory, progress, failing, changes, placed, waiting, failures, mut notes, .. } = self;
        if unproven {
            notes.push(UNPROVEN.to_owned());
        }
        let (ready, desired) = (placed.len(), placed.len() + waiting + failures.len());
        let state = sum_up(desired, ready, waiting, &failures);
        let commands = Vec::new();
        Outcome { state, mode, desired, ready, waiting, failures, failing, notes, commands, changes, memory, progress }
    }

    /// Groups and projects of the scope that lie in no other group of it: a group's hook brings all that is below.
    fn outermost(&self) -> Vec<Place> {
        let groups = &self.desired.groups;
        let covered = |place: &Place| groups.iter().any(|group| place.path.starts_with(&format!("{}/", group.path)));
        groups.iter().chain(&self.desired.projects).filter(|place| !covered(place)).cloned().collect()
    }

    /// What of the scope has no hook where these groups have none: the groups and single projects below them, which the
    /// groups' hooks would have covered, whether or not the scope follows subgroups.
    fn covered_by(&self, without: &[Place], single: &[Place]) -> (Vec<Place>, Vec<Place>) {
        let is_below = |place: &Place| {
            without.iter().any(|group| place == group || place.path.starts_with(&format!("{}/", group.path)))
        };
        let groups = self.desired.groups.iter().filter(|place| is_below(place)).cloned().collect();
        let more = self.desired.projects.iter().filter(|place| is_below(place) && !single.contains(place)).cloned();
        (groups, single.iter().cloned().chain(more).collect())
    }

    /// The groups whose hooks GitLab makes and never calls, as far as that shows.
    async fn mute_groups(&mut self) -> Vec<Place> {
        let mut mute = Vec::new();
        for (place, hook, made_at) in std::mem::take(&mut self.unheard) {
            match listen(self.client, &place, hook, made_at).await {
                Silence::Quiet => {}
                Silence::Failing => self.failing = true,
                Silence::Mute => mute.push(place),
            }
        }
        mute
    }

    /// Whether the hook of the instance is in place.
    async fn place_system(&mut self) -> bool {
        let refused = self.place_all(vec![remembered(Target::System)]).await;
        refused.is_empty() && self.placed.iter().any(|place| place.target == Target::System)
    }

    async fn place_projects(&mut self, groups: Vec<Place>) -> Vec<(Place, Failure)> {
        let mut refused = self.place_all(self.desired.projects.clone()).await;
        refused.extend(self.place_projects_of(&groups).await);
        refused
    }

    async fn place_projects_of(&mut self, groups: &[Place]) -> Vec<(Place, Failure)> {
        let mut places: Vec<Place> = Vec::new();
        for group in groups {
            let mut list = self.progress.lists.remove(&group.target).unwrap_or_default();
            let before = list.clone();
            let read = read_projects(self.client, self.desired, group, &mut list).await;
            self.moved |= list != before;
            places.extend(list.places.iter().cloned());
            self.progress.lists.insert(group.target, list);
            if let Err(failure) = read {
                self.complete = false;
                self.put_off(vec![(group.clone(), failure)])
                    .into_iter()
                    .for_each(|(_, failure)| self.failures.push(failure));
            }
        }
        places.sort();
        places.dedup();
        places.retain(|place| !self.placed.contains(place) && !self.desired.projects.contains(place));
        self.place_all(places).await
    }

    /// Brings hooks in place; returns the places where that failed.
    async fn place_all(&mut self, places: Vec<Place>) -> Vec<(Place, Failure)> {
        self.tried.extend(places.iter().map(|place| place.target));
        let mut places = places.into_iter();
        let (mut outcomes, mut in_a_row) = (Vec::new(), 0);
        let hopeless = loop {
            let Some(place) = places.next() else { break None };
            let outcome = self.attempt(&place).await;
            let failure = outcome.as_ref().err().cloned();
            outcomes.push((place, outcome));
            match failure {
                Some(failure) if failure.is_of_the_instance() => break Some(failure),
                // One of them may be broken by itself. Several in a row are not.
                Some(failure) if failure.server => in_a_row += 1,
                _ => break None,
            }
            if in_a_row == BROKEN && self.client.metadata().await.is_ok() {
                // It answers, so these are broken by themselves, however many there are.
                break None;
            }
            if in_a_row == BROKEN {
                break outcomes.last().and_then(|(_, outcome)| outcome.as_ref().err().cloned());
            }
        };
        if let Some(failure) = hopeless {
            let same = |place: Place| {
                let failure = Failure { subject: place.to_string(), ..failure.clone() };
                (place, Err(failure))
            };
            outcomes.extend(places.map(same));
        } else {
            let this = &*self;
            let attempts = stream::iter(places).map(async |place| {
                let outcome = this.attempt(&place).await;
                (place, outcome)
            });
            outcomes.extend(attempts.buffered(AT_ONCE).collect::<Vec<_>>().await);
        }

        let mut refused = Vec::new();
        for (place, outcome) in outcomes {
            match outcome {
                Ok(InPlace { hook, made_at, changes }) => {
                    // Without these events nothing that is looked at would be told of.
                    let unheard = made_at
                        .filter(|_| self.desired.events.merge_requests)
                        .filter(|made_at| self.desired.delivered_at.is_none_or(|at| at < *made_at));
                    if let (Target::Group(_), Some(made_at)) = (place.target, unheard) {
                        self.unheard.push((place.clone(), hook, made_at));
                    }
                    // What an earlier turn did it also remembered, with the secret of then.
                    if self.progress.of(place.target).is_none() {
                        self.moved = true;
                        self.progress.note(place.target, Ok(hook));
                        self.memory.keep(place.target, hook, &self.digest);
                    }
                    self.changes += changes;
                    self.placed.push(place);
                }
                Err(failure) => {
                    self.progress.note(place.target, Err(failure.clone()));
                    refused.push((place, failure));
                }
            }
        }
        self.put_off(refused)
    }

    /// Has those wait that failed because the time was over; the others are left. A turn that did nothing at all is no turn:
    /// GitLab does not answer.
    fn put_off(&mut self, refused: Vec<(Place, Failure)>) -> Vec<(Place, Failure)> {
        if !(self.moved && self.client.is_out_of_time()) {
            return refused;
        }
        let (cut, left): (Vec<_>, Vec<_>) =
            refused.into_iter().partition(|(_, failure)| failure.transient && !failure.server);
        self.complete &= cut.is_empty();
        self.waiting += cut.len();
        left
    }

    /// Tries the tokens in turn, the one that worked last first; an earlier turn may have done so.
    async fn attempt(&self, place: &Place) -> Result<InPlace, Failure> {
        if let Some(known) = self.progress.of(place.target) {
            return known.clone().map(|hook| InPlace { hook, made_at: None, changes: Changes::default() });
        }
        let managers = &self.desired.managers;
        let lucky = self.lucky.load(Ordering::Relaxed);
        let mut refusal = None;
        for turn in 0..managers.len() {
            let at = (lucky + turn) % managers.len();
            let client = self.client.only(&managers[at]);
            let wanted = self.desired.wanted(self.before.up_to_date(place.target, &self.digest));
            match bring_in_place(&client, place, wanted, &self.desired.secret).await {
                Ok(in_place) => {
                    self.lucky.store(at, Ordering::Relaxed);
                    return Ok(in_place);
                }
                Err(failure) if failure.is_of_the_token() => drop(refusal.get_or_insert(failure)),
                Err(failure) => return Err(failure),
            }
        }
        Err(refusal.unwrap_or_else(|| {
            if let Some(token) = self.desired.powerless.first() {
                return Failure::new(place, reason::INSUFFICIENT_ROLE, lacks_the_scope(token));
            }
            let message = format!("webhooks of {place} need a token with the scope api and {}: give one", place.role());
            Failure::new(place, reason::INSUFFICIENT_ROLE, message)
        }))
    }

    /// Removes our hooks from where none is wanted any more: what left the scope, and what another mode had made.
    async fn drop_stale(&mut self, also: &[Place]) {
        if !self.complete {
            return;
        }
        let remembered = self.before.targets().map(remembered);
        let stale: Vec<_> =
            remembered.chain(also.iter().cloned()).filter(|place| !self.tried.contains(&place.target)).collect();
        for place in stale {
            if let Ok(removed) = clean_up(self.client, self.desired, &place).await {
                self.changes.removed += removed;
                self.memory.forget(place.target);
            }
        }
    }
}

fn is_mute(group: &Place) -> Failure {
    Failure::new(
        group,
        reason::GROUP_HOOKS_UNAVAILABLE,
        format!(
            "GitLab made the webhook of {group} and does not call it, although merge requests are opened: it has no licence for \
             group webhooks (Premium or Ultimate). The mode Auto makes do with webhooks of projects until another mode is set"
        ),
    )
}

const NO_COMMENTS: &str = "the system webhook brings no comments: imports alone find those";

/// Without a licence GitLab makes group hooks and never fires them. Only a delivery proves that they do: a test may be sent past
/// what holds back the others, and once it had arrived it would pass for one of them.
const UNPROVEN: &str = "no delivery has been seen yet: without a Premium licence GitLab never fires group webhooks; where \
                        merge requests are opened and nothing arrives, the mode Auto goes over to webhooks of projects";
