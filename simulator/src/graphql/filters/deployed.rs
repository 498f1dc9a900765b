//! Deployments that brought merge requests out.

use std::collections::HashSet;

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::world::{Deployment, MergeRequest};

use super::rows::{Between, within};

/// The filters of deployments, all of which one deployment must pass.
pub(super) struct Deployed<'a> {
    environment: Option<&'a str>,
    id: Option<i64>,
    /// The merge requests that the deployment of this id brought, which it is quicker to know than every deployment of each.
    brought: Option<HashSet<i64>>,
    finished: Between,
}

impl<'a> Deployed<'a> {
    /// None where no deployment is asked for.
    pub(super) fn of(ctx: &Context<'_>, arguments: &'a Arguments) -> Option<Deployed<'a>> {
        let names = ["environmentName", "deploymentId", "deployedAfter", "deployedBefore"];
        names.iter().find(|name| arguments.get(name).is_some())?;
        // An id that is no number names no deployment.
        let id: Option<i64> = arguments.text("deploymentId").map(|id| id.parse().unwrap_or(-1));
        let brought_by = |id| {
            let deployment = ctx.world.deployment(id);
            let brought = deployment.into_iter().flat_map(|one| ctx.world.merge_requests_brought_by(one));
            brought.map(|row| row.id).collect()
        };
        Some(Deployed {
            environment: arguments.text("environmentName"),
            id,
            brought: id.map(brought_by),
            finished: (ctx.time(arguments.text("deployedAfter")), ctx.time(arguments.text("deployedBefore"))),
        })
    }

    /// Whether such a deployment brought a merge request out.
    pub(super) fn matches(&self, ctx: &Context<'_>, row: &MergeRequest) -> bool {
        if self.brought.as_ref().is_some_and(|brought| !brought.contains(&row.id)) {
            return false;
        }
        ctx.world.deployments_bringing(row).into_iter().any(|one| self.is_meant(ctx, one))
    }

    fn is_meant(&self, ctx: &Context<'_>, one: &Deployment) -> bool {
        let name = ctx.world.environment(one.environment).map(|environment| environment.name.as_str());
        self.id.is_none_or(|id| id == one.id)
            && self.environment.is_none_or(|wanted| Some(wanted) == name)
            && within(self.finished, one.finished_at)
    }
}
