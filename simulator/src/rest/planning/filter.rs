//! What lists of issues can be asked for (`lib/api/issues.rb`).

use jiff::Timestamp;

use crate::rest::params::{Param, SORTS, id_or_wild, integer, integers, one_of, text, texts, time, truth};
use crate::rest::{Failure, Request, search};
use crate::world::{Issue, Timebox, World};

/// What lists and statistics take.
pub(super) static COUNTED: &[Param] = &[
    texts("labels"),
    text("milestone"),
    one_of("milestone_id", &["Any", "None", "Upcoming", "Started"]).excludes("milestone"),
    integers("iids"),
    text("search"),
    text("in"),
    integer("author_id").excludes("author_username"),
    text("author_username"),
    id_or_wild("assignee_id").excludes("assignee_username"),
    texts("assignee_username"),
    time("created_after"),
    time("created_before"),
    time("updated_after"),
    time("updated_before"),
    text("my_reaction_emoji"),
    truth("confidential"),
];

/// What lists take beside that.
pub(super) static LISTED: &[Param] = &[
    truth("with_labels_details").or("false"),
    one_of("state", &["opened", "closed", "all"]).or("all"),
    one_of("order_by", ORDERS).or("created_at"),
    one_of("sort", SORTS).or("desc"),
    one_of(
        "due_date",
        &["0", "any", "today", "tomorrow", "overdue", "week", "month", "next_month_and_previous_two_weeks", ""],
    ),
    one_of("issue_type", &["issue", "incident", "test_case", "requirement", "task", "ticket"]),
];

static ORDERS: &[&str] = &[
    "created_at",
    "updated_at",
    "priority",
    "due_date",
    "relative_position",
    "label_priority",
    "milestone_due",
    "popularity",
    "title",
    "weight",
];

/// Scopes as GitLab names them, in both spellings.
pub(super) static SCOPES: &[&str] = &["created-by-me", "assigned-to-me", "created_by_me", "assigned_to_me", "all"];

/// Both ends included.
type Range = (Option<Timestamp>, Option<Timestamp>);

/// What is wanted.
pub(super) struct Filter<'w> {
    world: &'w World,
    request: &'w Request,
    scope: String,
    created: Range,
    updated: Range,
}

impl<'w> Filter<'w> {
    pub(super) fn read(world: &'w World, request: &'w Request) -> Result<Filter<'w>, Failure> {
        let args = &request.args;
        let scope = args.filled("scope").unwrap_or_else(|| "all".to_owned()).replace('-', "_");
        let created = (args.time("created_after")?, args.time("created_before")?);
        let updated = (args.time("updated_after")?, args.time("updated_before")?);
        Ok(Filter { world, request, scope, created, updated })
    }

    pub(super) fn wants(&self, issue: &Issue) -> bool {
        let args = &self.request.args;
        let state = args.filled("state").unwrap_or_else(|| "all".to_owned());
        let iids = args.list("iids");
        let excluded = args.list("not[iids]");
        state_is(issue, &state)
            && self.in_scope(issue)
            && within(issue.created_at, self.created)
            && within(issue.updated_at, self.updated)
            && (iids.is_empty() || iids.contains(&issue.iid.to_string()))
            && !excluded.contains(&issue.iid.to_string())
            && args.truth("confidential").is_none_or(|wanted| wanted == issue.confidential)
            && args.filled("issue_type").is_none_or(|kind| kind == issue.kind.name())
            && args.filled("my_reaction_emoji").is_none_or(|emoji| self.reacted(issue, &emoji))
            && self.people(issue)
            && self.marks(issue)
            && self.dates(issue)
            && self.searched(issue)
    }

    fn reacted(&self, issue: &Issue, emoji: &str) -> bool {
        let mut own = issue.awards.iter().filter(|award| Some(award.user) == self.request.caller.user);
        match emoji.to_lowercase().as_str() {
            "none" => own.next().is_none(),
            "any" => own.next().is_some(),
            name => own.any(|award| award.name == name),
        }
    }

    fn in_scope(&self, issue: &Issue) -> bool {
        let Some(user) = self.request.caller.user else {
            return self.scope == "all";
        };
        match self.scope.as_str() {
            "created_by_me" => issue.author == Some(user),
            "assigned_to_me" => issue.assignees.contains(&user),
            _ => true,
        }
    }

    fn people(&self, issue: &Issue) -> bool {
        let args = &self.request.args;
        let id = |name: &str| args.filled(name).and_then(|id| id.parse::<i64>().ok());
        let named = |name: &str| args.filled(name).map(|name| self.world.user_by_name(&name).map(|user| user.id));
        let assigned = |name: &String| {
            let user = self.world.user_by_name(name);
            user.is_some_and(|user| issue.assignees.contains(&user.id))
        };
        let assignee = match args.filled("assignee_id").map(|wish| wish.to_lowercase()).as_deref() {
            None => true,
            Some("none") => issue.assignees.is_empty(),
            Some("any") => !issue.assignees.is_empty(),
            Some(id) => id.parse().is_ok_and(|id| issue.assignees.contains(&id)),
        };
        assignee
            && args.list("assignee_username").iter().all(assigned)
            && !args.list("not[assignee_username]").iter().any(assigned)
            && id("not[assignee_id]").is_none_or(|id| !issue.assignees.contains(&id))
            && id("author_id").is_none_or(|id| issue.author == Some(id))
            && named("author_username").is_none_or(|user| user.is_some() && issue.author == user)
            && id("not[author_id]").is_none_or(|id| issue.author != Some(id))
            && named("not[author_username]").is_none_or(|user| issue.author != user)
    }

    fn marks(&self, issue: &Issue) -> bool {
        let args = &self.request.args;
        let labelled = |title: &String| {
            let mut labels = issue.labels.iter().filter_map(|id| self.world.label(*id));
            match title.to_lowercase().as_str() {
                "none" | "no label" => issue.labels.is_empty(),
                "any" => !issue.labels.is_empty(),
                _ => labels.any(|label| label.title == *title),
            }
        };
        let titled = |name: &str| args.filled(name).map(|title| Timebox::titled(&title));
        let timebox = |name: &str| args.filled(name).and_then(|wish| Timebox::wildcard(&wish));
        let wanted = titled("milestone").or_else(|| timebox("milestone_id"));
        let unwanted = titled("not[milestone]").or_else(|| timebox("not[milestone_id]"));
        args.list("labels").iter().all(labelled)
            && !args.list("not[labels]").iter().any(labelled)
            && wanted.is_none_or(|wanted| self.world.is_planned(issue.milestone, &wanted))
            && unwanted.is_none_or(|unwanted| self.world.is_planned_otherwise(issue.milestone, &unwanted))
    }

    fn dates(&self, issue: &Issue) -> bool {
        let Some(wish) = self.request.args.filled("due_date") else {
            return true;
        };
        let today = self.world.today();
        let days = issue.due_date.map(|day| day.since(today).map_or(i32::MAX, |span| span.get_days()));
        match (wish.as_str(), days) {
            ("0", days) => days.is_none(),
            ("any", days) => days.is_some(),
            (_, None) => false,
            ("today", Some(days)) => days == 0,
            ("tomorrow", Some(days)) => days == 1,
            ("overdue", Some(days)) => days < 0,
            ("week", Some(days)) => (0..7).contains(&days),
            ("month", Some(days)) => (0..31).contains(&days),
            (_, Some(days)) => (-14..62).contains(&days),
        }
    }

    fn searched(&self, issue: &Issue) -> bool {
        let Some(text) = self.request.args.filled("search") else {
            return true;
        };
        let places = self.request.args.list("in");
        let place = |name: &str, column: Option<&'_ str>| {
            let wanted = places.is_empty() || places.iter().any(|place| place == name);
            column.filter(|_| wanted).unwrap_or_default().to_owned()
        };
        let columns = [place("title", Some(&issue.title)), place("description", issue.description.as_deref())];
        search::matches(&text, columns.iter().map(String::as_str).filter(|column| !column.is_empty()))
    }
}

fn within(at: Timestamp, (after, before): Range) -> bool {
    after.is_none_or(|after| at >= after) && before.is_none_or(|before| at <= before)
}

fn state_is(issue: &Issue, state: &str) -> bool {
    match state {
        "opened" => issue.closed_at.is_none(),
        "closed" => issue.closed_at.is_some(),
        _ => true,
    }
}
