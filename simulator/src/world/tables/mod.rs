//! The World's tables: looking things up, and putting them in with their indexes.

mod delivery;
mod groups;
mod keys;
mod places;
mod planning;
mod work;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::approval_rule::FIRST_RULE;
use super::archive::Archive;
use super::list_cache::ListCache;
use super::{Clock, Settings, User, UserKind, UserState, World};

/// What makes a project's merge requests quick to find.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProjectIndex {
    /// By number.
    pub(crate) by_iid: BTreeMap<i64, i64>,
    /// By (updated_at, id): the order of GraphQL's `UPDATED_ASC`.
    pub(crate) by_updated: BTreeSet<(Timestamp, i64)>,
    /// Ids of pipelines, oldest first.
    pub(crate) pipelines: Vec<i64>,
    /// Ids of deployments, oldest first.
    pub(crate) deployments: Vec<i64>,
    /// Issues by number.
    pub(crate) issues: BTreeMap<i64, i64>,
}

impl Default for World {
    fn default() -> World {
        World::new()
    }
}

impl World {
    /// An empty GitLab, with `root` (an administrator) and the ghost.
    #[must_use]
    pub fn new() -> World {
        let mut world = World {
            settings: Settings::default(),
            clock: Clock::Real(SignedDuration::ZERO),
            next_id: HashMap::new(),
            users: BTreeMap::new(),
            users_by_name: HashMap::new(),
            groups: BTreeMap::new(),
            groups_by_path: HashMap::new(),
            subgroups: HashMap::new(),
            projects: BTreeMap::new(),
            projects_by_path: HashMap::new(),
            moved_paths: HashMap::new(),
            projects_of_group: HashMap::new(),
            project_index: HashMap::new(),
            labels: BTreeMap::new(),
            milestones: BTreeMap::new(),
            issues: BTreeMap::new(),
            archive: Archive::empty(),
            merge_requests: BTreeMap::new(),
            merge_request_of_note: HashMap::new(),
            pipelines: BTreeMap::new(),
            environments: BTreeMap::new(),
            deployments: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            tokens: BTreeMap::new(),
            tokens_by_secret: HashMap::new(),
            hooks: BTreeMap::new(),
            outbox: Vec::new(),
            backups: BTreeMap::new(),
            list_cache: ListCache::default(),
            webhook_calls: HashMap::new(),
            hook_tests: HashMap::new(),
        };
        let long_ago = "2020-01-01T00:00:00Z".parse().unwrap_or(Timestamp::UNIX_EPOCH);
        for (username, kind, admin) in [("root", UserKind::Human, true), ("ghost", UserKind::Ghost, false)] {
            let id = world.next_id("user");
            world.insert_user(User {
                id,
                username: username.to_owned(),
                name: if admin { "Administrator" } else { "Ghost User" }.to_owned(),
                email: format!("{username}@example.com"),
                public_email: None,
                state: UserState::Active,
                kind,
                admin,
                created_at: long_ago,
                last_activity_on: None,
                provisioned_by: None,
            });
        }
        world.start_ids_at("approval_rule", FIRST_RULE);
        world
    }

    /// The next free id of a kind of thing.
    pub(crate) fn next_id(&mut self, kind: &'static str) -> i64 {
        let id = self.next_id.entry(kind).or_insert(0);
        *id += 1;
        *id
    }

    /// Lets the ids of a kind of thing start higher, beyond 2^31 for instance.
    ///
    /// Kinds: `user`, `namespace` (groups), `project`, `merge_request`, `note`, `label`, `hook`, `hook_event`, `token`, `pipeline`,
    /// `job`, `environment`, `deployment`, `state_event`, `label_event`, `milestone_event`, `diff_version`.
    pub fn start_ids_at(&mut self, kind: &'static str, first: i64) {
        self.next_id.insert(kind, first - 1);
    }
}
