//! The questions that people ask first, answered by the metric views.

use super::database::{Arg, Sql};
use super::durability::Durability;
use super::{Error, Source, Store, Value};

/// A question that a view answers. The definitions of the figures are in `docs/schema.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Which merge requests waited longest for a first review?
    SlowestReviews,
    /// How many merge requests are opened, merged and closed each week?
    MergeRequestsPerWeek,
    /// How long does a merge request take, project by project?
    CycleTimeByProject,
    /// How long does a merge request take, week by week?
    CycleTimeWeekly,
    /// How long do merge requests wait for people?
    ReviewLatencyWeekly,
    /// How many merge requests does an engineer get merged?
    ThroughputWeekly,
    /// How large are merge requests?
    SizeWeekly,
    /// Who reviews how much?
    ReviewLoadWeekly,
}

/// Rows with named columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// The values, in the order of the columns.
    pub rows: Vec<Vec<Value>>,
}

impl Question {
    /// The columns, and the statement that selects them in this order.
    fn sql(self) -> (&'static str, &'static str) {
        match self {
            Question::SlowestReviews => (
                "repo, number, title, author, waited_hours",
                "select repo, number, title, author, waited_hours from slowest_reviews where source = $1
                 order by waited_hours desc, repo, number limit $2",
            ),
            Question::MergeRequestsPerWeek => (
                "week, opened, merged, closed",
                "select week, opened, merged, closed from merge_requests_per_week where source = $1
                 order by week desc limit $2",
            ),
            Question::CycleTimeByProject => (
                "repo, merge_requests, cycle_time_hours, first_review_hours, median_lines",
                "select repo, merge_requests, cycle_time_hours, first_review_hours, median_lines
                 from cycle_time_by_project where source = $1 order by merge_requests desc, repo limit $2",
            ),
            Question::CycleTimeWeekly => (
                "week, merge_requests, cycle_time_hours, cycle_time_business_hours, open_to_merge_hours",
                "select week, merge_requests, cycle_time_hours, cycle_time_business_hours, open_to_merge_hours
                 from metrics_cycle_time_weekly where source = $1 order by week desc limit $2",
            ),
            Question::ReviewLatencyWeekly => (
                "week, merge_requests, first_review_hours, first_approval_hours, merged_unreviewed, merged_unreviewed_share",
                "select week, merge_requests, first_review_hours, first_approval_hours, merged_unreviewed,
                   merged_unreviewed_share
                 from metrics_review_latency_weekly where source = $1 order by week desc limit $2",
            ),
            Question::ThroughputWeekly => (
                "week, merged, engineers, merged_per_engineer",
                "select week, merged, engineers, merged_per_engineer from metrics_throughput_weekly where source = $1
                 order by week desc limit $2",
            ),
            Question::SizeWeekly => (
                "week, merge_requests, median_lines, median_files",
                "select week, merge_requests, median_lines, median_files from metrics_size_weekly where source = $1
                 order by week desc limit $2",
            ),
            Question::ReviewLoadWeekly => (
                "week, username, merge_requests, approvals, comments",
                "select week, username, merge_requests, approvals, comments from metrics_review_load_weekly
                 where source = $1 order by week desc, merge_requests desc, username limit $2",
            ),
        }
    }
}

impl Store {
    /// Answers a question for one connection, at most `limit` rows.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn ask(&self, question: Question, source: Source, limit: i64) -> Result<Answer, Error> {
        let (columns, sql) = question.sql();
        let (sql, args) = (Sql::both(sql), vec![Arg::Int(source.0), Arg::Int(limit)]);
        let rows = match self {
            Store::Postgres(_) => {
                let mut tx = self.begin(Durability::Process).await?;
                tx.plan_freely().await?;
                tx.fetch(sql, args).await?
            }
            Store::Sqlite(_) => self.fetch(sql, args).await?,
        };
        Ok(Answer { columns: columns.split(", ").collect(), rows: rows.into_iter().map(|row| row.0).collect() })
    }
}
