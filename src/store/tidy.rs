//! What is remembered for a while only, so that a database that is not written to by hand does not grow for ever.

use jiff::{SignedDuration, Timestamp};

use super::database::{Arg, Sql};
use super::{Error, Source, Store};

/// How long the tasks of a run are kept that ended, or that was given up. Its counts and troubles are asked for until the
/// next one ends.
const TASKS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long a delivery counts as seen. GitLab resends by hand only, and shows what it sent for a week.
const DELIVERIES_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Rows that one statement removes: it holds up nobody for long.
const STEP: i64 = 5_000;

impl Store {
    /// Drops tasks that nobody will ask for again of the connection that a run belongs to.
    pub(super) async fn tidy(&self, run: i64, now: Timestamp) -> Result<(), Error> {
        // Never those of this run or of the latest, however long ago it ended.
        const TASKS: Sql = Sql::both(
            "delete from connector_tasks where id in (
               select t.id from connector_tasks t join connector_runs r on r.id = t.run_id
               join connector_runs this on this.source = r.source
               where this.id = $1 and r.id < this.id and coalesce(r.finished_at, r.started_at) < $2 limit $3)",
        );
        const MET: Sql = Sql::both(
            "delete from connector_met where (task_id, merge_request_id) in (
               select m.task_id, m.merge_request_id from connector_tasks t join connector_runs r on r.id = t.run_id
               join connector_runs this on this.source = r.source
               join connector_met m on m.task_id = t.id
               where this.id = $1 and r.id < this.id and coalesce(r.finished_at, r.started_at) < $2 limit $3)",
        );
        for sql in [MET, TASKS] {
            self.in_steps(sql, &[Arg::Int(run), before(now, TASKS_KEPT)]).await?;
        }
        Ok(())
    }

    /// Drops deliveries of a connection that will not come again. To be called now and then, also where no import ends.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn forget_old_deliveries(&self, source: Source, now: Timestamp) -> Result<(), Error> {
        // The latest stays: it shows that deliveries arrive, also where little happens.
        const DELIVERIES: Sql = Sql::both(
            "delete from connector_deliveries where source = $1 and id in (
               select d.id from connector_deliveries d
               where d.source = $1 and d.received_at < $2
                 and d.received_at < (select max(l.received_at) from connector_deliveries l where l.source = $1)
               order by d.received_at limit $3)",
        );
        self.in_steps(DELIVERIES, &[Arg::Int(source.0), before(now, DELIVERIES_KEPT)]).await
    }

    /// Says a statement until it finds less than a step to remove; `$3` is the step.
    async fn in_steps(&self, sql: Sql, args: &[Arg]) -> Result<(), Error> {
        let step = Arg::Int(STEP);
        while self.execute(sql, args.iter().chain([&step]).cloned().collect()).await? >= STEP.unsigned_abs() {}
        Ok(())
    }
}

fn before(now: Timestamp, kept: SignedDuration) -> Arg {
    Arg::Time(now.checked_sub(kept).unwrap_or(Timestamp::MIN))
}
