//! Environments, deployments, and the people who deploy.

use crate::gitlab::model;
use crate::store::rows::{Deployment, Environment};

use super::Rows;

impl Rows {
    /// Adds an environment.
    pub(in crate::importer) fn environment(&mut self, project_id: i64, answer: model::Environment) {
        self.batch.environments.push(Environment {
            id: answer.id,
            project_id,
            name: answer.name,
            tier: answer.tier,
            state: answer.state,
            external_url: answer.external_url,
            created_at: answer.created_at,
            updated_at: answer.updated_at,
        });
    }

    /// Adds a deployment.
    pub(in crate::importer) fn deployment(&mut self, project_id: i64, answer: model::Deployment) {
        let user_id = answer.user.map(|user| self.user(user));
        let deployable = answer.deployable;
        let job = deployable.as_ref();
        self.batch.deployments.push(Deployment {
            id: answer.id,
            iid: answer.iid,
            project_id,
            environment_id: answer.environment.map(|environment| environment.id),
            ref_name: answer.ref_name,
            tag: job.and_then(|job| job.tag),
            sha: answer.sha,
            status: answer.status,
            user_id,
            pipeline_id: job.and_then(|job| Some(job.pipeline.as_ref()?.id)),
            job_id: job.map(|job| job.id),
            created_at: answer.created_at,
            updated_at: answer.updated_at,
            finished_at: job.and_then(|job| job.finished_at),
        });
    }

    /// Remembers a person as REST tells one.
    pub(in crate::importer) fn user(&mut self, user: model::User) -> i64 {
        let Some(username) = user.username else { return user.id };
        let row = self.users.entry(user.id).or_default();
        row.id = user.id;
        row.username = username;
        row.name = user.name.or(row.name.take());
        row.state = user.state.or(row.state.take());
        row.bot = user.bot.or(row.bot);
        row.web_url = user.web_url.or(row.web_url.take());
        row.id
    }
}
