//! Counts what is stored of each project against what GitLab counts.

use std::collections::HashMap;

use serde_json::json;

use crate::gitlab::queries::counts::{AT_ONCE, COUNTS, Counted, CountsAnswer, global_id};
use crate::gitlab::{Class, Client};
use crate::store::{Audit, Audited, Miscount};

use super::{Auditor, number};
use crate::importer::context::Context;
use crate::importer::{Error, absence};

/// What a comparison of numbers came to.
enum Verdict {
    Same,
    /// GitLab shows nothing: nothing can be said.
    Unreadable,
    /// GitLab's number.
    Other(i64),
}

impl Auditor<'_> {
    /// Compares the numbers, and answers the number of the newest merge request of each project.
    pub(super) async fn count(&self, projects: &[Audited], audit: &mut Audit) -> Result<HashMap<i64, i64>, Error> {
        let counted = self.counted(projects).await?;
        let mut odd = Vec::new();
        for project in projects {
            match self.judge(project, counted.get(&project.id)).await? {
                Verdict::Same => {}
                Verdict::Unreadable => audit.unreadable += 1,
                Verdict::Other(_) => odd.push(project.id),
            }
        }
        audit.projects = number(projects.len());
        if !odd.is_empty() {
            let again: Vec<Audited> =
                self.projects().await?.into_iter().filter(|project| odd.contains(&project.id)).collect();
            let counted = self.counted(&again).await?;
            for project in again {
                if let Verdict::Other(gitlab) = self.judge(&project, counted.get(&project.id)).await? {
                    let Audited { id: project_id, path, count: stored, .. } = project;
                    audit.miscount(Miscount { project_id, path, stored, gitlab });
                }
            }
        }
        let newest = |one: &Counted| Some((one.id, one.most.as_ref()?.iter().next()?.iid));
        Ok(counted.values().filter_map(newest).collect())
    }

    async fn judge(&self, project: &Audited, counted: Option<&Counted>) -> Result<Verdict, Error> {
        let Some(counted) = counted else { return Ok(Verdict::Unreadable) };
        let most = total(counted);
        let least = counted.least.as_ref().and_then(|least| least.count).unwrap_or(most);
        if (least..=most).contains(&project.count) {
            return Ok(Verdict::Same);
        }
        // To whom may not see merge requests, GitLab counts none.
        if most == 0 && !absence::is_readable(self.ctx, project.id).await? {
            return Ok(Verdict::Unreadable);
        }
        Ok(Verdict::Other(if project.count < least { least } else { most }))
    }

    /// What GitLab counts of each project, as the user sees it who sees most of it.
    async fn counted(&self, projects: &[Audited]) -> Result<HashMap<i64, Counted>, Error> {
        let mut best: HashMap<i64, Counted> = HashMap::new();
        for client in &self.ctx.views {
            for some in projects.chunks(AT_ONCE) {
                for one in self.numbers(client, some).await? {
                    let known = best.get(&one.id).map_or(-1, total);
                    if total(&one) > known {
                        best.insert(one.id, one);
                    }
                }
            }
        }
        Ok(best)
    }

    /// Some projects as one user sees them. What GitLab cannot count is left out.
    async fn numbers(&self, client: &Client, some: &[Audited]) -> Result<Vec<Counted>, Error> {
        let mut counted = Vec::new();
        let mut parts = vec![some];
        while let Some(part) = parts.pop() {
            match ask((self.ctx, client), self.variables(part)).await {
                Ok(numbers) => counted.extend(numbers),
                Err(Error::GitLab(error)) if !is_its_own(error.class()) => return Err(error.into()),
                Err(Error::GitLab(error)) => match part {
                    [one] => tracing::warn!(project = one.path, %error, "merge requests cannot be counted"),
                    _ => {
                        let (left, right) = part.split_at(part.len() / 2);
                        parts.extend([right, left]);
                    }
                },
                Err(error) => return Err(error),
            }
        }
        Ok(counted)
    }

    fn variables(&self, projects: &[Audited]) -> serde_json::Value {
        let ids: Vec<String> = projects.iter().map(|project| global_id(project.id)).collect();
        let since = self.ctx.settings.since;
        json!({ "ids": ids, "first": ids.len(), "since": since, "until": self.until, "limited": since.is_some() })
    }
}

async fn ask((ctx, client): (&Context, &Client), variables: serde_json::Value) -> Result<Vec<Counted>, Error> {
    let ask = || async { client.graphql::<CountsAnswer>(COUNTS, &variables).await?.complete() };
    let projects = ctx.persist(ask).await?.projects.unwrap_or_default();
    Ok(projects.nodes.into_iter().flatten().collect())
}

fn total(counted: &Counted) -> i64 {
    counted.most.as_ref().and_then(|most| most.count).unwrap_or(0)
}

/// Whether the trouble may be that of some projects, and others would be counted.
fn is_its_own(class: Class) -> bool {
    matches!(class, Class::TooBig | Class::Refused | Class::Failed | Class::Slow)
}
