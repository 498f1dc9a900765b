//! What resolvers answer: leaves that borrow from the World, and objects that are resolved further.

use std::rc::Rc;

use jiff::Timestamp;

use crate::world::{
    ApprovalRule, Commit, Deployment, FileStats, Group, Job, Label, Member, MergeRequest, Milestone, Note, Pipeline,
    Position, Project, Sha, User,
};

use super::order::Order;

/// The answer of a resolver.
#[derive(Clone, Debug)]
pub(crate) enum Value<'w> {
    /// Absent, or not for this caller.
    Null,
    /// A boolean.
    Bool(bool),
    /// An `Int`.
    Int(i64),
    /// A `Float`.
    Float(f64),
    /// A string of the World, or an enum value.
    Str(&'w str),
    /// A string made for this answer.
    Text(String),
    /// A number that GitLab sends as a string, such as an iid.
    Digits(i64),
    /// A global ID: model and number.
    Gid(&'static str, i64),
    /// A time, to the second.
    Time(Timestamp),
    /// A commit's name.
    Sha(Sha),
    /// Several.
    List(Vec<Value<'w>>),
    /// The nodes of a page.
    Nodes(Rc<Connection<'w>>),
    /// Something with fields.
    Object(Object<'w>),
    /// Refused, with GitLab's words: null, and an error says so.
    Refused(String),
}

/// Something with fields.
#[derive(Clone, Debug)]
pub(crate) enum Object<'w> {
    Query,
    Project(&'w Project),
    Repository(&'w Project),
    Group(&'w Group),
    MergeRequest(&'w MergeRequest),
    User(Person<'w>),
    Interaction(&'w User, &'w MergeRequest),
    Note(&'w Note, &'w MergeRequest),
    Discussion(Rc<Thread<'w>>),
    Position(&'w Position),
    FileStats(&'w FileStats),
    Commit(&'w Commit, &'w Project),
    Label(&'w Label),
    Milestone(&'w Milestone),
    Pipeline(&'w Pipeline),
    Job(&'w Job, &'w Pipeline),
    /// The jobs of a pipeline that run at the same time, by the stage's name.
    Stage(&'w Pipeline, &'w str),
    Deployment(&'w Deployment),
    ApprovalRule(Rule<'w>),
    Member(Membership<'w>),
    Connection(Rc<Connection<'w>>),
    Edge(Rc<Connection<'w>>, usize),
    PageInfo(Rc<Connection<'w>>),
    /// A small thing whose fields are all known.
    Record(Rc<[(&'static str, Value<'w>)]>),
}

/// A user, perhaps seen as someone who takes part in a merge request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person<'w> {
    pub(crate) user: &'w User,
    pub(crate) of: Option<&'w MergeRequest>,
}

/// An approval rule of a merge request. The World makes the one for any approver when it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Rule<'w> {
    pub(crate) of: &'w MergeRequest,
    pub(crate) terms: Rc<ApprovalRule>,
}

/// A thread of notes, those that the caller sees.
#[derive(Debug)]
pub(crate) struct Thread<'w> {
    pub(crate) merge_request: &'w MergeRequest,
    pub(crate) notes: Vec<&'w Note>,
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Connection<'w> {
    pub(crate) nodes: Vec<Object<'w>>,
    pub(crate) has_next: bool,
    pub(crate) has_previous: bool,
    /// All rows, of all pages; only reckoned when asked for.
    pub(crate) count: usize,
    /// Seconds from creation to merge, over all merged rows of a list of merge requests.
    pub(crate) time_to_merge: Option<f64>,
    pub(crate) order: Order,
    /// The number of the first node, in numbered lists.
    pub(crate) first: usize,
}

/// Where a membership was given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'w> {
    Group(&'w Group),
    Project(&'w Project),
}

/// A membership as one caller sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Membership<'w> {
    pub(crate) member: &'w Member,
    pub(crate) role: crate::world::Role,
    pub(crate) source: Source<'w>,
}

impl Membership<'_> {
    /// GitLab numbers memberships; the World does not, so the number is made of who and where.
    pub(crate) fn id(&self) -> i64 {
        let source = match self.source {
            Source::Group(group) => group.id * 2,
            Source::Project(project) => project.id * 2 + 1,
        };
        source * 1_000_003 + self.member.user
    }
}

impl<'w> Object<'w> {
    /// A small thing whose fields are all known.
    pub(crate) fn record<const N: usize>(fields: [(&'static str, Value<'w>); N]) -> Object<'w> {
        Object::Record(Rc::new(fields))
    }

    /// The name of the type, where a field's own type leaves it open.
    pub(crate) fn type_name(&self) -> Option<&'static str> {
        match self {
            Object::Member(Membership { source, .. }) => Some(match source {
                Source::Group(_) => "GroupMember",
                Source::Project(_) => "ProjectMember",
            }),
            _ => None,
        }
    }
}

impl<'w> Value<'w> {
    /// A string of the World, or null.
    pub(crate) fn str(text: Option<&'w str>) -> Value<'w> {
        text.map_or(Value::Null, Value::Str)
    }

    /// A time, or null.
    pub(crate) fn time(at: Option<Timestamp>) -> Value<'w> {
        at.map_or(Value::Null, Value::Time)
    }

    /// An object, or null.
    pub(crate) fn object(object: Option<Object<'w>>) -> Value<'w> {
        object.map_or(Value::Null, Value::Object)
    }

    /// A count.
    pub(crate) fn count(count: usize) -> Value<'w> {
        Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// A small thing whose fields are all known.
    pub(crate) fn record<const N: usize>(fields: [(&'static str, Value<'w>); N]) -> Value<'w> {
        Value::Object(Object::record(fields))
    }
}
