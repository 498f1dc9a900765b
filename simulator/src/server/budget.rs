//! What is left of a visitor's budgets.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::asked::Asked;
use super::auth::Visitor;
use super::incoming::Incoming;
use super::limits::{Budget, Who};
use super::reply::json_response;
use super::shared::Shared;
use crate::rest::Failure;

/// The budgets that a request counted into.
pub(super) struct Budgets {
    /// Rack::Attack's, whose headers are on every answer.
    pub(super) attack: Option<Budget>,
    address: Option<Budget>,
    endpoint: Option<Budget>,
}

/// Counts a request: GraphQL and REST share a user's budget, GitLab's pages have none.
pub(super) fn count(shared: &Shared, incoming: &Incoming, asked: &Asked, visitor: &Visitor) -> Budgets {
    let world = shared.read();
    let (settings, now) = (&world.settings, world.now());
    let address = Who::Address(incoming.address());
    let (who, name, limit) = match visitor.user() {
        Some(user) => (Who::User(user), "throttle_authenticated_api", settings.rate_limit),
        None => (address, "throttle_unauthenticated_api", settings.anonymous_rate_limit),
    };
    let limit = limit.filter(|_| !matches!(asked, Asked::Page));
    let own = settings.endpoint_limits.iter().find(|(route, ..)| *route == asked.route());
    Budgets {
        attack: limit.map(|limit| shared.limiter.count(who, name, (limit, settings.rate_period), now)),
        address: settings.address_rate_limit.map(|limit| shared.limiter.count(address, "all", (limit, 60), now)),
        endpoint: own.map(|(route, limit, period)| shared.limiter.count(who, route, (*limit, *period), now)),
    }
}

impl Budgets {
    /// The refusal of a request that was one too many.
    pub(super) fn refusal(&self) -> Option<Response> {
        let spent = |budget: &Option<Budget>| budget.is_some_and(|budget| budget.exceeded());
        if spent(&self.attack) || spent(&self.address) {
            return Some((StatusCode::TOO_MANY_REQUESTS, "Retry later\n").into_response());
        }
        // The application's limiter says nothing about time.
        let failure = spent(&self.endpoint).then(Failure::too_many_requests)?;
        Some(json_response(failure.status, failure.body.to_string().into_bytes()))
    }
}
