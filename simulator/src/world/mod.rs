//! The state of a GitLab: what there is, who may see it, and what time it is.
//!
//! Entities are plain data that refer to each other by id; the World keeps them with the indexes that make reads cheap.
//! Merge requests own their notes, commits and approvals, so that one look-up brings everything a page needs.

mod access;
mod approval_rule;
mod archive;
mod award;
mod backup;
mod branch;
mod builder;
mod commit;
mod company;
mod create;
mod deed;
mod diff_version;
mod draft_note;
mod generate;
mod group;
mod hook;
mod issue;
mod label;
mod list_cache;
mod merge_request;
mod mergeability;
mod milestone;
mod note;
mod outbox;
mod owner;
mod payload;
mod pipeline;
mod planning;
mod project;
mod push;
mod refs;
mod resource_event;
mod role;
mod settings;
mod shipping;
mod subscription;
mod tables;
mod token;
mod trial;
mod user;

mod verbs;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub use approval_rule::{ApprovalRule, RuleKind};
pub use archive::{Along, Sketch, Stretch};
pub use award::Award;
pub use branch::{Branch, Release, Tag};
pub use builder::{GroupBuilder, MergeRequestBuilder, ProjectBuilder, TokenBuilder};
pub use commit::{Commit, Sha};
pub use company::Scale;
pub use deed::{Deed, DeedKind};
pub use diff_version::DiffVersion;
pub use draft_note::DraftNote;
pub use generate::Size;
pub use group::Group;
pub use hook::{EVENTS, GROUP_EVENTS, Hook, HookEvent, HookTarget};
pub use issue::{Issue, IssueKind};
pub use label::Label;
pub use merge_request::{Approval, FileChange, FileStats, MergeRequest, MergeRequestState, ReviewState, Reviewer};
pub use milestone::{Milestone, Timebox};
pub use note::{Note, NoteKind, Position, SystemAction};
pub use outbox::Outgoing;
pub use owner::Owner;
pub use pipeline::{Deployment, DetailedStatus, Environment, Job, JobKind, Pipeline};
pub use project::{Namespace, Project};
pub use push::Push;
pub use resource_event::{MarkEvent, StateEvent};
pub use role::{Feature, Member, Role, Visibility};
pub use settings::{Clock, Edition, Settings, Version};
pub use subscription::{Star, Subscribable};
pub use token::{AuthError, Caller, NO_FINE_GRAINED, Scope, Token, TokenKind};
pub use user::{User, UserKind, UserState};
pub use verbs::{Edit, Happening, Opening};

use archive::Archive;
use tables::ProjectIndex;

/// The state of a GitLab.
#[derive(Clone, Debug)]
pub struct World {
    /// Edition, version, limits.
    pub settings: Settings,
    /// What time it is.
    pub clock: Clock,
    next_id: HashMap<&'static str, i64>,
    users: BTreeMap<i64, User>,
    users_by_name: HashMap<String, i64>,
    groups: BTreeMap<i64, Group>,
    groups_by_path: HashMap<String, i64>,
    subgroups: HashMap<i64, Vec<i64>>,
    projects: BTreeMap<i64, Project>,
    projects_by_path: HashMap<String, i64>,
    moved_paths: HashMap<String, i64>,
    projects_of_group: HashMap<i64, Vec<i64>>,
    project_index: HashMap<i64, ProjectIndex>,
    labels: BTreeMap<i64, Label>,
    milestones: BTreeMap<i64, Milestone>,
    issues: BTreeMap<i64, Issue>,
    /// What nobody touched since it was generated; all else is held below.
    archive: Archive,
    merge_requests: BTreeMap<i64, MergeRequest>,
    merge_request_of_note: HashMap<i64, i64>,
    pipelines: BTreeMap<i64, Pipeline>,
    environments: BTreeMap<i64, Environment>,
    deployments: BTreeMap<i64, Deployment>,
    /// What users want to hear of, or not, by hand.
    subscriptions: BTreeMap<(Subscribable, i64), bool>,
    tokens: BTreeMap<i64, Token>,
    tokens_by_secret: HashMap<String, i64>,
    hooks: BTreeMap<i64, Hook>,
    outbox: Vec<Outgoing>,
    backups: BTreeMap<String, World>,
    list_cache: list_cache::ListCache,
    webhook_calls: HashMap<i64, (i64, u32)>,
    hook_tests: HashMap<(i64, HookTarget, &'static str), (i64, u32)>,
}

impl World {
    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What day it is.
    #[must_use]
    pub fn today(&self) -> Date {
        self.now().to_zoned(TimeZone::UTC).date()
    }

    /// The web address of a path below the root.
    #[must_use]
    pub fn web_url(&self, path: &str) -> String {
        format!("{}/{path}", self.settings.url)
    }
}
