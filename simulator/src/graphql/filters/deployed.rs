//! Deployments that brought merge requests out.

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::world::{Deployment, MergeRequest};

use super::rows::{Between, within};

/// The filters of deployments, all of which one deployment must pass.
pub(super) struct Deployed<'a> {
    environment: Option<&'a str>,
    id: Option<i64>,
    finished: Between,
}

impl<'a> Deployed<'a> {
    /// None where no deployment is asked for.
    pub(super) fn of(ctx: &Context<'_>, arguments: &'a Arguments) -> Option<Deployed<'a>> {
        let names = ["environmentName", "deploymentId", "deployedAfter", "deployedBefore"];
        names.iter().find(|name| arguments.get(name).is_some())?;
        let id = arguments.text("deploymentId");
        Some(Deployed {
            environment: arguments.text("environmentName"),
            // An id that is no number names no deployment.
            id: id.map(|id| id.parse().unwrap_or(-1)),
            finished: (ctx.time(arguments.text("deployedAfter")), ctx.time(arguments.text("deployedBefore"))),
        })
    }

    /// Whether such a deployment brought a merge request out.
    pub(super) fn matches(&self, ctx: &Context<'_>, row: &MergeRequest) -> bool {
        ctx.world.deployments_bringing(row).into_iter().any(|one| self.is_meant(ctx, one))
    }

    fn is_meant(&self, ctx: &Context<'_>, one: &Deployment) -> bool {
        let name = ctx.world.environment(one.environment).map(|environment| environment.name.as_str());
        self.id.is_none_or(|id| id == one.id)
            && self.environment.is_none_or(|wanted| Some(wanted) == name)
            && within(self.finished, one.finished_at)
    }
}
