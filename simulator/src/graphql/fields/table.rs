//! The table of resolvers: which function answers which field.

use std::rc::Rc;

use crate::world::{
    Deployment, FileStats, Group, Job, Label, MergeRequest, Milestone, Note, Pipeline, Position, Project, User,
};

use super::kit::{On, OnThread, Within};
use super::{
    approval, commit, deployment, group, job, label, list, member, merge_request, milestone, note, pipeline, project,
    query, repository, user,
};
use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::value::{Connection, Membership, Object, Person, Value};

/// How a field is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resolve {
    /// `__typename`
    TypeName,
    /// `__schema` and `__type`, and all below them
    Introspection,
    /// A field that this server is too old for.
    Later,
    /// A field of a record.
    Record,
    Query(for<'w> fn(&Context<'w>, &Arguments) -> Value<'w>),
    Project(On<Project>),
    Repository(On<Project>),
    Group(On<Group>),
    MergeRequest(On<MergeRequest>),
    User(for<'w> fn(&Context<'w>, Person<'w>, &Arguments) -> Value<'w>),
    Interaction(Within<User, MergeRequest>),
    Note(Within<Note, MergeRequest>),
    Discussion(OnThread),
    Position(On<Position>),
    FileStats(On<FileStats>),
    Commit(commit::OnCommit),
    Label(On<Label>),
    Milestone(On<Milestone>),
    Stage(pipeline::OnStage),
    Pipeline(On<Pipeline>),
    Job(Within<Job, Pipeline>),
    Deployment(On<Deployment>),
    ApprovalRule(approval::OnRule),
    Member(for<'w> fn(&Context<'w>, Membership<'w>, &Arguments) -> Value<'w>),
    Connection(for<'w> fn(&Rc<Connection<'w>>, &Arguments) -> Value<'w>),
    Edge(for<'w> fn(&Connection<'w>, usize) -> Value<'w>),
    PageInfo(for<'w> fn(&Connection<'w>) -> Value<'w>),
}

impl Resolve {
    /// Whether this server is too old for the field.
    pub(crate) fn is_later(&self) -> bool {
        matches!(self, Resolve::Later)
    }

    /// Answers the field for one object.
    pub(crate) fn call<'w>(
        &self,
        ctx: &Context<'w>,
        object: &Object<'w>,
        name: &str,
        arguments: &Arguments,
    ) -> Value<'w> {
        match (self, object) {
            (Resolve::Query(resolve), Object::Query) => resolve(ctx, arguments),
            (Resolve::Project(resolve), Object::Project(project)) => resolve(ctx, project, arguments),
            (Resolve::Repository(resolve), Object::Repository(project)) => resolve(ctx, project, arguments),
            (Resolve::Group(resolve), Object::Group(group)) => resolve(ctx, group, arguments),
            (Resolve::MergeRequest(resolve), Object::MergeRequest(merge_request)) => {
                resolve(ctx, merge_request, arguments)
            }
            (Resolve::User(resolve), Object::User(person)) => resolve(ctx, *person, arguments),
            (Resolve::Interaction(resolve), Object::Interaction(user, of)) => resolve(ctx, user, of),
            (Resolve::Note(resolve), Object::Note(note, of)) => resolve(ctx, note, of),
            (Resolve::Discussion(resolve), Object::Discussion(thread)) => resolve(ctx, thread, arguments),
            (Resolve::Position(resolve), Object::Position(position)) => resolve(ctx, position, arguments),
            (Resolve::FileStats(resolve), Object::FileStats(file)) => resolve(ctx, file, arguments),
            (Resolve::Commit(resolve), Object::Commit(commit, of)) => resolve(ctx, commit, of, arguments),
            (Resolve::Label(resolve), Object::Label(label)) => resolve(ctx, label, arguments),
            (Resolve::Milestone(resolve), Object::Milestone(milestone)) => resolve(ctx, milestone, arguments),
            (Resolve::Stage(resolve), Object::Stage(of, name)) => resolve(ctx, of, name, arguments),
            (Resolve::Pipeline(resolve), Object::Pipeline(pipeline)) => resolve(ctx, pipeline, arguments),
            (Resolve::Job(resolve), Object::Job(job, of)) => resolve(ctx, job, of),
            (Resolve::Deployment(resolve), Object::Deployment(deployment)) => resolve(ctx, deployment, arguments),
            (Resolve::ApprovalRule(resolve), Object::ApprovalRule(rule)) => resolve(ctx, rule, arguments),
            (Resolve::Member(resolve), Object::Member(member)) => resolve(ctx, *member, arguments),
            (Resolve::Connection(resolve), Object::Connection(page)) => resolve(page, arguments),
            (Resolve::Edge(resolve), Object::Edge(page, index)) => resolve(page, *index),
            (Resolve::PageInfo(resolve), Object::PageInfo(page)) => resolve(page),
            (Resolve::Record, Object::Record(fields)) => {
                let field = fields.iter().find(|(known, _)| *known == name);
                field.map_or(Value::Null, |(_, value)| value.clone())
            }
            _ => Value::Null,
        }
    }
}

/// The resolver of a field; fields of small things are looked up in their record.
pub(crate) fn resolver(type_name: &str, field: &str) -> Resolve {
    if field == "__typename" {
        return Resolve::TypeName;
    }
    if field.starts_with("__") || type_name.starts_with("__") {
        return Resolve::Introspection;
    }
    let found = match type_name {
        "Query" => query::field(field).map(Resolve::Query),
        "Project" => project::field(field).map(Resolve::Project),
        "Repository" => repository::field(field).map(Resolve::Repository),
        "Group" => group::field(field).map(Resolve::Group),
        "MergeRequest" => merge_request::field(field).map(Resolve::MergeRequest),
        "UserCore"
        | "CurrentUser"
        | "MergeRequestAuthor"
        | "MergeRequestReviewer"
        | "MergeRequestAssignee"
        | "MergeRequestParticipant" => user::field(field).map(Resolve::User),
        "UserMergeRequestInteraction" => user::interaction_field(field).map(Resolve::Interaction),
        "Note" => note::field(field).map(Resolve::Note),
        "Discussion" => note::discussion_field(field).map(Resolve::Discussion),
        "DiffPosition" => note::position_field(field).map(Resolve::Position),
        "DiffStats" => merge_request::file_field(field).map(Resolve::FileStats),
        "Commit" => commit::field(field).map(Resolve::Commit),
        "Label" => label::field(field).map(Resolve::Label),
        "Milestone" => milestone::field(field).map(Resolve::Milestone),
        "CiStage" => pipeline::stage_field(field).map(Resolve::Stage),
        "Pipeline" => pipeline::field(field).map(Resolve::Pipeline),
        "CiJob" => job::field(field).map(Resolve::Job),
        "Deployment" | "DeploymentDetails" => deployment::field(field).map(Resolve::Deployment),
        "ApprovalRule" => approval::field(field).map(Resolve::ApprovalRule),
        "ProjectMember" | "GroupMember" => member::field(field).map(Resolve::Member),
        "PageInfo" => list::page_info_field(field).map(Resolve::PageInfo),
        name if name.ends_with("Connection") => list::connection_field(field).map(Resolve::Connection),
        name if name.ends_with("Edge") => list::edge_field(field).map(Resolve::Edge),
        _ => None,
    };
    found.unwrap_or(Resolve::Record)
}
