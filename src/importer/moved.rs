//! Which projects have lists to be read after their merge requests: those that were never read to the end, and those that moved.
//!
//! One request tells of a hundred projects whether any pipeline changed in them. Deployments nearly always come of pipelines. Those
//! that come through the API are told by a project's very first deployment, and from then on by a request for each such project.
//! Where jobs deployed before, the first one through the API shows with the next pipeline, or with the next pass over everything.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::gitlab::Class;
use crate::gitlab::queries::counts::global_id;
use crate::gitlab::queries::moved::{AT_ONCE, MOVED, MovedAnswer};
use crate::store::{self, Batch, KnownList, KnownProject, List, ListStanding, ListState, Run, Source, Store};

use super::discover::is_of_the_token;
use super::planner::Planner;
use super::project::earlier;
use super::{Error, Settings, belongings};

/// Key under which it is kept with the connection.
const KEY: &str = "import.moved";

/// How long a deployment is asked for again that has not ended, or that was made through the API.
const RESTLESS: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Tasks to store at once.
const TASKS_AT_ONCE: usize = 500;

/// Up to when movements are known, by GitLab's clock.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Looked {
    at: Option<Timestamp>,
    /// The lists that were looked after then.
    lists: BTreeSet<String>,
    /// The run that looks now, and when it began to.
    run: i64,
    begun: Option<Timestamp>,
    begun_lists: BTreeSet<String>,
}

impl Looked {
    /// A run looks. Where it looks once more because its planner died, what the first look gave out may be read already, and is
    /// not read again: so the first look counts.
    fn begins(&mut self, run: i64, lists: &[List], now: Timestamp) {
        let lists = lists.iter().map(|list| list.name().to_owned());
        if self.run == run && self.begun.is_some() {
            let lists: BTreeSet<String> = lists.collect();
            self.begun_lists.retain(|list| lists.contains(list));
            return;
        }
        // GitLab tells whole seconds: what changes later in this one would not seem later.
        self.begun = Timestamp::from_second(now.as_second() - 1).ok();
        (self.run, self.begun_lists) = (run, lists.collect());
    }
}

/// What moved in some projects.
#[derive(Debug, Default)]
struct Movements {
    pipelines: HashSet<i64>,
    deployed: HashSet<i64>,
}

impl Movements {
    fn take(&mut self, answer: MovedAnswer, with_deployments: &HashSet<i64>) {
        for moved in answer.projects.unwrap_or_default().nodes.into_iter().flatten() {
            if moved.pipelines_moved() {
                self.pipelines.insert(moved.id);
            }
            if moved.deployment.is_some() && !with_deployments.contains(&moved.id) {
                self.deployed.insert(moved.id);
            }
        }
    }
}

impl Planner<'_> {
    /// Gives out tasks for lists that are read after merge requests; `walked` is whether the scope was walked.
    pub(super) async fn later_lists(&mut self, walked: bool) -> Result<(), Error> {
        let (ctx, source) = (self.ctx, self.ctx.settings.source);
        let wanted = wanted(&ctx.settings);
        if wanted.is_empty() {
            return Ok(());
        }
        let now = ctx.client.server_now();
        let mut looked = ctx.patiently(|| load(&ctx.store, source)).await?;
        let projects = self.readable().await?;
        let mut known = HashMap::new();
        for list in &wanted {
            known.insert(*list, ctx.patiently(|| ctx.store.known_lists(source, *list)).await?);
        }
        let was_looked_after = |list: &List| looked.lists.contains(list.name());
        let since = looked.at.filter(|_| !self.run.full && wanted.iter().any(was_looked_after));
        let movements = match since {
            Some(since) => self.movements(&projects, earlier(since), known.get(&List::Deployments)).await?,
            None => Movements::default(),
        };
        let restless = now.checked_sub(RESTLESS).unwrap_or(Timestamp::MIN);
        let mut restless = ctx.patiently(|| ctx.store.restless_deployments(source, restless)).await?;
        restless.extend(ctx.patiently(|| ctx.store.projects_untold(source)).await?);
        let mut tasks = Vec::new();
        for list in &wanted {
            let is_due = |project: i64, known: Option<&KnownList>| match known {
                _ if since.is_none() || !was_looked_after(list) => true,
                None | Some(KnownList::Failed | KnownList::Missed) => true,
                Some(KnownList::Off) => walked,
                Some(KnownList::Read) if movements.pipelines.contains(&project) => true,
                Some(KnownList::Read) => {
                    *list == List::Deployments && (restless.contains(&project) || movements.deployed.contains(&project))
                }
            };
            let of_list = known.get(list);
            let due = projects.iter().filter(|id| is_due(**id, of_list.and_then(|known| known.get(id))));
            tasks.extend(due.map(|id| (*id, *list)));
        }
        // Before the tasks: what moves once they are read must not be earlier than the look.
        looked.begins(self.run.id, &wanted, now);
        ctx.patiently(|| save(&ctx.store, source, &looked)).await?;
        for tasks in tasks.chunks(TASKS_AT_ONCE) {
            let (run_id, plan_lists) = (Some(self.run.id), tasks.to_vec());
            ctx.commit(Batch { run_id, plan_lists, ..Batch::default() }).await?;
        }
        self.miss(&projects, &known).await
    }

    /// Remembers of projects that cannot be read now that what moves in them is missed: their lists are read once they can be.
    async fn miss(&self, readable: &[i64], known: &HashMap<List, HashMap<i64, KnownList>>) -> Result<(), Error> {
        let readable: HashSet<&i64> = readable.iter().collect();
        let is_missed =
            |(project, known): &(&i64, &KnownList)| **known == KnownList::Read && !readable.contains(project);
        let missed = known.iter().flat_map(|(list, known)| known.iter().filter(is_missed).map(|(id, _)| (*id, *list)));
        let lists: Vec<ListStanding> = missed
            .map(|(project_id, list)| ListStanding { project_id, list, state: ListState::Missed, watermark: None })
            .collect();
        for lists in lists.chunks(TASKS_AT_ONCE) {
            self.ctx.commit(Batch { lists: lists.to_vec(), ..Batch::default() }).await?;
        }
        Ok(())
    }

    /// The projects whose lists can be read.
    async fn readable(&self) -> Result<Vec<i64>, Error> {
        let ctx = self.ctx;
        let known = ctx.patiently(|| ctx.store.known_projects(ctx.settings.source)).await?;
        let archived = ctx.settings.scope.include_archived;
        let is_readable =
            |one: &&KnownProject| one.followed && !one.unreadable && (archived || one.archived != Some(true));
        Ok(known.iter().filter(is_readable).map(|one| one.id).collect())
    }

    /// In which projects anything moved since a time, as any of the users sees it.
    async fn movements(
        &self,
        projects: &[i64],
        since: Timestamp,
        lists: Option<&HashMap<i64, KnownList>>,
    ) -> Result<Movements, Error> {
        let (ctx, source) = (self.ctx, self.ctx.settings.source);
        let mut known = ctx.patiently(|| ctx.store.projects_with_deployments(source)).await?;
        if ctx.settings.since.is_some() {
            // Those whose deployments are all too old to be stored have been read as well.
            known.extend(lists.into_iter().flatten().filter(|(_, list)| **list == KnownList::Read).map(|(id, _)| *id));
        }
        let mut movements = Movements::default();
        for client in &ctx.views {
            let mut asked: Vec<&[i64]> = projects.chunks(AT_ONCE).collect();
            while let Some(some) = asked.pop() {
                let ids: Vec<String> = some.iter().copied().map(global_id).collect();
                let variables = json!({ "ids": ids, "first": ids.len(), "since": since });
                let error = match belongings::ask::<MovedAnswer>((ctx, client), MOVED, &variables).await {
                    Ok(answer) => {
                        movements.take(answer, &known);
                        continue;
                    }
                    Err(Error::GitLab(error)) => error,
                    Err(error) => return Err(error),
                };
                match error.class() {
                    Class::TooBig | Class::Slow if some.len() > 1 => {
                        let (first, second) = some.split_at(some.len() / 2);
                        asked.extend([first, second]);
                    }
                    // The others see what they see, and nobody knows what this one would have seen.
                    Class::Fatal if is_of_the_token(&error) && ctx.views.len() > 1 => {
                        movements.pipelines.extend(some.iter().chain(asked.into_iter().flatten()));
                        break;
                    }
                    Class::Fatal => return Err(error.into()),
                    _ => {
                        tracing::warn!(%error, "GitLab does not tell what moved, asking project by project");
                        movements.pipelines.extend(some);
                    }
                }
            }
        }
        Ok(movements)
    }
}

/// The run has ended: what moved before it looked is stored.
pub(super) async fn ended(store: &Store, source: Source, run: &Run) -> Result<(), store::Error> {
    let looked = load(store, source).await?;
    if looked.run != run.id || looked.begun.is_none() {
        return Ok(());
    }
    let Looked { begun: at, begun_lists: lists, .. } = looked;
    save(store, source, &Looked { at, lists, ..Looked::default() }).await
}

fn wanted(settings: &Settings) -> Vec<List> {
    let resources = settings.resources;
    let is_wanted = |list: &List| match list {
        List::MergeRequests => false,
        List::Deployments => resources.deployments,
        List::Pipelines => resources.pipelines,
    };
    List::LATER.into_iter().filter(is_wanted).collect()
}

async fn load(store: &Store, source: Source) -> Result<Looked, store::Error> {
    let text = store.state(source, KEY).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

async fn save(store: &Store, source: Source, looked: &Looked) -> Result<(), store::Error> {
    store.set_state(source, KEY, &serde_json::to_string(looked).unwrap_or_default()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_run_looks_twice_the_first_look_counts() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let mut looked = Looked::default();

        looked.begins(1, &List::LATER, at(10));
        looked.begins(1, &[List::Pipelines], at(20));
        assert_eq!((looked.begun, looked.begun_lists.len()), (Some(at(9)), 1));

        looked.begins(2, &[List::Pipelines], at(30));
        assert_eq!(looked.begun, Some(at(29)));
    }
}
