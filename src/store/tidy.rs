//! What is remembered for a while only, so that a database that is not written to by hand does not grow for ever.

use jiff::{SignedDuration, Timestamp};

use super::database::{Arg, Sql};
use super::{Error, Store};

/// How long the tasks of a run are kept that ended, or that was given up. Its counts and troubles are asked for until the next one ends.
const TASKS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long a delivery counts as seen. GitLab resends by hand only, and shows what it sent for a week.
const DELIVERIES_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Store {
    /// Drops what nobody will ask for again of the connection that a run belongs to.
    pub(super) async fn tidy(&self, run: i64, now: Timestamp) -> Result<(), Error> {
        // Never those of this run or of the latest, however long ago it ended.
        const TASKS: Sql = Sql::both(
            "delete from connector_tasks where run_id in (
               select r.id from connector_runs r join connector_runs this on this.source = r.source
               where this.id = $1 and r.id < this.id and coalesce(r.finished_at, r.started_at) < $2)",
        );
        const MET: Sql = Sql::both(
            "delete from connector_met where task_id in (
               select t.id from connector_tasks t join connector_runs r on r.id = t.run_id
               join connector_runs this on this.source = r.source
               where this.id = $1 and r.id < this.id and coalesce(r.finished_at, r.started_at) < $2)",
        );
        // The latest stays: it shows that deliveries arrive, also where little happens.
        const DELIVERIES: Sql = Sql::both(
            "delete from connector_deliveries
             where source = (select source from connector_runs where id = $1) and received_at < $2
               and received_at < (select max(d.received_at) from connector_deliveries d
                                  where d.source = connector_deliveries.source)",
        );
        let before = |kept: SignedDuration| Arg::Time(now.checked_sub(kept).unwrap_or(Timestamp::MIN));
        self.execute(MET, vec![Arg::Int(run), before(TASKS_KEPT)]).await?;
        self.execute(TASKS, vec![Arg::Int(run), before(TASKS_KEPT)]).await?;
        self.execute(DELIVERIES, vec![Arg::Int(run), before(DELIVERIES_KEPT)]).await.map(drop)
    }
}
