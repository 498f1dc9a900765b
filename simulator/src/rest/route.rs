//! A route of the API. Each room of handlers has a table of its own; `routes` holds them together.

use super::params::Param;
use super::{Read, Write};

/// What a route asks of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: what is public can be read by anyone. With a token, its scope counts.
    Nothing,
    /// A user, with a scope that reads.
    User,
    /// A user, where `read_user` is enough.
    Profile,
    /// Nothing, where `read_user` is enough for who has a token.
    AnyProfile,
    /// A user, whatever the scope.
    AnyScope,
    /// An administrator.
    Admin,
    /// A user, with `api` or `self_rotate`.
    Rotate,
}

/// What answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handler {
    /// Only reads.
    Read(Read),
    /// Changes the World.
    Write(Write),
}

/// A route of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    /// The method.
    pub(crate) method: &'static str,
    /// The path below `/api/v4`, with `:placeholders`.
    pub(crate) template: &'static str,
    /// What the token must be able to do.
    pub(crate) needs: Needs,
    /// Since when it exists.
    pub(super) since: (u32, u32),
    /// Whether only Enterprise builds have it.
    pub(super) enterprise: bool,
    /// What it can be asked for.
    pub(super) takes: &'static [&'static [Param]],
    /// What answers.
    pub(crate) handler: Handler,
}

impl Route {
    /// Declares what it can be asked for.
    pub(super) const fn takes(self, tables: &'static [&'static [Param]]) -> Route {
        Route { takes: tables, ..self }
    }

    /// The names of its placeholders, as GitLab's parameters spell them.
    pub(super) fn placeholders(&self) -> impl Iterator<Item = &'static str> {
        let noteable = self.template.contains("/notes") || self.template.contains("/discussions");
        let names = self.template.split('/').filter_map(|segment| segment.strip_prefix(':'));
        names.map(move |name| match name {
            "iid" if noteable => "noteable_id",
            "iid" => "merge_request_iid",
            other => other,
        })
    }
}

pub(super) const fn read(template: &'static str, needs: Needs, handler: Read) -> Route {
    Route {
        method: "GET",
        template,
        needs,
        since: (0, 0),
        enterprise: false,
        takes: &[],
        handler: Handler::Read(handler),
    }
}

pub(super) const fn write(method: &'static str, template: &'static str, needs: Needs, handler: Write) -> Route {
    Route { method, template, needs, since: (0, 0), enterprise: false, takes: &[], handler: Handler::Write(handler) }
}

pub(super) const fn since(major: u32, minor: u32, route: Route) -> Route {
    Route { since: (major, minor), ..route }
}

pub(super) const fn enterprise(route: Route) -> Route {
    Route { enterprise: true, ..route }
}
