//! Who may call a route at all: signed in, and with the right scope.

use super::Failure;
use super::route::{Needs, Route};
use crate::world::{Caller, Scope, World};

/// Lets the caller pass, or says why not.
pub(crate) fn check(world: &World, route: &Route, caller: &Caller, reads: bool) -> Result<(), Failure> {
    if caller.anonymous() {
        return if route.needs == Needs::Nothing && reads { Ok(()) } else { Err(Failure::unauthorized()) };
    }
    let (enough, names): (&[Scope], &str) = match route.needs {
        Needs::AnyScope => return Ok(()),
        Needs::Rotate => (&[Scope::Api, Scope::SelfRotate], "api self_rotate"),
        Needs::Profile if reads => (&[Scope::Api, Scope::ReadApi, Scope::ReadUser], "api read_api read_user"),
        _ if reads => (&[Scope::Api, Scope::ReadApi], "api read_api"),
        _ => (&[Scope::Api], "api"),
    };
    if !caller.has(enough) {
        return Err(Failure::insufficient_scope(names));
    }
    if route.needs == Needs::Admin && !world.is_admin(caller) {
        return Err(Failure::forbidden(""));
    }
    Ok(())
}
