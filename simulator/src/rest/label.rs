//! One label of a project or a group: read, made, changed, removed. Its name and its id both name it.

use axum::http::StatusCode;
use serde_json::json;

use super::params::{Param, text, truth};
use super::route::Needs::User;
use super::route::{Route, read, write};
use super::{Failure, Reply, Request, find, show};
use crate::world::{Label, Owner, Role, World};

#[rustfmt::skip]
pub(super) static ROUTES: &[Route] = &[
    read("/groups/:id/labels/:name", User, one).takes(&[ONE]),
    write("POST", "/groups/:id/labels", User, create).takes(&[NEW]),
    write("PUT", "/groups/:id/labels", User, update),
    write("PUT", "/groups/:id/labels/:name", User, update),
    write("DELETE", "/groups/:id/labels", User, delete),
    write("DELETE", "/groups/:id/labels/:name", User, delete),
    read("/projects/:id/labels/:name", User, one).takes(&[ONE]),
    write("POST", "/projects/:id/labels", User, create).takes(&[NEW]),
    write("PUT", "/projects/:id/labels", User, update),
    write("PUT", "/projects/:id/labels/:name", User, update),
    write("PUT", "/projects/:id/labels/:name/promote", User, promote),
    write("DELETE", "/projects/:id/labels", User, delete),
    write("DELETE", "/projects/:id/labels/:name", User, delete),
];

static ONE: &[Param] = &[truth("include_ancestor_groups").or("true")];

/// lib/api/helpers/label_helpers.rb.
static NEW: &[Param] = &[text("name").required(), text("color").required(), text("description")];

/// The group or project of the path, and the caller's role there.
fn place(world: &World, request: &Request) -> Result<(Owner, Role), Failure> {
    if request.path.starts_with("/groups/") {
        let group = find::group(world, request)?;
        return Ok((Owner::Group(group.id), world.caller_role_in_group(&request.caller, group.id)));
    }
    let project = find::project(world, request)?;
    Ok((Owner::Project(project.id), world.caller_role(&request.caller, project)))
}

/// The same where labels are to change, which takes a Planner.
fn changeable(world: &World, request: &Request) -> Result<Owner, Failure> {
    let (owner, role) = place(world, request)?;
    if role < Role::Planner {
        return Err(Failure::forbidden(""));
    }
    Ok(owner)
}

/// Labels that can be used in a place: its own and those of the groups above.
fn usable(world: &World, place: Owner) -> Vec<&Label> {
    match place {
        Owner::Project(id) => world.project(id).map(|project| world.labels_of_project(project).collect()),
        Owner::Group(id) => {
            let above = world.ancestry(Some(id));
            let here = |label: &&Label| matches!(label.owner, Owner::Group(owner) if above.contains(&owner));
            Some(world.labels().filter(here).collect())
        }
    }
    .unwrap_or_default()
}

fn in_project(place: Owner) -> bool {
    matches!(place, Owner::Project(_))
}

fn named<'w>(labels: &[&'w Label], name: &str) -> Option<&'w Label> {
    let id = name.parse().ok();
    let by_id = labels.iter().find(|label| Some(label.id) == id);
    by_id.or_else(|| labels.iter().find(|label| label.title == name)).copied()
}

/// A label of the place itself: those of groups above are changed there. The path names it or, as before 12.4, the body.
fn own(world: &World, request: &Request, place: Owner) -> Result<i64, Failure> {
    let mut labels = usable(world, place);
    labels.retain(|label| label.owner == place);
    let name = match (request.params.get(1), request.args.text("label_id"), request.args.text("name")) {
        (Some(name), ..) => name.clone(),
        (None, Some(name), None) | (None, None, Some(name)) => name,
        (None, None, None) => {
            return Err(Failure::param("label_id, name are missing, exactly one parameter must be provided"));
        }
        (None, Some(_), Some(_)) => return Err(Failure::param("label_id, name are mutually exclusive")),
    };
    Ok(named(&labels, &name).ok_or_else(|| Failure::not_found("Label"))?.id)
}

pub(crate) fn one(world: &World, request: &Request) -> Result<Reply, Failure> {
    let (place, _) = place(world, request)?;
    let mut labels = usable(world, place);
    if request.args.truth("include_ancestor_groups") == Some(false) {
        labels.retain(|label| label.owner == place);
    }
    let label = named(&labels, request.param(1)).ok_or_else(|| Failure::not_found("Label"))?;
    Ok(Reply::ok(show::label(world, &request.caller, label, in_project(place))))
}

/// The label of the second placeholder, of the place or above.
pub(super) fn readable<'w>(world: &'w World, request: &Request) -> Result<&'w Label, Failure> {
    let (place, _) = place(world, request)?;
    named(&usable(world, place), request.param(1)).ok_or_else(|| Failure::not_found("Label"))
}

/// Makes a project's label one of its group (`Labels::PromoteService`).
fn promote(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let place = changeable(world, request)?;
    let id = own(world, request, place)?;
    let refused = || Failure::message(StatusCode::BAD_REQUEST, "Failed to promote project label to group label");
    let promoted = world.promote_label(id).ok_or_else(refused)?;
    let label = world.label(promoted).ok_or_else(Failure::no_row)?;
    Ok(Reply::ok(show::label(world, &request.caller, label, false)))
}

pub(crate) fn create(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let place = changeable(world, request)?;
    let name = request.args.text("name").unwrap_or_default();
    let color = request.args.text("color").unwrap_or_default();
    if usable(world, place).iter().any(|label| label.title == name) {
        return Err(Failure::conflict("Label already exists"));
    }
    let (name, color) = (title(&name)?, hex(&color)?);
    let id = world.create_label(place, &name);
    world.edit_label(id, |label| {
        label.color = color;
        label.description = request.args.text("description");
    });
    Ok(Reply::created(show::label(
        world,
        &request.caller,
        world.label(id).ok_or_else(Failure::no_row)?,
        in_project(place),
    )))
}

pub(crate) fn update(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let place = changeable(world, request)?;
    let id = own(world, request, place)?;
    let args = &request.args;
    if ["new_name", "color", "description", "priority"].iter().all(|name| args.raw(name).is_none()) {
        let names = if matches!(place, Owner::Project(_)) { ", priority" } else { "" };
        let error = format!("new_name, color, description{names} are missing, at least one parameter must be provided");
        return Err(Failure::param(&error));
    }
    let name = args.text("new_name").map(|name| title(&name)).transpose()?;
    let color = args.text("color").map(|color| hex(&color)).transpose()?;
    let taken = |label: &&Label| label.id != id && label.owner == place && Some(&label.title) == name.as_ref();
    if world.labels().any(|label| taken(&label)) {
        return Err(Failure::invalid(&json!({ "title": ["has already been taken"] })));
    }
    world.edit_label(id, |label| {
        label.title = name.unwrap_or_else(|| label.title.clone());
        label.color = color.unwrap_or_else(|| label.color.clone());
        if args.raw("description").is_some() {
            label.description = args.text("description");
        }
    });
    Ok(Reply::ok(show::label(world, &request.caller, world.label(id).ok_or_else(Failure::no_row)?, in_project(place))))
}

pub(crate) fn delete(world: &mut World, request: &Request) -> Result<Reply, Failure> {
    let place = changeable(world, request)?;
    let id = own(world, request, place)?;
    world.delete_label(id);
    Ok(Reply::no_content())
}

/// A title without commas, which separate labels.
fn title(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::invalid(&json!({ "title": ["can't be blank", "is invalid"] })));
    }
    if text.contains(',') {
        return Err(Failure::invalid(&json!({ "title": ["is invalid"] })));
    }
    Ok(text.to_owned())
}

/// `#rrggbb`, `#rgb` or the name of a colour.
fn hex(text: &str) -> Result<String, Failure> {
    let named = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, hex)| (*hex).to_owned());
    if let Some(hex) = named {
        return Ok(hex);
    }
    let digits = text.strip_prefix('#').filter(|digits| digits.chars().all(|digit| digit.is_ascii_hexdigit()));
    match digits.filter(|digits| [3, 6].contains(&digits.len())) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Failure::invalid(&json!({ "color": ["must be a valid color code"] }))),
    }
}

/// The basic colours of CSS; GitLab knows all of them.
const NAMED: [(&str, &str); 16] = [
    ("black", "#000000"),
    ("silver", "#C0C0C0"),
    ("gray", "#808080"),
    ("white", "#FFFFFF"),
    ("maroon", "#800000"),
    ("red", "#FF0000"),
    ("purple", "#800080"),
    ("fuchsia", "#FF00FF"),
    ("green", "#008000"),
    ("lime", "#00FF00"),
    ("olive", "#808000"),
    ("yellow", "#FFFF00"),
    ("navy", "#000080"),
    ("blue", "#0000FF"),
    ("teal", "#008080"),
    ("aqua", "#00FFFF"),
];
