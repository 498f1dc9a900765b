//! What a batch moves besides rows: its task, the plan of its run, checkpoints, and refreshes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::database::{Arg, Sql, Tx};
use super::merge::document;
use super::{Batch, Error, List, NewTask, Progress, Source, TaskState};

/// Notes how far a task got, and refuses work that was done under an older claim.
///
/// A task that ended under this very claim takes the same end again: the first answer may have been lost.
pub(super) async fn advance(tx: &mut Tx, progress: &Progress) -> Result<(), Error> {
    const ADVANCE: Sql = Sql {
        postgres: "update connector_tasks set cursor = $3, watermark = coalesce($4, watermark),
              merge_requests = merge_requests + case when state = 'open' then $5 else 0 end, state = $6, reason = $7,
              lease_until = now() + lease_seconds * interval '1 second'
            where id = $1 and claim = $2 and state in ('open', $6)",
        sqlite: "update connector_tasks set cursor = $3, watermark = coalesce($4, watermark),
              merge_requests = merge_requests + case when state = 'open' then $5 else 0 end, state = $6, reason = $7,
              lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', lease_seconds || ' seconds')
            where id = $1 and claim = $2 and state in ('open', $6)",
    };
    const UNMEET: Sql = Sql::both("delete from connector_met where task_id = $1");

    let args = vec![
        Arg::Int(progress.task),
        Arg::Int(progress.claim),
        Arg::MaybeText(progress.cursor.clone()),
        Arg::MaybeTime(progress.watermark),
        Arg::Int(progress.merge_requests),
        Arg::text(progress.state.word()),
        Arg::MaybeText(progress.state.reason().map(str::to_owned)),
    ];
    if tx.execute(ADVANCE, args).await? == 0 {
        return Err(Error::ClaimLost);
    }
    match progress.state {
        TaskState::Open => Ok(()),
        _ => tx.execute(UNMEET, vec![Arg::Int(progress.task)]).await.map(drop),
    }
}

/// Moves the project's checkpoint when all is read that can be. Where nothing may be read, only that somebody looked is noted.
pub(super) async fn checkpoint(tx: &mut Tx, batch: &Batch, now: Timestamp) -> Result<(), Error> {
    // The first pass over a project reads everything, whatever the run is called.
    const CHECKPOINT: Sql = Sql::both(
        "insert into connector_checkpoints as c (source, project_id, watermark, finished_at, full_at)
         select t.source, t.project_id, t.watermark, $2, $2 from connector_tasks t where t.id = $1 and t.turn = 0
         on conflict (source, project_id) do update set
           watermark = coalesce(excluded.watermark, c.watermark),
           finished_at = excluded.finished_at,
           full_at = case when (select r.full_pass from connector_runs r join connector_tasks t on t.run_id = r.id
                                where t.id = $1) then excluded.full_at else c.full_at end",
    );
    const LOOKED: Sql = Sql::both(
        "insert into connector_checkpoints as c (source, project_id, finished_at)
         select t.source, t.project_id, $2 from connector_tasks t where t.id = $1 and t.turn = 0
         on conflict (source, project_id) do update set finished_at = excluded.finished_at",
    );
    let Some(progress) = &batch.progress else { return Ok(()) };
    let sql = match progress.state {
        TaskState::Done | TaskState::Incomplete { .. } => CHECKPOINT,
        TaskState::Skipped { .. } => LOOKED,
        TaskState::Open | TaskState::Failed { .. } => return Ok(()),
    };
    tx.execute(sql, vec![Arg::Int(progress.task), Arg::Time(now)]).await.map(drop)
}

/// Adds the tasks of a run, and says when there will be no more.
pub(super) async fn plan(tx: &mut Tx, source: Source, batch: &Batch, now: Timestamp) -> Result<(), Error> {
    const TASKS: Sql = Sql {
        postgres: "insert into connector_tasks (run_id, source, project_id, expected, tokens, state, merge_requests)
            select $1, $2, r.project_id, r.expected, r.tokens, r.state, r.merge_requests from json_populate_recordset(null::connector_tasks, $3::text::json) r
            order by r.project_id
            on conflict (run_id, project_id, turn) do nothing",
        sqlite: "insert into connector_tasks (run_id, source, project_id, expected, tokens, state, merge_requests)
            select $1, $2, r.value->>'project_id', r.value->>'expected', r.value->>'tokens', r.value->>'state',
              r.value->>'merge_requests' from json_each($3) r where true
            on conflict (run_id, project_id, turn) do nothing",
    };
    const LISTS: Sql = Sql {
        postgres: "insert into connector_tasks (run_id, source, project_id, expected, turn)
            select $1, $2, r.project_id, 0, r.turn from json_populate_recordset(null::connector_tasks, $3::text::json) r
            order by r.project_id, r.turn
            on conflict (run_id, project_id, turn) do nothing",
        sqlite: "insert into connector_tasks (run_id, source, project_id, expected, turn)
            select $1, $2, r.value->>'project_id', 0, r.value->>'turn' from json_each($3) r where true
            on conflict (run_id, project_id, turn) do nothing",
    };
    const PLANNED: Sql = Sql::both(
        "update connector_runs set planned_at = coalesce(planned_at, $2), by_group = coalesce(by_group, $3) where id = $1",
    );

    if batch.plan.is_empty() && batch.plan_lists.is_empty() && !batch.planned {
        return Ok(());
    }
    let run = batch.run_id.ok_or_else(|| Error::Other("a plan belongs to a run".to_owned()))?;
    if !batch.plan.is_empty() {
        let tasks: BTreeMap<i64, &NewTask> = batch.plan.iter().map(|task| (task.project_id, task)).collect();
        let task = |task: &&NewTask| {
            let tokens = (!task.tokens.is_empty()).then(|| json!(task.tokens).to_string());
            let state = if task.read.is_some() { TaskState::Done } else { TaskState::Open };
            json!({
                "project_id": task.project_id, "expected": task.expected, "tokens": tokens, "state": state.word(),
                "merge_requests": task.read.unwrap_or_default(),
            })
        };
        let tasks: Vec<_> = tasks.values().map(task).collect();
        tx.execute(TASKS, vec![Arg::Int(run), Arg::Int(source.0), Arg::Text(document(&tasks)?)]).await?;
    }
    if !batch.plan_lists.is_empty() {
        let task = |(project, list): &(i64, List)| json!({ "project_id": project, "turn": list.turn() });
        let tasks: Vec<_> = batch.plan_lists.iter().map(task).collect();
        tx.execute(LISTS, vec![Arg::Int(run), Arg::Int(source.0), Arg::Text(document(&tasks)?)]).await?;
    }
    if batch.planned {
        tx.execute(PLANNED, vec![Arg::Int(run), Arg::Time(now), Arg::Flag(batch.by_group)]).await?;
    }
    Ok(())
}

/// Takes refreshes off the list that are done, then adds the ones asked for.
pub(super) async fn refreshes(tx: &mut Tx, source: Source, batches: &[&Batch], now: Timestamp) -> Result<(), Error> {
    const DONE: Sql = Sql {
        postgres: "delete from connector_refreshes t using (
              select r.project_id, r.iid from connector_refreshes r
              join json_to_recordset($2::text::json) as c(project_id bigint, iid bigint, mark bigint)
                on r.project_id = c.project_id and r.iid = c.iid and r.mark = c.mark
              where r.source = $1 order by r.project_id, r.iid for update of r) d
            where t.source = $1 and t.project_id = d.project_id and t.iid = d.iid",
        sqlite: "delete from connector_refreshes where source = $1 and (project_id, iid, mark) in (
              select c.value->>'project_id', c.value->>'iid', c.value->>'mark' from json_each($2) c)",
    };
    // A mark begins at the clock and only grows, so one that was cleared and set again never repeats a number.
    const MARK: Sql = Sql {
        postgres: "insert into connector_refreshes as t (source, project_id, iid, project_path, mark, marked_at)
            select $1, r.project_id, r.iid, r.project_path, $3, $4
            from json_populate_recordset(null::connector_refreshes, $2::text::json) r order by r.project_id, r.iid
            on conflict (source, project_id, iid) do update set
              mark = greatest(t.mark + 1, excluded.mark), project_path = excluded.project_path",
        sqlite: "insert into connector_refreshes as t (source, project_id, iid, project_path, mark, marked_at)
            select $1, r.value->>'project_id', r.value->>'iid', r.value->>'project_path', $3, $4
            from json_each($2) r where true
            on conflict (source, project_id, iid) do update set
              mark = max(t.mark + 1, excluded.mark), project_path = excluded.project_path",
    };

    let done: Vec<_> = batches
        .iter()
        .flat_map(|batch| &batch.refreshed)
        .map(|refresh| json!({"project_id": refresh.project_id, "iid": refresh.iid, "mark": refresh.mark}))
        .collect();
    if !done.is_empty() {
        tx.execute(DONE, vec![Arg::Int(source.0), Arg::Text(document(&done)?)]).await?;
    }

    let marks = batches.iter().flat_map(|batch| &batch.refresh);
    let marks: BTreeMap<(i64, i64), &str> =
        marks.map(|mark| ((mark.project_id, mark.iid), mark.project_path.as_str())).collect();
    if marks.is_empty() {
        return Ok(());
    }
    let marks: Vec<_> = marks
        .iter()
        .map(|((project, iid), path)| json!({"project_id": project, "iid": iid, "project_path": path}))
        .collect();
    let args = vec![Arg::Int(source.0), Arg::Text(document(&marks)?), Arg::Int(now.as_microsecond()), Arg::Time(now)];
    tx.execute(MARK, args).await.map(drop)
}
