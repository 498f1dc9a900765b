//! Runs and their tasks: the queue that workers share. Leases are measured by the database's clock.

use jiff::{SignedDuration, Timestamp};

use super::answer::Row;
use super::database::{Arg, Sql};
use super::{Error, List, PlanClaim, Run, RunProgress, RunSummary, Source, Store, Task, Trouble};

/// The troubles that a summary names.
const TROUBLES: i64 = 100;

/// What [`task`] reads, of the row that a claim changed.
macro_rules! task_columns {
    () => {
        "id, claim, project_id,
           (select p.path_with_namespace from gitlab_projects p
            where p.source = connector_tasks.source and p.id = connector_tasks.project_id),
           cursor, watermark,
           case turn when 0 then (select c.watermark from connector_checkpoints c
              where c.source = connector_tasks.source and c.project_id = connector_tasks.project_id)
            else (select l.watermark from connector_lists l
              where l.source = connector_tasks.source and l.project_id = connector_tasks.project_id
                and l.list = case turn when 1 then 'deployments' else 'pipelines' end) end,
           (select r.full_pass from connector_runs r where r.id = connector_tasks.run_id), merge_requests,
           exists (select 1 from gitlab_projects p
            where p.source = connector_tasks.source and p.id = connector_tasks.project_id and not p.merge_requests_enabled),
           exists (select 1 from connector_unreadable u
            where u.source = connector_tasks.source and u.project_id = connector_tasks.project_id), tokens, turn"
    };
}

impl Store {
    /// The run with this key, made if there is none.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn open_run(&self, source: Source, key: &str, full: bool) -> Result<Run, Error> {
        const OPEN: Sql = Sql::both(
            "insert into connector_runs (source, key, full_pass, started_at) values ($1, $2, $3, $4)
             on conflict (source, key) do nothing",
        );
        const FIND: Sql = Sql::both(
            "select id, key, full_pass, planned_at is not null, finished_at, started_at from connector_runs
             where source = $1 and key = $2",
        );
        let args = vec![Arg::Int(source.0), Arg::text(key), Arg::Flag(full), Arg::Time(Timestamp::now())];
        self.execute(OPEN, args).await?;
        let rows = self.fetch(FIND, vec![Arg::Int(source.0), Arg::text(key)]).await?;
        rows.first().map(run).ok_or_else(|| vanished("run"))
    }

    /// The latest run that has not ended.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn unfinished_run(&self, source: Source) -> Result<Option<Run>, Error> {
        const UNFINISHED: Sql = Sql::both(
            "select id, key, full_pass, planned_at is not null, finished_at, started_at from connector_runs
             where source = $1 and finished_at is null order by id desc limit 1",
        );
        Ok(self.fetch(UNFINISHED, vec![Arg::Int(source.0)]).await?.first().map(run))
    }

    /// The latest run, ended or not, and how it went.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn last_run(&self, source: Source) -> Result<Option<RunSummary>, Error> {
        const LAST: Sql = Sql::both("select id from connector_runs where source = $1 order by id desc limit 1");
        match self.fetch(LAST, vec![Arg::Int(source.0)]).await?.first() {
            Some(row) => self.summary(row.int(0)).await.map(Some),
            None => Ok(None),
        }
    }

    /// When the last run that read everything began, of those that ended. The first of all did.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn last_full_run(&self, source: Source) -> Result<Option<Timestamp>, Error> {
        const LAST: Sql = Sql::both(
            "select max(started_at) from connector_runs where source = $1 and finished_at is not null
               and (full_pass or id = (select min(id) from connector_runs where source = $1 and finished_at is not null))",
        );
        Ok(self.fetch(LAST, vec![Arg::Int(source.0)]).await?.first().and_then(|row| row.time(0)))
    }

    /// Asks to be the one who plans the run.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn claim_plan(&self, run: i64, worker: &str, lease: SignedDuration) -> Result<PlanClaim, Error> {
        const CLAIM: Sql = Sql {
            postgres: "update connector_runs
                set planner = $2, plan_lease_until = now() + $3 * interval '1 second'
                where id = $1 and planned_at is null
                  and (planner is null or planner = $2 or plan_lease_until < now())",
            sqlite: "update connector_runs
                set planner = $2, plan_lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', $3 || ' seconds')
                where id = $1 and planned_at is null
                  and (planner is null or planner = $2 or plan_lease_until < strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
        };
        const PLANNED: Sql = Sql::both("select 1 from connector_runs where id = $1 and planned_at is not null");
        let args = vec![Arg::Int(run), Arg::text(worker), Arg::Real(lease.as_secs_f64())];
        if self.execute(CLAIM, args).await? > 0 {
            return Ok(PlanClaim::Mine);
        }
        match self.fetch(PLANNED, vec![Arg::Int(run)]).await?.is_empty() {
            true => Ok(PlanClaim::Elsewhere),
            false => Ok(PlanClaim::Planned),
        }
    }

    /// Frees what a worker holds: `worker` is its name, with or without what tells its lives apart (`name#life`).
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn release_worker(&self, run: i64, worker: &str) -> Result<(), Error> {
        const PLAN: Sql = Sql::both(
            "update connector_runs set planner = null, plan_lease_until = null where id = $1 and (planner = $2 or planner like $2 || '#%')",
        );
        // The number of the claim grows, so that work still on its way from the dead worker is refused.
        const TASKS: Sql = Sql::both(
            "update connector_tasks set worker = null, lease_until = null, claim = claim + 1
             where run_id = $1 and (worker = $2 or worker like $2 || '#%') and state = 'open'",
        );
        self.execute(PLAN, vec![Arg::Int(run), Arg::text(worker)]).await?;
        self.execute(TASKS, vec![Arg::Int(run), Arg::text(worker)]).await.map(drop)
    }

    /// Claims the largest open task that nobody holds, or whose lease ran out. Merge requests come first: other lists wait until
    /// all of them are read.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn claim_task(&self, run: i64, worker: &str, lease: SignedDuration) -> Result<Option<Task>, Error> {
        // All in one statement: a task that is claimed and not told of would be nobody's until its lease ends. The turn is a
        // bound, by which the index ends: a filter would look at all that wait, each time that somebody asks.
        const CLAIM: Sql = Sql {
            postgres: concat!(
                "update connector_tasks set worker = $2, claim = claim + 1, lease_seconds = $3,
                  lease_until = now() + $3 * interval '1 second'
                where id = (select id from connector_tasks
                            where run_id = $1 and state = 'open' and (lease_until is null or lease_until < now())
                              and turn <= (select case when exists (select 1 from connector_tasks o
                                where o.run_id = $1 and o.turn = 0 and o.state = 'open') then 0 else 2 end)
                            order by turn, expected desc, id limit 1 for update skip locked)
                returning ",
                task_columns!()
            ),
            sqlite: concat!(
                "update connector_tasks set worker = $2, claim = claim + 1, lease_seconds = $3,
                  lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', $3 || ' seconds')
                where id = (select id from connector_tasks
                            where run_id = $1 and state = 'open'
                              and (lease_until is null or lease_until < strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                              and turn <= (select case when exists (select 1 from connector_tasks o
                                where o.run_id = $1 and o.turn = 0 and o.state = 'open') then 0 else 2 end)
                            order by turn, expected desc, id limit 1)
                returning ",
                task_columns!()
            ),
        };
        let args = vec![Arg::Int(run), Arg::text(worker), Arg::Real(lease.as_secs_f64())];
        Ok(self.execute_returning(CLAIM, args).await?.first().map(task))
    }

    /// Keeps a claim alive while no batch is ready. Every commit of progress does the same.
    ///
    /// # Errors
    /// [`Error::ClaimLost`] when another worker has the task.
    pub async fn extend_lease(&self, task: i64, claim: i64, lease: SignedDuration) -> Result<(), Error> {
        const EXTEND: Sql = Sql {
            postgres: "update connector_tasks set lease_until = now() + $3 * interval '1 second'
                where id = $1 and claim = $2 and state = 'open'",
            sqlite: "update connector_tasks set lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', $3 || ' seconds')
                where id = $1 and claim = $2 and state = 'open'",
        };
        let args = vec![Arg::Int(task), Arg::Int(claim), Arg::Real(lease.as_secs_f64())];
        match self.execute(EXTEND, args).await? {
            0 => Err(Error::ClaimLost),
            _ => Ok(()),
        }
    }

    /// Ends the run if all of its tasks ended; `run.finished_at` in the answer tells.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn finish_run(&self, run: i64) -> Result<RunSummary, Error> {
        const FINISH: Sql = Sql::both(
            "update connector_runs set finished_at = $2
             where id = $1 and finished_at is null and planned_at is not null
               and not exists (select 1 from connector_tasks where run_id = $1 and state = 'open')",
        );
        let now = Timestamp::now();
        if self.execute(FINISH, vec![Arg::Int(run), Arg::Time(now)]).await? > 0 {
            // A run that is done is not undone because old rows are in the way.
            let _ = self.tidy(run, now).await.inspect_err(|error| tracing::warn!(%error, "old rows stay for now"));
        }
        self.summary(run).await
    }

    /// How far a run got.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn run_progress(&self, run: i64) -> Result<RunProgress, Error> {
        // Of a run that read its changes group by group, projects without a task are done, but for those that are switched off.
        const PROGRESS: Sql = Sql::both(
            "select t.tasks + p.projects, t.done + p.projects - p.off, t.skipped + p.off, t.failed, t.expected, t.merge_requests,
               l.open, l.failed
             from (select count(*) as tasks, count(case when state = 'done' then 1 end) as done,
                 count(case when state = 'skipped' then 1 end) as skipped, count(case when state = 'failed' then 1 end) as failed,
                 cast(coalesce(sum(expected), 0) as bigint) as expected,
                 cast(coalesce(sum(merge_requests), 0) as bigint) as merge_requests
               from connector_tasks where run_id = $1 and turn = 0) t
             cross join (select count(case when state = 'open' then 1 end) as open,
                 count(case when state = 'failed' then 1 end) as failed
               from connector_tasks where run_id = $1 and turn > 0) l
             cross join (select count(*) as projects, count(case when not p.merge_requests_enabled then 1 end) as off
               from connector_runs r
               join gitlab_projects p on p.source = r.source and p.deleted_at is null and p.out_of_scope_at is null
                 and p.excluded_at is null
               join connector_checkpoints c on c.source = p.source and c.project_id = p.id
               where r.id = $1 and r.by_group
                 and not exists (select 1 from connector_tasks t where t.run_id = r.id and t.project_id = p.id and t.turn = 0)) p",
        );
        let rows = self.fetch(PROGRESS, vec![Arg::Int(run)]).await?;
        let progress = rows.first().map(|row| RunProgress {
            tasks: row.int(0),
            done: row.int(1),
            skipped: row.int(2),
            failed: row.int(3),
            expected: row.int(4),
            merge_requests: row.int(5),
            lists_open: row.int(6),
            lists_failed: row.int(7),
        });
        Ok(progress.unwrap_or_default())
    }

    async fn summary(&self, id: i64) -> Result<RunSummary, Error> {
        const RUN: Sql = Sql::both(
            "select id, key, full_pass, planned_at is not null, finished_at, started_at from connector_runs where id = $1",
        );
        const TROUBLE: Sql = Sql::both(
            "select t.project_id, coalesce(p.path_with_namespace, ''), t.state, t.reason, t.turn from connector_tasks t
             left join gitlab_projects p on p.source = t.source and p.id = t.project_id
             where t.run_id = $1 and (t.state = 'failed' or (t.state = 'skipped' and t.turn = 0))
             order by t.state, t.turn, t.id limit $2",
        );
        let rows = self.fetch(RUN, vec![Arg::Int(id)]).await?;
        let run = rows.first().map(run).ok_or_else(|| vanished("run"))?;
        let progress = self.run_progress(id).await?;
        let troubles = self.fetch(TROUBLE, vec![Arg::Int(id), Arg::Int(TROUBLES)]).await?;
        let trouble = |row: &Row| Trouble {
            project_id: row.int(0),
            project_path: row.text(1),
            failed: row.text(2) == "failed",
            reason: match List::of_turn(row.int(4)) {
                List::MergeRequests => row.text(3),
                list => format!("{}: {}", list.name(), row.text(3)),
            },
        };
        Ok(RunSummary { run, progress, troubles: troubles.iter().map(trouble).collect() })
    }
}

fn run(row: &Row) -> Run {
    Run {
        id: row.int(0),
        key: row.text(1),
        full: row.flag(2),
        planned: row.flag(3),
        finished_at: row.time(4),
        started_at: row.time(5).unwrap_or_default(),
    }
}

fn task(row: &Row) -> Task {
    let full = row.flag(7);
    Task {
        id: row.int(0),
        claim: row.int(1),
        project_id: row.int(2),
        project_path: row.text(3),
        cursor: row.maybe_text(4),
        watermark: row.time(5),
        since: row.time(6).filter(|_| !full),
        full,
        merge_requests: row.int(8),
        switched_off: row.flag(9),
        troubled: row.flag(10),
        tokens: row.maybe_text(11).and_then(|names| serde_json::from_str(&names).ok()).unwrap_or_default(),
        list: List::of_turn(row.int(12)),
    }
}

fn vanished(what: &str) -> Error {
    Error::Other(format!("the {what} was removed meanwhile"))
}
