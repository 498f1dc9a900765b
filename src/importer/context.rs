//! What all parts of a run share.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::gitlab::queries::merge_requests::{self, Document, Root};
use crate::gitlab::queries::{DEFAULT_COMPLEXITY_LIMIT, Dialect, MAX_PAGE};
use crate::gitlab::{self, Class, Client};
use crate::store::rows::User;
use crate::store::{self, Batch, Store};

use super::{Error, Progress, Scope, Settings};

/// People remembered as stored before the memory is emptied: a few megabytes at most.
const MOST_USERS: usize = 100_000;

/// The cheapest question there is.
const ALIVE: &str = "query Alive { __typename }";

/// The longest wait between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long a run tries, and who may end that.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    patience: Duration,
    stop: CancellationToken,
}

impl Limits {
    pub(super) fn new(settings: &Settings, stop: &CancellationToken) -> Limits {
        Limits { patience: Duration::try_from(settings.patience).unwrap_or_default(), stop: stop.clone() }
    }

    /// Asks the database, and again while it is away, as long as the run's patience lasts.
    pub(super) async fn patiently<T, F>(&self, operation: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, store::Error>>,
    {
        let mut patience = Patience::new();
        loop {
            let error = match operation().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if !error.is_transient() || !patience.wait_within(self).await? {
                return Err(error.into());
            }
            tracing::warn!(%error, "the database was away, trying again");
        }
    }

    /// Waits, unless the run is to stop.
    async fn pause(&self, pause: Duration) -> Result<(), Error> {
        tokio::select! {
            () = self.stop.cancelled() => Err(Error::Stopped),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }
}

/// Waits between tries, ever longer, until the run's patience is at its end.
#[derive(Debug)]
pub(super) struct Patience {
    begun: Instant,
    pause: Duration,
}

impl Patience {
    pub(super) fn new() -> Patience {
        Patience { begun: Instant::now(), pause: Duration::from_millis(100) }
    }

    /// Waits before the next try. False where there should be none.
    pub(super) async fn wait(&mut self, ctx: &Context) -> Result<bool, Error> {
        self.wait_within(&ctx.limits).await
    }

    async fn wait_within(&mut self, limits: &Limits) -> Result<bool, Error> {
        if self.begun.elapsed() >= limits.patience {
            return Ok(false);
        }
        limits.pause(self.pause).await?;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(true)
    }
}

/// The queries for pages of merge requests.
pub(super) struct Pages {
    /// With all that fits.
    pub(super) full: Document,
    /// Without notes and commits, for servers to which that is too much.
    pub(super) lean: Document,
    /// Nothing but which one comes next.
    pub(super) next: String,
}

impl Pages {
    fn new(dialect: Dialect, parts: merge_requests::Parts, root: Root) -> Pages {
        let lean = merge_requests::Parts { reviews: false, commits: false, ..parts };
        Pages {
            full: merge_requests::page(dialect, parts, root),
            lean: merge_requests::page(dialect, lean, root),
            next: merge_requests::next_place(root),
        }
    }
}

/// The server, the database, and what the run knows about both.
pub(super) struct Context {
    pub(super) client: Client,
    /// The same for each of the users behind its tokens.
    pub(super) views: Vec<Client>,
    pub(super) store: Store,
    pub(super) settings: Settings,
    /// The worker's name, with what tells this life of it from others: two processes of one name must not undo each other.
    pub(super) worker: String,
    pub(super) progress: Progress,
    pub(super) stop: CancellationToken,
    /// Told by the planner whenever there are tasks to claim.
    pub(super) new_tasks: Notify,
    pub(super) dialect: Dialect,
    pub(super) parts: merge_requests::Parts,
    /// The queries for pages of a project's merge requests.
    pub(super) pages: Pages,
    /// The same for those of a group.
    pub(super) changes: Pages,
    /// The query for some merge requests by their iids.
    pub(super) by_iids: Document,
    /// What a query may cost; all projects learn it from each other.
    complexity_limit: AtomicU32,
    /// The largest page that the server took, where it counts in another way than we do.
    page_cap: AtomicU32,
    /// What was stored of whom, so that the same people are not written again with every page.
    users: Mutex<HashMap<i64, u64>>,
    limits: Limits,
    begun: Instant,
    /// When GitLab last answered for any project, in milliseconds since the run began.
    answered_ms: AtomicU64,
}

impl Context {
    /// Asks the server for its version, on which the queries depend.
    pub(super) async fn new(
        client: &Client,
        store: &Store,
        settings: &Settings,
        progress: Progress,
        stop: CancellationToken,
    ) -> Result<Context, Error> {
        let metadata = tokio::select! {
            () = stop.cancelled() => return Err(Error::Stopped),
            metadata = client.recent_metadata() => metadata,
        };
        let dialect = match metadata {
            Ok(metadata) => Dialect::of(&metadata.version, metadata.is_enterprise())?,
            // Every server that is supported understands the words of the oldest.
            Err(error) if error.class() == Class::Hidden => Dialect::OLDEST,
            Err(error) => return Err(error.into()),
        };
        let parts = merge_requests::Parts {
            reviews: settings.resources.reviews,
            commits: settings.resources.commits,
            text: settings.text,
        };
        let Scope { include_subgroups: subgroups, include_archived: archived, .. } = settings.scope;
        let pages = Pages::new(dialect, parts, Root::Project);
        let changes = Pages::new(dialect, parts, Root::Group { subgroups, archived });
        let mut settings = settings.clone();
        let back = settings.lookback.and_then(|lookback| Timestamp::now().checked_sub(lookback).ok());
        // GitLab tells whole seconds: with a fraction, what it lists would not be what it says it lists.
        settings.since =
            settings.since.max(back).map(|since| Timestamp::from_second(since.as_second()).unwrap_or(since));
        let client = client.with_patience(gitlab::Patience::importing());
        Ok(Context {
            views: client.views().await,
            client,
            store: store.clone(),
            limits: Limits::new(&settings, &stop),
            worker: format!("{}#{:08x}", settings.worker, fastrand::u32(..)),
            settings,
            progress,
            stop,
            new_tasks: Notify::new(),
            dialect,
            parts,
            by_iids: merge_requests::by_iids(dialect, parts),
            pages,
            changes,
            complexity_limit: AtomicU32::new(DEFAULT_COMPLEXITY_LIMIT),
            page_cap: AtomicU32::new(MAX_PAGE),
            users: Mutex::default(),
            begun: Instant::now(),
            answered_ms: AtomicU64::new(0),
        })
    }

    /// The client restricted to some tokens; to all of them where none is named, or the pool has none of these any more.
    pub(super) fn client_among(&self, tokens: &[String]) -> Client {
        let some = self.client.among(tokens);
        if some.token_names().is_empty() { self.client.clone() } else { some }
    }

    /// How long to wait for what fails.
    pub(super) fn patience(&self) -> Duration {
        self.limits.patience
    }

    /// GitLab answered a request for merge requests.
    pub(super) fn gitlab_answered(&self) {
        self.answered_ms.store(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Whether GitLab answered any such request lately.
    pub(super) fn answered_within(&self, time: Duration) -> bool {
        let answered = Duration::from_millis(self.answered_ms.load(Relaxed));
        !answered.is_zero() && self.begun.elapsed().saturating_sub(answered) < time
    }

    /// The largest page to ask for.
    pub(super) fn page_cap(&self, pages: &Pages) -> u32 {
        pages.full.largest_page(self.complexity_limit.load(Relaxed)).min(self.page_cap.load(Relaxed))
    }

    /// What a query may cost.
    pub(super) fn complexity_limit(&self) -> u32 {
        self.complexity_limit.load(Relaxed)
    }

    /// The server said what a query may cost.
    pub(super) fn learn_limit(&self, limit: u32) {
        self.complexity_limit.store(limit, Relaxed);
    }

    /// A page of `size` cost too much, though it should have fitted: the server counts in another way.
    pub(super) fn too_complex(&self, size: u32, limit: Option<u32>) {
        if let Some(limit) = limit {
            self.complexity_limit.fetch_min(limit, Relaxed);
        }
        self.page_cap.fetch_min((size / 2).max(1), Relaxed);
    }

    /// Commits a batch, without the people that are stored already, and again while the database is away.
    pub(super) async fn commit(&self, mut batch: Batch) -> Result<(), Error> {
        let new_users = self.forget_known_users(&mut batch.users);
        let source = self.settings.source;
        self.patiently(|| self.store.commit(source, &batch)).await?;
        let mut known = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + new_users.len() > MOST_USERS {
            known.clear();
        }
        known.extend(new_users);
        Ok(())
    }

    /// Asks the database, and again while it is away, as long as the run's patience lasts.
    pub(super) async fn patiently<T, F>(&self, operation: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, store::Error>>,
    {
        self.limits.patiently(operation).await
    }

    /// Asks GitLab, and again while it is in trouble. That a query takes it too long is for the caller to cure.
    pub(super) async fn persist<T, F>(&self, request: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, gitlab::Error>>,
    {
        let mut patience = Patience::new();
        loop {
            let error = match self.or_stop(request()).await {
                Err(Error::GitLab(error)) => error,
                other => return other,
            };
            if error.class() == Class::TooBig || !error.is_transient() || !patience.wait(self).await? {
                return Err(error.into());
            }
        }
    }

    /// Waits, unless the run is to stop.
    pub(super) async fn pause(&self, pause: Duration) -> Result<(), Error> {
        self.limits.pause(pause).await
    }

    /// Whether GitLab answers the cheapest question there is: then what failed is the question's own trouble.
    pub(super) async fn is_alive(&self) -> bool {
        let alive = self.or_stop(self.client.graphql::<IgnoredAny>(ALIVE, &json!({}))).await;
        alive.is_ok_and(|answer| answer.errors.is_empty())
    }

    /// The answer to a request, unless the run is to stop.
    pub(super) async fn or_stop<T>(&self, request: impl Future<Output = Result<T, gitlab::Error>>) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Error::Stopped),
            answer = request => Ok(answer?),
        }
    }

    /// Leaves only people who are new or changed, and returns what to remember of them once they are stored.
    fn forget_known_users(&self, users: &mut Vec<User>) -> Vec<(i64, u64)> {
        let known = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = Vec::new();
        users.retain(|user| {
            let print = fingerprint(user);
            let is_new = known.get(&user.id) != Some(&print);
            if is_new {
                fresh.push((user.id, print));
            }
            is_new
        });
        fresh
    }
}

fn fingerprint(user: &User) -> u64 {
    let User { id, username, name, state, bot, web_url, public_email, created_at } = user;
    let mut hasher = DefaultHasher::new();
    (id, username, name, state, bot, web_url, public_email, created_at).hash(&mut hasher);
    hasher.finish()
}
