//! Making, changing and deleting milestones (`lib/api/milestone_responses.rb`).

use axum::http::StatusCode;
use jiff::civil::Date;
use serde_json::Value;

use super::milestones::{named, owner};
use crate::rest::params::{Param, one_of, text};
use crate::rest::route::Needs::User;
use crate::rest::route::{Route, write};
use crate::rest::{Failure, Reply, Request, allow, find, show};
use crate::world::{Milestone, Owner, Role, World};

static CREATE: &[Param] = &[text("title").required(), text("description"), text("due_date"), text("start_date")];
static UPDATE: &[Param] = &[
    text("title"),
    text("description"),
    text("due_date"),
    text("start_date"),
    one_of("state_event", &["close", "activate"]),
];

#[rustfmt::skip]
pub(in crate::rest) static ROUTES: &[Route] = &[
    write("POST", "/projects/:id/milestones", User, create).takes(&[CREATE]),
    write("PUT", "/projects/:id/milestones/:milestone_id", User, update).takes(&[UPDATE]),
    write("DELETE", "/projects/:id/milestones/:milestone_id", User, delete),
    write("POST", "/groups/:id/milestones", User, create).takes(&[CREATE]),
    write("PUT", "/groups/:id/milestones/:milestone_id", User, update).takes(&[UPDATE]),
    write("DELETE", "/groups/:id/milestones/:milestone_id", User, delete),
];

/// Whose milestones the caller may change: with Planner upwards.
fn admin(world: &World, request: &Request) -> Result<Owner, Failure> {
    let owner = owner(world, request)?;
    match owner {
        Owner::Project(_) => allow::change(world, request, Role::Planner).map(|_| owner),
        Owner::Group(_) => {
            let group = find::group(world, request)?;
            let role = world.caller_role_in_group(&request.caller, group.id);
            if role < Role::Planner { Err(Failure::forbidden("")) } else { Ok(owner) }
        }
    }
}

fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let owner = admin(world, request)?;
    let title = request.args.text("title").unwrap_or_default();
    refuse_twice(world, owner, &title, "create")?;
    let apply = changes(request)?;
    let id = world.create_milestone(owner, &title);
    world.edit_milestone(id, apply);
    shown(world, id).map(Reply::created)
}

fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let owner = admin(world, request)?;
    let found = named(world, request)?;
    let id = found.id;
    let sent = |name: &&str| request.args.raw(name).is_some();
    let names = ["title", "description", "start_date", "due_date", "state_event"];
    if !names.iter().any(sent) {
        let names = names.join(", ");
        return Err(Failure::param(&format!("{names} are missing, at least one parameter must be provided")));
    }
    if let Some(title) = request.args.filled("title").filter(|title| *title != found.title) {
        refuse_twice(world, owner, &title, "update")?;
    }
    let apply = changes(request)?;
    world.edit_milestone(id, apply);
    shown(world, id).map(Reply::ok)
}

/// Issues and merge requests lose it.
fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    admin(world, request)?;
    let id = named(world, request)?.id;
    world.delete_milestone(id);
    Ok(Reply::no_content())
}

fn refuse_twice(world: &World, owner: Owner, title: &str, verb: &str) -> Result<(), Failure> {
    if world.milestones_of(owner).any(|known| known.title == title) {
        let errors = r#"{:title=>["already being used for another group or project milestone."]}"#;
        return Err(Failure::message(StatusCode::BAD_REQUEST, &format!("Failed to {verb} milestone {errors}")));
    }
    Ok(())
}

/// What a request asks a milestone to be. An empty date takes the date away.
fn changes(request: &Request) -> Result<impl FnOnce(&mut Milestone) + use<>, Failure> {
    let args = &request.args;
    let day = |name: &str| -> Result<Option<Option<Date>>, Failure> {
        let parse = |text: String| text.parse().map_err(|_| Failure::param(&format!("{name} is invalid")));
        match args.text(name) {
            Some(text) if text.is_empty() => Ok(Some(None)),
            Some(text) => Ok(Some(Some(parse(text)?))),
            None => Ok(None),
        }
    };
    let (start, due) = (day("start_date")?, day("due_date")?);
    let (title, description) = (args.filled("title"), args.text("description"));
    let closed = args.filled("state_event").map(|event| event == "close");
    Ok(move |milestone: &mut Milestone| {
        milestone.title = title.unwrap_or_else(|| std::mem::take(&mut milestone.title));
        milestone.description = description.unwrap_or_else(|| std::mem::take(&mut milestone.description));
        milestone.start_date = start.unwrap_or(milestone.start_date);
        milestone.due_date = due.unwrap_or(milestone.due_date);
        milestone.closed = closed.unwrap_or(milestone.closed);
    })
}

fn shown(world: &World, id: i64) -> Result<Value, Failure> {
    world.milestone(id).map(|found| show::milestone(world, found)).ok_or_else(Failure::no_row)
}
