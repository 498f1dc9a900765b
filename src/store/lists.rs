//! Lists of a project that are read after its merge requests: how far each is stored, and which GitLab does not give.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::json;

use super::commit::Writer;
use super::database::{Arg, Sql};
use super::{Batch, Error, Source, Store, rows};

/// A list of a project that an import reads, in the order in which they are claimed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum List {
    /// Merge requests with all that belongs to them.
    #[default]
    MergeRequests,
    /// Environments and deployments.
    Deployments,
    /// Pipelines and their jobs.
    Pipelines,
}

impl List {
    /// Those that are read after merge requests.
    pub const LATER: [List; 2] = [List::Deployments, List::Pipelines];

    /// Its name, as tables and people spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            List::MergeRequests => "merge requests",
            List::Deployments => "deployments",
            List::Pipelines => "pipelines",
        }
    }

    /// When it is claimed.
    pub(super) fn turn(self) -> i64 {
        match self {
            List::MergeRequests => 0,
            List::Deployments => 1,
            List::Pipelines => 2,
        }
    }

    pub(super) fn of_turn(turn: i64) -> List {
        List::LATER.into_iter().find(|list| list.turn() == turn).unwrap_or_default()
    }
}

/// What became of a list of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListState {
    /// It is stored to its end.
    Read,
    /// It is switched off, or hidden from the tokens: a state of the project, and no error. With GitLab's words.
    Off(String),
    /// GitLab could not deliver it. With its words.
    Failed(String),
    /// It was read, and its project cannot be read at present: what changes meanwhile is missed.
    Missed,
}

impl ListState {
    fn word(&self) -> &'static str {
        match self {
            ListState::Read => "read",
            ListState::Off(_) => "off",
            ListState::Failed(_) => "failed",
            ListState::Missed => "missed",
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            ListState::Read | ListState::Missed => None,
            ListState::Off(reason) | ListState::Failed(reason) => Some(reason),
        }
    }
}

/// A list of a project, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListStanding {
    /// The project.
    pub project_id: i64,
    /// The list.
    pub list: List,
    /// What became of it.
    pub state: ListState,
    /// Everything that changed before this is stored; `None` leaves it as it was.
    pub watermark: Option<Timestamp>,
}

/// What an earlier import knows of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownList {
    /// It is stored to its end.
    Read,
    /// It was switched off or hidden.
    Off,
    /// GitLab could not deliver it.
    Failed,
    /// It was read, and then its project could not be for a while.
    Missed,
}

impl Writer<'_> {
    /// Notes what became of lists: a state that lasts keeps its beginning.
    pub(super) async fn lists(&mut self, batches: &[&Batch]) -> Result<(), Error> {
        const NOTE: Sql = Sql {
            postgres:
                "insert into connector_lists as l (source, project_id, list, state, reason, since, tried_at, watermark)
                select $1, r.project_id, r.list, r.state, r.reason, $3, $3, r.watermark
                from json_populate_recordset(null::connector_lists, $2::text::json) r order by r.project_id, r.list
                on conflict (source, project_id, list) do update set state = excluded.state, reason = excluded.reason,
                  since = case when l.state = excluded.state then l.since else excluded.since end,
                  tried_at = excluded.tried_at, watermark = coalesce(excluded.watermark, l.watermark)",
            sqlite:
                "insert into connector_lists as l (source, project_id, list, state, reason, since, tried_at, watermark)
                select $1, r.value->>'project_id', r.value->>'list', r.value->>'state', r.value->>'reason', $3, $3,
                  r.value->>'watermark'
                from json_each($2) r where true
                on conflict (source, project_id, list) do update set state = excluded.state, reason = excluded.reason,
                  since = case when l.state = excluded.state then l.since else excluded.since end,
                  tried_at = excluded.tried_at, watermark = coalesce(excluded.watermark, l.watermark)",
        };
        let row = |standing: &ListStanding| {
            json!({
                "project_id": standing.project_id, "list": standing.list.name(), "state": standing.state.word(),
                "reason": standing.state.reason(), "watermark": standing.watermark.map(rows::text),
            })
        };
        let standings: Vec<_> = batches.iter().flat_map(|batch| &batch.lists).map(row).collect();
        self.write_rows(NOTE, &standings).await
    }
}

impl Store {
    /// What is known of a list, for each project of which anything is.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn known_lists(&self, source: Source, list: List) -> Result<HashMap<i64, KnownList>, Error> {
        const KNOWN: Sql = Sql::both("select project_id, state from connector_lists where source = $1 and list = $2");
        let rows = self.fetch(KNOWN, vec![Arg::Int(source.0), Arg::text(list.name())]).await?;
        let known = |row: &super::answer::Row| match row.text(1).as_str() {
            "read" => KnownList::Read,
            "off" => KnownList::Off,
            "missed" => KnownList::Missed,
            _ => KnownList::Failed,
        };
        Ok(rows.iter().map(|row| (row.int(0), known(row))).collect())
    }
}
