//! Who plans a run: reads what changed in known groups, has the scope walked where that is due, and gives out tasks.
//!
//! Committed page by page. To plan twice does no harm, so a planner may die anywhere.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::gitlab::Client;
use crate::gitlab::queries::scope::Project;
use crate::store::{Batch, KnownProject, NewTask, PlanClaim, Run};

use super::belongings::{self, Tail};
use super::context::Context;
use super::plan::Filter;
use super::read_to::ReadTo;
use super::rows::Rows;
use super::sights::Sights;
use super::standing::Walked;
use super::{Error, Settings};

/// How long another worker waits before it plans in the place of one that has said nothing.
const PLAN_LEASE: SignedDuration = SignedDuration::from_mins(5);

/// Tasks to store at once where all of them are known.
const TASKS_AT_ONCE: usize = 500;

/// How often to look whether another worker's plan is there.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Whoever plans a run.
pub(super) struct Planner<'a> {
    pub(super) ctx: &'a Context,
    pub(super) run: &'a Run,
    pub(super) filter: Filter,
    pub(super) walked: Walked,
    /// Projects that the scope names, as far as they were met.
    pub(super) singles: Vec<i64>,
    /// Labels and members to be read to their ends once all tasks are given out.
    pub(super) tails: Vec<Tail>,
    /// Which user's tokens look at the scope now, of `ctx.views`.
    pub(super) user: usize,
    pub(super) sights: Sights,
    /// Projects that need a task, while nobody knows who is to read them.
    pub(super) wanted: HashSet<i64>,
    /// References of the scope that were found.
    pub(super) found: HashSet<String>,
    /// Projects that are stored.
    pub(super) known: HashMap<i64, KnownProject>,
    /// Merge requests that are stored of each, once a walk begins.
    pub(super) stored: HashMap<i64, i64>,
    /// What earlier runs have read.
    pub(super) read_to: ReadTo,
    /// Whether each project that is met gets a task.
    pub(super) one_by_one: bool,
    /// Changes that were read already, by project.
    pub(super) changed: HashMap<i64, i64>,
}

impl<'a> Planner<'a> {
    pub(super) async fn new(ctx: &'a Context, run: &'a Run) -> Result<Planner<'a>, Error> {
        let filter = Filter::new(&ctx.settings.scope)?;
        let source = ctx.settings.source;
        let known = ctx.patiently(|| ctx.store.known_projects(source)).await?;
        let read_to = ctx.patiently(|| ReadTo::load(&ctx.store, source)).await?;
        Ok(Planner {
            ctx,
            run,
            filter,
            singles: Vec::new(),
            tails: Vec::new(),
            user: 0,
            sights: Sights::default(),
            wanted: HashSet::new(),
            walked: Walked { subgroups: ctx.settings.scope.include_subgroups, ..Walked::default() },
            found: HashSet::new(),
            known: known.into_iter().map(|project| (project.id, project)).collect(),
            stored: HashMap::new(),
            read_to,
            one_by_one: run.full,
            changed: HashMap::new(),
        })
    }

    /// Plans the run, or waits while another worker does.
    pub(super) async fn plan(mut self) -> Result<(), Error> {
        loop {
            match self.claim().await? {
                PlanClaim::Planned => return Ok(()),
                PlanClaim::Elsewhere => self.ctx.pause(LOOK_AGAIN).await?,
                PlanClaim::Mine => {
                    let (ctx, run) = (self.ctx, self.run);
                    return tokio::select! {
                        read = self.read() => read,
                        never = keep_claim(ctx, run) => match never {},
                    };
                }
            }
        }
    }

    pub(super) async fn claim(&self) -> Result<PlanClaim, Error> {
        self.ctx.patiently(|| self.ctx.store.claim_plan(self.run.id, &self.ctx.worker, PLAN_LEASE)).await
    }

    /// Reads what changed in known groups, and walks the scope where that is due: what it meets is there to be read.
    async fn read(&mut self) -> Result<(), Error> {
        let (ctx, full) = (self.ctx, self.run.full);
        let Settings { source, scope, walk_interval, .. } = &ctx.settings;
        let (as_walked, now) = (format!("{scope:?}"), ctx.client.server_now());
        if full {
            self.read_to.groups.clear();
        }
        // Who sees most of a project only a walk can tell.
        let due = full || ctx.views.len() > 1 || self.read_to.walk_is_due(&as_walked, *walk_interval, now);
        let once_more = if due { self.read_to.read_once_more() } else { None };
        let groups = self.read_to.groups.len();
        self.changes(once_more).await?;
        let is_lost = self.read_to.groups.len() < groups;
        if due || is_lost {
            self.stored = ctx.patiently(|| ctx.store.stored_counts(*source)).await?;
            self.walk().await?;
            self.read_to.walked(&as_walked, now);
        } else {
            self.open_ends().await?;
        }
        // Tasks come first: a project that has one is not done because some changes of it are stored.
        self.commit_changed().await?;
        // Merge requests are being read meanwhile.
        belongings::read_tails(ctx, std::mem::take(&mut self.tails)).await?;
        self.forks().await?;
        self.later_lists(due || is_lost).await?;
        let by_group = !self.read_to.groups.is_empty();
        let opening = scope.groups.iter().filter(|group| !self.read_to.groups.contains_key(*group));
        let opening: Vec<String> = opening.cloned().collect();
        self.read_to.opens(self.run, opening, now);
        self.save_read_to().await?;
        let planned = Batch { run_id: Some(self.run.id), planned: true, by_group, ..Batch::default() };
        ctx.commit(planned).await?;
        ctx.new_tasks.notify_one();
        Ok(())
    }

    pub(super) async fn save_read_to(&self) -> Result<(), Error> {
        let (store, source) = (&self.ctx.store, self.ctx.settings.source);
        self.ctx.patiently(|| self.read_to.save(store, source)).await
    }

    /// Tasks for known projects that need one: those of which something is missing, and those that are in no group.
    async fn open_ends(&mut self) -> Result<(), Error> {
        let singles = &self.ctx.settings.scope.projects;
        let is_single = |one: &KnownProject| {
            singles.iter().any(|single| single.eq_ignore_ascii_case(&one.path) || *single == one.id.to_string())
        };
        let wanted = self.known.values().filter(|one| one.followed && (one.open || is_single(one)));
        let wanted = wanted.filter(|one| self.ctx.settings.scope.include_archived || one.archived != Some(true));
        let tasks: Vec<NewTask> = wanted.map(|one| self.task(one.id, 0, &[])).collect();
        self.give_out(&tasks).await
    }

    /// Stores tasks, in handy portions.
    pub(super) async fn give_out(&self, tasks: &[NewTask]) -> Result<(), Error> {
        for tasks in tasks.chunks(TASKS_AT_ONCE) {
            self.commit(Rows::default(), tasks.to_vec()).await?;
        }
        Ok(())
    }

    /// Whether a project is to be read by itself: what changed in its group is not enough.
    pub(super) fn needs_task(&self, project: &Project, count: i64) -> bool {
        // That merge requests are switched off is said of each project.
        if self.one_by_one || project.merge_requests_enabled == Some(false) {
            return true;
        }
        let Some(known) = self.known.get(&project.id) else { return true };
        // With a limit in time, fewer are stored than there are.
        let is_short = self.ctx.settings.since.is_none() && self.stored_of(project.id) < count;
        known.open || !known.followed || known.unreadable || is_short || self.shows_none(project.id, count)
    }

    /// Whether GitLab lists nothing of a project that has something: then it is hidden, or all of it was deleted.
    pub(super) fn shows_none(&self, project: i64, count: i64) -> bool {
        count == 0 && self.stored_of(project) > 0
    }

    fn stored_of(&self, project: i64) -> i64 {
        self.stored.get(&project).copied().unwrap_or(0)
    }

    /// A task for a project with so many merge requests, to be read by some users' tokens.
    pub(super) fn task(&self, project_id: i64, count: i64, users: &[usize]) -> NewTask {
        let tokens = users.iter().filter_map(|user| self.ctx.views.get(*user)).flat_map(Client::token_names).collect();
        // Of one that was read before nobody knows how many have changed.
        let read_before = self.known.get(&project_id).is_some_and(|known| known.since.is_some());
        let expected = if read_before && !self.run.full { 0 } else { count };
        NewTask { project_id, expected, tokens, read: None }
    }

    pub(super) fn view(&self) -> &'a Client {
        self.ctx.views.get(self.user).unwrap_or(&self.ctx.client)
    }

    pub(super) async fn commit(&self, rows: Rows, tasks: Vec<NewTask>) -> Result<(), Error> {
        let expected = tasks.iter().map(|task| task.expected.unsigned_abs()).sum();
        let new_tasks = tasks.len() as u64;
        let batch =
            Batch { as_of: Some(Timestamp::now()), run_id: Some(self.run.id), plan: tasks, ..rows.into_batch() };
        self.ctx.commit(batch).await?;
        self.ctx.progress.planned(new_tasks, expected);
        self.ctx.new_tasks.notify_one();
        // Says that this worker is still at it.
        self.claim().await.map(drop)
    }
}

/// Says again and again that this worker is at it: a rate limit may hold it up for longer than its claim lasts.
async fn keep_claim(ctx: &Context, run: &Run) -> Infallible {
    loop {
        tokio::time::sleep(Duration::try_from(PLAN_LEASE).unwrap_or_default() / 3).await;
        if let Err(error) = ctx.store.claim_plan(run.id, &ctx.worker, PLAN_LEASE).await {
            tracing::warn!(%error, "cannot extend the claim of the plan");
        }
    }
}
