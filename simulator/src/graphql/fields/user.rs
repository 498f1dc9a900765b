//! Users, also as authors, assignees, reviewers and participants of a merge request.

use crate::world::{MergeRequest, Project, ReviewState, Role, User, UserKind, UserState};

use super::kit::{Within, page};
use super::{approval, namespace, projects};
use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::filters;
use crate::graphql::literals::global_number;
use crate::graphql::order::{By, Order};
use crate::graphql::schema::Level;
use crate::graphql::value::{Membership, Object, Person, Source, Value};

pub(crate) fn field(name: &str) -> Option<for<'w> fn(&Context<'w>, Person<'w>, &Arguments) -> Value<'w>> {
    Some(match name {
        "id" => |_, person, _| Value::Gid("User", person.user.id),
        "username" => |_, person, _| Value::Str(&person.user.username),
        "name" => |_, person, _| Value::Str(&person.user.name),
        "bot" => |_, person, _| Value::Bool(person.user.bot()),
        "human" => |_, person, _| Value::Bool(person.user.kind.name() == "HUMAN"),
        "type" => |_, person, _| Value::Str(person.user.kind.name()),
        "state" => |ctx, person, _| match person.user.state {
            UserState::Banned if ctx.level < Level::V17_2 => Value::Str(UserState::Blocked.name()),
            state => Value::Str(state.name()),
        },
        "active" => |_, person, _| Value::Bool(person.user.state == UserState::Active),
        "publicEmail" => |_, person, _| Value::str(person.user.public_email.as_deref()),
        "createdAt" => |_, person, _| Value::Time(person.user.created_at),
        "lastActivityOn" => |ctx, person, _| match person.user.last_activity_on {
            // Only administrators see when others were last active.
            Some(day) if ctx.admin() => Value::Text(day.to_string()),
            _ => Value::Null,
        },
        "namespace" => |_, person, _| match person.user.kind {
            UserKind::Human => namespace::of_user(person.user),
            _ => Value::Null,
        },
        "webUrl" => |ctx, person, _| Value::Text(ctx.world.web_url(&person.user.username)),
        "webPath" => |_, person, _| Value::Text(format!("/{}", person.user.username)),
        "mergeRequestInteraction" => {
            |_, person, _| Value::object(person.of.map(|of| Object::Interaction(person.user, of)))
        }

        "groups" => |ctx, person, arguments| {
            let groups = memberships(ctx, person.user).map(|(group, _)| Object::Group(group));
            page(groups.collect(), Order::ascending(By::Name), arguments)
        },
        "groupMemberships" => |ctx, person, arguments| {
            let rows = memberships(ctx, person.user).map(|(_, membership)| Object::Member(membership));
            page(rows.collect(), Order::ascending(By::Id), arguments)
        },
        "groupCount" => |ctx, person, _| Value::count(memberships(ctx, person.user).count()),
        "authoredMergeRequests" => |ctx, person, arguments| {
            let id = person.user.id;
            let assigned = arguments.flag("includeAssigned");
            merge_requests(ctx, arguments, move |one| {
                one.author == Some(id) || (assigned && one.assignees.contains(&id))
            })
        },
        "assignedMergeRequests" => |ctx, person, arguments| {
            let id = person.user.id;
            merge_requests(ctx, arguments, move |one| one.assignees.contains(&id))
        },
        "reviewRequestedMergeRequests" => |ctx, person, arguments| {
            let id = person.user.id;
            merge_requests(ctx, arguments, move |one| one.reviewers.iter().any(|reviewer| reviewer.user == id))
        },

        "contributedProjects" => |ctx, person, arguments| projects::contributed_by(ctx, person.user.id, arguments),
        "projectCount" => |ctx, person, _| Value::count(projects::count_of(ctx, person.user.id)),
        "profileEnableGitpodPath" => |_, _, _| Value::Str("/-/user_settings/profile?user%5Bgitpod_enabled%5D=true"),
        "gitpodEnabled" | "compositeIdentityEnforced" => |_, _, _| Value::Bool(false),
        // People who never filled in their profile.
        "bio" | "discord" | "github" | "jobTitle" | "linkedin" | "location" | "twitter" => |_, _, _| Value::Str(""),
        "avatarUrl" | "pronouns" => |_, _, _| Value::Null,
        _ => return None,
    })
}

pub(crate) fn interaction_field(name: &str) -> Option<Within<User, MergeRequest>> {
    Some(match name {
        "approved" => |_, user, of| Value::Bool(of.approved_by(user.id)),
        "reviewed" => |_, user, of| {
            let state = review_of(user, of);
            Value::Bool(
                state.is_some_and(|state| !matches!(state, ReviewState::Unreviewed | ReviewState::ReviewStarted)),
            )
        },
        "reviewState" => {
            |ctx, user, of| review_of(user, of).map_or(Value::Null, |state| Value::Str(spelled(ctx.level, state)))
        }
        "canMerge" | "canUpdate" => |ctx, user, of| {
            let project = ctx.world.project(of.project);
            let role = project.map_or(Role::None, |project| ctx.world.role_in_project(user.id, project));
            Value::Bool(role >= Role::Developer)
        },
        "applicableApprovalRules" => |ctx, user, of| approval::rules_for(ctx, of, user.id),
        _ => return None,
    })
}

fn review_of(user: &User, of: &MergeRequest) -> Option<ReviewState> {
    let reviewer = of.reviewers.iter().find(|reviewer| reviewer.user == user.id)?;
    Some(reviewer.state)
}

/// A review's state, as far as the version's enum knows it.
fn spelled(level: Level, state: ReviewState) -> &'static str {
    match state {
        ReviewState::ReviewStarted if level < Level::V18_0 => ReviewState::Unreviewed.enum_name(),
        ReviewState::Approved | ReviewState::Unapproved | ReviewState::RequestedChanges if level < Level::V17_2 => {
            ReviewState::Reviewed.enum_name()
        }
        state => state.enum_name(),
    }
}

fn memberships<'w>(
    ctx: &Context<'w>,
    user: &'w User,
) -> impl Iterator<Item = (&'w crate::world::Group, Membership<'w>)> {
    let visible = ctx.world.groups().filter(|group| ctx.world.sees_group(ctx.caller, group));
    visible.filter_map(|group| {
        let member = group.members.iter().find(|member| member.user == user.id)?;
        let membership = Membership { member, role: member.role, source: Source::Group(group) };
        Some((group, membership))
    })
}

fn merge_requests<'w>(ctx: &Context<'w>, arguments: &Arguments, own: impl Fn(&MergeRequest) -> bool) -> Value<'w> {
    let path = arguments.text("projectPath");
    let id = arguments.text("projectId").and_then(global_number);
    let group = arguments.text("groupId").and_then(global_number);
    let groups = group.map(|id| [ctx.world.descendant_groups(id), vec![id]].concat());
    // Servers that cannot be told list those of archived projects, too.
    let archived = arguments.get("includeArchived").is_none_or(|value| value == true);
    let is_shown = |project: &&Project| {
        ctx.rights(project).merge_requests
            && (archived || !project.archived)
            && path.is_none_or(|path| path.eq_ignore_ascii_case(&project.full_path))
            && id.is_none_or(|id| id == project.id)
            && groups.as_ref().is_none_or(|groups| project.group().is_some_and(|id| groups.contains(&id)))
    };
    let shown: Vec<i64> = ctx.world.projects().filter(is_shown).map(|project| project.id).collect();
    filters::of_many(ctx, &shown, Some(&own), arguments)
}
