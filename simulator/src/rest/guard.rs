//! Who may call a route at all: signed in, with the right scope, and asking for what the route takes.

use super::params::declare;
use super::route::{Needs, Route};
use super::{Failure, Request};
use crate::world::{Caller, Scope, World};

/// Lets a request pass, with the defaults of what it did not ask for, or says why not.
pub(crate) fn check(world: &World, request: &mut Request, reads: bool) -> Result<(), Failure> {
    may(world, request.route, &request.caller, reads)?;
    declare(request.route.takes, &world.settings, &mut request.args)
}

fn may(world: &World, route: &Route, caller: &Caller, reads: bool) -> Result<(), Failure> {
    if caller.anonymous() {
        let open = matches!(route.needs, Needs::Nothing | Needs::AnyProfile) && reads;
        return if open { Ok(()) } else { Err(Failure::unauthorized()) };
    }
    if caller.fine_grained() {
        return if reads { Ok(()) } else { Err(Failure::insufficient_granular_scope()) };
    }
    let (enough, names): (&[Scope], &str) = match route.needs {
        Needs::AnyScope => return Ok(()),
        Needs::Rotate => (&[Scope::Api, Scope::SelfRotate], "api self_rotate"),
        Needs::Profile | Needs::AnyProfile if reads => {
            (&[Scope::Api, Scope::ReadApi, Scope::ReadUser], "api read_api read_user")
        }
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
