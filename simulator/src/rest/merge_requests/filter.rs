//! Which merge requests a list is asked for. Every question is asked of one row, whatever walks over the rows.

use jiff::Timestamp;

use crate::rest::{Args, Failure, Request, search};
use crate::world::{Along, Caller, MergeRequest, Sketch, Timebox, World};

/// A predicate over merge requests.
#[derive(Debug)]
pub(super) struct Filter {
    caller: Caller,
    /// Whether the caller sees those of banned people, or there are none.
    open: bool,
    state: Option<String>,
    updated: Range,
    created: Range,
    rest: Rest,
}

/// What takes a look at the whole row.
#[derive(Debug, Default, PartialEq)]
struct Rest {
    iids: Vec<String>,
    scope: Option<String>,
    draft: Option<bool>,
    source_branch: Option<String>,
    source_project: Option<i64>,
    target_branch: Option<String>,
    search: Option<(String, Columns)>,
    merge_user: Option<Who>,
    approved_by: Option<Who>,
    approvers: Option<Who>,
    deployed: Option<Deployed>,
    wanted: Marks,
    unwanted: Marks,
}

/// Scopes that are about the caller.
const OWN: [&str; 3] = ["created_by_me", "assigned_to_me", "reviews_for_me"];

/// Both ends included.
pub(super) type Range = (Option<Timestamp>, Option<Timestamp>);

/// Which columns are searched: the title, the description.
type Columns = (bool, bool);

/// Whom a parameter names: nobody, anybody, or all of these. Names that nobody has match nothing.
#[derive(Debug, PartialEq)]
enum Who {
    Nobody,
    Anybody,
    All(Vec<i64>),
}

/// Where and when a merge request must have been deployed.
#[derive(Debug, PartialEq)]
struct Deployed {
    environment: Option<String>,
    between: Range,
}

/// What can be asked for and excluded alike, the latter as `not[…]`.
#[derive(Debug, Default, PartialEq)]
struct Marks {
    author: Option<Who>,
    assignees: Option<Who>,
    reviewers: Option<Who>,
    labels: Vec<String>,
    milestone: Option<Timebox>,
    reaction: Option<String>,
}

impl Filter {
    /// Reads what a request asks for.
    pub(super) fn read(world: &World, request: &Request) -> Result<Filter, Failure> {
        let args = &request.args;
        let places = args.filled("in").unwrap_or_else(|| "title,description".to_owned());
        let columns = (places.contains("title"), places.contains("description"));
        let deployed = Deployed {
            environment: args.filled("environment"),
            between: (args.time("deployed_after")?, args.time("deployed_before")?),
        };
        let deployed_counts = deployed.environment.is_some() || deployed.between != (None, None);
        let licensed = world.settings.edition.licensed();
        let scope = args.text("scope").unwrap_or_default().replace('-', "_");
        let rest = Rest {
            iids: args.list("iids"),
            scope: Some(scope).filter(|scope| OWN.contains(&scope.as_str())),
            draft: args.truth("draft").or_else(|| args.filled("wip").map(|wip| wip == "yes")),
            source_branch: args.filled("source_branch"),
            source_project: args.integer("source_project_id")?,
            target_branch: args.filled("target_branch"),
            search: args.filled("search").map(|text| (text, columns)),
            merge_user: who(world, args, "merge_user_id", "merge_user_username"),
            approved_by: who(world, args, "approved_by_ids", "approved_by_usernames").filter(|_| licensed),
            approvers: who(world, args, "approver_ids", "").filter(|_| licensed),
            deployed: deployed_counts.then_some(deployed),
            wanted: Marks::read(world, args, str::to_owned),
            unwanted: Marks::read(world, args, |name| format!("not[{name}]")),
        };
        Ok(Filter {
            caller: request.caller.clone(),
            open: !world.hides_some(&request.caller),
            state: args.filled("state").filter(|state| state != "all"),
            updated: (args.time("updated_after")?, args.time("updated_before")?),
            created: (args.time("created_after")?, args.time("created_before")?),
            rest,
        })
    }

    /// Whether every row within the span of a time is asked for.
    pub(super) fn all_along(&self, along: Along) -> bool {
        let other = self.span(if along == Along::Created { Along::Updated } else { Along::Created });
        self.rough() && self.state.is_none() && other == (None, None)
    }

    /// Whether a sketch of a row tells whether it is asked for.
    fn rough(&self) -> bool {
        self.open && self.rest == Rest::default()
    }

    /// The span of a time that is asked for, so that rows outside are not looked at.
    pub(super) fn span(&self, along: Along) -> Range {
        match along {
            Along::Created => self.created,
            Along::Updated => self.updated,
        }
    }

    /// Whether a row is asked for, and not hidden. It is made only where a sketch does not tell.
    pub(super) fn wants(&self, world: &World, id: i64) -> bool {
        let suits = |sketch: Sketch| {
            self.state.as_ref().is_none_or(|state| sketch.state.name() == state)
                && within(sketch.updated_at, self.updated)
                && within(sketch.created_at, self.created)
        };
        let holds =
            |found: &MergeRequest| (self.open || !world.hidden(found)) && self.rest.holds(world, &self.caller, found);
        world.sketch(id).is_some_and(suits) && (self.rough() || world.glance(id).is_some_and(|found| holds(&found)))
    }
}

impl Rest {
    fn holds(&self, world: &World, caller: &Caller, found: &MergeRequest) -> bool {
        self.in_scope(caller, found)
            && (self.iids.is_empty() || self.iids.contains(&found.iid.to_string()))
            && self.draft.is_none_or(|draft| found.draft == draft)
            && self.source_branch.as_ref().is_none_or(|branch| found.source_branch == *branch)
            && self.source_project.is_none_or(|project| found.source_project == Some(project))
            && self.target_branch.as_ref().is_none_or(|branch| found.target_branch == *branch)
            && self.search.as_ref().is_none_or(|(text, columns)| mentions(found, text, *columns))
            && matches(self.merge_user.as_ref(), found.merge_user)
            && matches(self.approved_by.as_ref(), found.approvals.iter().map(|approval| approval.user))
            && matches(self.approvers.as_ref(), found.rules.iter().flat_map(|rule| rule.users.iter().copied()))
            && self.deployed.as_ref().is_none_or(|deployed| deployed.holds(world, found))
            && self.wanted.hold(world, caller, found)
            && !self.unwanted.touch(world, caller, found)
    }

    fn in_scope(&self, caller: &Caller, found: &MergeRequest) -> bool {
        let mine = caller.user.unwrap_or_default();
        match self.scope.as_deref() {
            Some("created_by_me") => found.author == Some(mine),
            Some("assigned_to_me") => found.assignees.contains(&mine),
            Some("reviews_for_me") => found.reviewers.iter().any(|reviewer| reviewer.user == mine),
            _ => true,
        }
    }
}

fn within(at: Timestamp, (after, before): Range) -> bool {
    after.is_none_or(|after| at >= after) && before.is_none_or(|before| at <= before)
}

fn mentions(found: &MergeRequest, text: &str, (title, description): Columns) -> bool {
    let full_title = found.full_title();
    let title = title.then_some(full_title.as_str());
    let description = description.then(|| found.description.as_deref().unwrap_or_default());
    search::matches(text, title.into_iter().chain(description))
}

/// Whom two parameters name, the one by id and the other by name.
fn who(world: &World, args: &Args, by_id: &str, by_name: &str) -> Option<Who> {
    let (ids, names) = (args.list(by_id), args.list(by_name));
    let is = |wild: &str| ids.iter().chain(&names).any(|text| text.eq_ignore_ascii_case(wild));
    if ids.is_empty() && names.is_empty() {
        return None;
    }
    if is("none") || is("any") {
        return Some(if is("none") { Who::Nobody } else { Who::Anybody });
    }
    let named = names.iter().map(|name| world.user_by_name(name).map_or(-1, |user| user.id));
    Some(Who::All(ids.iter().map(|id| id.parse().unwrap_or(-1)).chain(named).collect()))
}

fn matches(who: Option<&Who>, users: impl IntoIterator<Item = i64>) -> bool {
    let mut users = users.into_iter();
    match who {
        None => true,
        Some(Who::Nobody) => users.next().is_none(),
        Some(Who::Anybody) => users.next().is_some(),
        Some(Who::All(all)) => {
            let users: Vec<i64> = users.collect();
            all.iter().all(|user| users.contains(user))
        }
    }
}

/// Whether a wish is there and comes true.
fn touches(who: Option<&Who>, users: impl IntoIterator<Item = i64>) -> bool {
    who.is_some() && matches(who, users)
}

impl Marks {
    fn read(world: &World, args: &Args, name: impl Fn(&str) -> String) -> Marks {
        let who = |id: &str, username: &str| who(world, args, &name(id), &name(username));
        Marks {
            author: who("author_id", "author_username"),
            assignees: who("assignee_id", "assignee_username"),
            reviewers: who("reviewer_id", "reviewer_username"),
            labels: args.list(&name("labels")),
            milestone: args.filled(&name("milestone")).map(|title| Timebox::titled(&title)),
            reaction: args.filled(&name("my_reaction_emoji")),
        }
    }

    /// Whether all of them hold.
    fn hold(&self, world: &World, caller: &Caller, found: &MergeRequest) -> bool {
        matches(self.author.as_ref(), found.author)
            && matches(self.assignees.as_ref(), found.assignees.iter().copied())
            && matches(self.reviewers.as_ref(), found.reviewers.iter().map(|reviewer| reviewer.user))
            && self.labels.iter().all(|label| labelled(world, found, label))
            && self.milestone.as_ref().is_none_or(|wanted| world.is_planned(found.milestone, wanted))
            && self.reaction.as_ref().is_none_or(|reaction| reacted(caller, found, reaction))
    }

    /// Whether any of them holds.
    fn touch(&self, world: &World, caller: &Caller, found: &MergeRequest) -> bool {
        touches(self.author.as_ref(), found.author)
            || touches(self.assignees.as_ref(), found.assignees.iter().copied())
            || touches(self.reviewers.as_ref(), found.reviewers.iter().map(|reviewer| reviewer.user))
            || self.labels.iter().any(|label| labelled(world, found, label))
            || self.milestone.as_ref().is_some_and(|unwanted| !world.is_planned_otherwise(found.milestone, unwanted))
            || self.reaction.as_ref().is_some_and(|reaction| reacted(caller, found, reaction))
    }
}

fn labelled(world: &World, found: &MergeRequest, label: &str) -> bool {
    match label.to_lowercase().as_str() {
        "none" => found.labels.is_empty(),
        "any" => !found.labels.is_empty(),
        _ => found.labels.iter().filter_map(|id| world.label(*id)).any(|known| known.title == label),
    }
}

fn reacted(caller: &Caller, found: &MergeRequest, reaction: &str) -> bool {
    let mut own = found.awards.iter().filter(|award| Some(award.user) == caller.user);
    match reaction.to_lowercase().as_str() {
        "none" => own.next().is_none(),
        "any" => own.next().is_some(),
        name => own.any(|award| award.name == name),
    }
}

impl Deployed {
    /// Whether one of the deployments that brought it was such a one.
    fn holds(&self, world: &World, found: &MergeRequest) -> bool {
        world.deployments_bringing(found).into_iter().any(|deployment| {
            let at = deployment.finished_at.unwrap_or(deployment.created_at);
            let name = world.environment(deployment.environment).map(|known| &known.name);
            self.environment.as_ref().is_none_or(|wanted| name == Some(wanted)) && within(at, self.between)
        })
    }
}
