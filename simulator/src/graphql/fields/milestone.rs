//! Milestones.

use crate::graphql::context::Context;
use crate::graphql::value::{Object, Value};
use crate::world::{Milestone, Owner};

use super::kit::On;

pub(crate) fn field(name: &str) -> Option<On<Milestone>> {
    Some(match name {
        "id" => |_, milestone, _| Value::Gid("Milestone", milestone.id),
        "iid" => |_, milestone, _| Value::Digits(milestone.iid),
        "title" => |_, milestone, _| Value::Str(&milestone.title),
        "description" => |_, milestone, _| Value::Str(&milestone.description),
        "startDate" => |ctx, milestone, _| Value::time(ctx.day(milestone.start_date)),
        "dueDate" => |ctx, milestone, _| Value::time(ctx.day(milestone.due_date)),
        "createdAt" => |_, milestone, _| Value::Time(milestone.created_at),
        "updatedAt" => |_, milestone, _| Value::Time(milestone.updated_at),
        "expired" => |ctx, milestone, _| Value::Bool(milestone.due_date.is_some_and(|day| day < ctx.world.today())),
        "upcoming" => |ctx, milestone, _| Value::Bool(milestone.start_date.is_some_and(|day| day > ctx.world.today())),
        "webPath" => |ctx, milestone, _| Value::Text(path(ctx, milestone)),
        "projectMilestone" => |_, milestone, _| Value::Bool(matches!(milestone.owner, Owner::Project(_))),
        "groupMilestone" => |_, milestone, _| Value::Bool(matches!(milestone.owner, Owner::Group(_))),
        "subgroupMilestone" => |ctx, milestone, _| {
            Value::Bool(match milestone.owner {
                Owner::Group(id) => ctx.world.group(id).is_some_and(|group| group.parent.is_some()),
                Owner::Project(_) => false,
            })
        },
        "project" => |ctx, milestone, _| {
            Value::object(match milestone.owner {
                Owner::Project(id) => ctx.project(Some(id)).map(Object::Project),
                Owner::Group(_) => None,
            })
        },
        "group" => |ctx, milestone, _| {
            Value::object(match milestone.owner {
                Owner::Group(id) => ctx.group(Some(id)).map(Object::Group),
                Owner::Project(_) => None,
            })
        },
        _ => return None,
    })
}

fn path(ctx: &Context<'_>, milestone: &Milestone) -> String {
    let place = match milestone.owner {
        Owner::Project(id) => ctx.world.project(id).map(|project| project.full_path.clone()),
        Owner::Group(id) => ctx.world.group(id).map(|group| format!("groups/{}", group.full_path)),
    };
    format!("/{}/-/milestones/{}", place.unwrap_or_default(), milestone.iid)
}
