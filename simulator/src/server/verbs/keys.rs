//! What happens to tokens and webhooks.

use jiff::{SignedDuration, ToSpan as _};
use serde_json::{Value, json};

use super::places::ROLES;
use super::sent::{Sent, nothing};
use super::verb::{Done, Verb, verb};
use crate::world::{Hook, Owner, Scope, Token, TokenKind, World};

pub(super) static VERBS: &[Verb] = &[
    verb("revoke", "token", "takes a token back", |world, sent| edit(sent, world, |token| token.revoked = true)),
    verb("expire", "token", "lets a token's day come", |world, sent| {
        let today = world.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        edit(sent, world, |token| token.expires_at = Some(today))
    }),
    verb("rotate", "token, to", "replaces a token's secret by another; the old one is revoked", rotate),
    verb("narrow", "token, scopes", "leaves a token these scopes only", narrow),
    verb("set-token-role", "token, role", "gives the bot of a group's or project's token another role", set_role),
    verb("disable-hook", "hook, minutes", "stops a webhook for so many minutes, or for good", |world, sent| {
        let until = match sent.number("minutes") {
            Ok(minutes) => world.now().checked_add(SignedDuration::from_mins(minutes)).ok(),
            Err(_) => None,
        };
        hook(sent, world, |hook| (hook.disabled, hook.disabled_until) = (until.is_none(), until))
    }),
    verb("enable-hook", "hook", "lets a webhook fire again", |world, sent| hook(sent, world, Hook::succeeded)),
    verb("edit-hook", "hook, url", "someone leads a webhook elsewhere by hand", |world, sent| {
        let url = sent.text("url")?.to_owned();
        hook(sent, world, |hook| hook.url = url)
    }),
    verb("delete-hook", "hook", "someone deletes a webhook by hand", |world, sent| {
        let id = sent.hook(world)?;
        world.delete_hook(id).ok_or_else(nothing)?;
        Ok(json!({ "hook": id }))
    }),
];

fn edit(sent: &Sent<'_>, world: &mut World, edit: impl FnOnce(&mut Token)) -> Done {
    let id = sent.token(world)?;
    world.token_mut(id).map(edit).ok_or_else(nothing)?;
    Ok(json!({ "token": id }))
}

fn hook(sent: &Sent<'_>, world: &mut World, edit: impl FnOnce(&mut Hook)) -> Done {
    let id = sent.hook(world)?;
    world.hook_mut(id).map(edit).ok_or_else(nothing)?;
    Ok(json!({ "hook": id }))
}

fn rotate(world: &mut World, sent: &Sent<'_>) -> Done {
    let id = sent.token(world)?;
    let mut new = world.token(id).cloned().ok_or_else(nothing)?;
    world.token_mut(id).ok_or_else(nothing)?.revoked = true;
    let today = world.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    sent.text("to")?.clone_into(&mut new.secret);
    new.id = world.next_id("token");
    new.expires_at = today.checked_add(1.year()).ok();
    new.revoked = false;
    let answer = json!({ "token": new.id });
    world.insert_token(new);
    Ok(answer)
}

fn narrow(world: &mut World, sent: &Sent<'_>) -> Done {
    let names = sent.0.get("scopes").and_then(Value::as_array).ok_or("\"scopes\" is a list of scopes")?;
    let scope = |name: &Value| {
        let known = name.as_str().and_then(Scope::from_name);
        known.ok_or_else(|| format!("there is no scope {name}"))
    };
    let scopes: Vec<Scope> = names.iter().map(scope).collect::<Result<_, _>>()?;
    edit(sent, world, |token| token.scopes = scopes)
}

fn set_role(world: &mut World, sent: &Sent<'_>) -> Done {
    let role = sent.one_of("role", &ROLES)?;
    let id = sent.token(world)?;
    let token = world.token(id).ok_or_else(nothing)?;
    let place = match token.kind {
        TokenKind::Group(group) => Owner::Group(group),
        TokenKind::Project(project) => Owner::Project(project),
        TokenKind::Personal | TokenKind::OAuth => return Err("only bots have a role that is their token's".to_owned()),
    };
    let user = token.user;
    world.set_member(place, user, role, None).ok_or_else(nothing)?;
    Ok(json!({ "token": id }))
}
