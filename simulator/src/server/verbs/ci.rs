//! What happens in CI/CD.

use serde_json::json;

use super::sent::{Sent, nothing};
use super::verb::{Done, Verb, verb};
use crate::world::World;

pub(super) static VERBS: &[Verb] = &[
    verb("start-pipeline", "project, ref, user", "starts a pipeline on a branch", |world, sent| {
        let project = sent.project(world)?;
        let id = world.start_pipeline(project, sent.text("ref")?, sent.actor(), "push").ok_or_else(nothing)?;
        Ok(json!({ "pipeline": id }))
    }),
    verb("finish-pipeline", "pipeline, status", "ends a pipeline: success, failed or canceled", |world, sent| {
        let known = ["success", "failed", "canceled"].map(|status| (status, status));
        let (id, status) = (sent.number("pipeline")?, sent.one_of("status", &known)?);
        world.finish_pipeline(id, status).ok_or_else(nothing)?;
        Ok(json!({ "pipeline": id }))
    }),
    verb("retry-pipeline", "pipeline", "runs again what failed in a pipeline", |world, sent| {
        let id = sent.number("pipeline")?;
        world.retry_pipeline(id).ok_or_else(nothing)?;
        Ok(json!({ "pipeline": id }))
    }),
    verb("deploy", "project, environment, ref, user", "deploys a branch, tag or commit", |world, sent| {
        deployed(sent, world, |world, project, environment, user| {
            world.deploy(project, environment, sent.optional("ref").unwrap_or("main"), user)
        })
    }),
    verb("roll-back", "project, environment, user", "deploys what was there before", |world, sent| {
        deployed(sent, world, World::roll_back)
    }),
];

fn deployed(
    sent: &Sent<'_>,
    world: &mut World,
    deploy: impl FnOnce(&mut World, i64, &str, &str) -> Option<i64>,
) -> Done {
    let project = sent.project(world)?;
    let id = deploy(world, project, sent.text("environment")?, sent.actor()).ok_or_else(nothing)?;
    Ok(json!({ "deployment": id }))
}
