//! Pages of merge requests, in the order of their last change, however the server behaves: those of a project or of a group.

use jiff::Timestamp;
use serde_json::json;

use crate::gitlab::queries::MAX_PAGE;
use crate::gitlab::queries::merge_request::{InProject, MergeRequest, PageAnswer, Place as Found, Placed};
use crate::gitlab::{self, Class, Client};

use super::Error;
use super::adapt::PageSize;
use super::context::{Context, Pages};
use super::cure::{Cure, Troubles};

/// How often a pass may begin anew at the last change seen without seeing a later one.
const MOST_ANCHORS: u32 = 3;

/// How often to ask again for a page of which GitLab left something out.
const MOST_LOSSES: u32 = 2;

/// How many merge requests in a row may be left out: more are no accident of theirs.
const MOST_LEFT_OUT: u32 = 3;

const HIDDEN: &str = "merge requests are hidden from the tokens";

/// Why a project has nothing to read.
pub(super) const OFF: &str = "merge requests are switched off or hidden from the tokens";

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) after: Option<String>,
    pub(super) since: Option<Timestamp>,
    /// Ask how many there are in all.
    pub(super) counted: bool,
}

/// A page of merge requests.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) merge_requests: Vec<MergeRequest>,
    /// Where the next page begins; `None` at the end.
    pub(super) next: Option<Place>,
    /// The cursor behind the last merge request of it.
    pub(super) end: Option<String>,
    /// What is missing from it, where something is.
    pub(super) lost: Option<Lost>,
    /// How many there are in all, where it was asked.
    pub(super) count: Option<i64>,
    /// When it was asked for.
    pub(super) as_of: Timestamp,
    /// The project's path at that time.
    pub(super) path: String,
}

/// What GitLab left out of a page.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    /// The merge request's number, where it is known.
    pub(super) iid: Option<i64>,
    /// Its project, where that is known.
    pub(super) project: Option<i64>,
    /// GitLab's words.
    pub(super) reason: String,
}

/// What asking for a page brought.
#[derive(Debug)]
pub(super) enum Fetched {
    Page(Page),
    /// There is nothing to read, for a lasting reason.
    Skip(String),
    /// This project cannot be read now, though others can.
    Fail(String),
}

/// Whose merge requests are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whose {
    /// Those of a project with this id.
    Project(i64),
    /// What changed in a group.
    Group,
}

/// Reads one project, or what changed in a group.
pub(super) struct Reader<'a> {
    ctx: &'a Context,
    client: &'a Client,
    whose: Whose,
    path: String,
    size: PageSize,
    /// Ask for merge requests alone, because with their notes and commits even one is too much.
    lean: bool,
    /// Merge requests left out since the last one that came.
    left_out: u32,
    /// Where to begin anew if a cursor is refused.
    anchor: Option<Timestamp>,
    anchors: u32,
}

impl<'a> Reader<'a> {
    /// `path` is where they were last; `anchor` where to begin anew if a cursor is refused.
    pub(super) fn new(
        (ctx, client): (&'a Context, &'a Client),
        whose: Whose,
        path: &str,
        anchor: Option<Timestamp>,
    ) -> Reader<'a> {
        Reader {
            ctx,
            client,
            whose,
            path: path.to_owned(),
            size: PageSize::new(MAX_PAGE),
            lean: false,
            left_out: 0,
            anchor,
            anchors: 0,
        }
    }

    fn queries(&self) -> &'a Pages {
        match self.whose {
            Whose::Project(_) => &self.ctx.pages,
            Whose::Group => &self.ctx.changes,
        }
    }

    fn is_mine<T>(&self, found: &Found<T>) -> bool {
        match self.whose {
            Whose::Project(id) => found.id == id,
            Whose::Group => true,
        }
    }

    /// Where to begin anew if a cursor is refused: a little before the last change seen.
    pub(super) fn anchor(&mut self, at: Option<Timestamp>) {
        if at > self.anchor {
            self.anchor = at;
            self.anchors = 0;
        }
    }

    /// Asks for a page until it comes, in ever smaller pages if need be, as long as the run's patience lasts.
    pub(super) async fn fetch(&mut self, mut place: Place) -> Result<Fetched, Error> {
        let mut troubles = Troubles::new();
        let mut moved = false;
        let mut losses = 0;
        loop {
            let size = if self.lean { 1 } else { self.size.under(self.ctx.page_cap(self.queries())) };
            let as_of = Timestamp::now();
            let error = match self.ask(&place, size).await {
                Ok(Some((found, lost))) if self.is_mine(&found) => {
                    self.ctx.gitlab_answered();
                    if lost.is_some() && losses < MOST_LOSSES && troubles.wait(self.ctx).await? {
                        losses += 1;
                        continue;
                    }
                    return Ok(self.read(found, &place, (as_of, lost)));
                }
                Ok(_) if moved => return Ok(Fetched::Skip(HIDDEN.to_owned())),
                Ok(_) => match self.follow_move().await {
                    Ok(Some(reason)) => return Ok(Fetched::Skip(reason.to_owned())),
                    Ok(None) => {
                        moved = true;
                        continue;
                    }
                    Err(error) => error,
                },
                Err(error) => error,
            };
            let Error::GitLab(error) = error else {
                return Err(error);
            };
            if let gitlab::Error::TooComplex { limit, .. } = error {
                self.ctx.too_complex(size, limit);
            }
            if is_refused_cursor(&error, &place) && self.anchors < MOST_ANCHORS {
                self.anchors += 1;
                place = Place { after: None, since: self.anchor.max(place.since), counted: false };
                tracing::warn!(project = self.path, "GitLab refuses the cursor, going on from the last change seen");
                continue;
            }
            match troubles.cure(self.ctx, &error).await? {
                Cure::Again => {}
                Cure::Less if self.ask_for_less(size) => {
                    tracing::info!(project = self.path, %error, "asking for less at once");
                }
                Cure::Less if self.left_out < MOST_LEFT_OUT => return self.leave_out(&place, &error).await,
                Cure::Less | Cure::GiveUp => return Ok(Fetched::Fail(error.to_string())),
                Cure::TooLate => return self.out_of_patience(error),
            }
        }
    }

    /// Goes on behind a merge request that GitLab cannot deliver, which is then missing from the page.
    async fn leave_out(&mut self, place: &Place, error: &gitlab::Error) -> Result<Fetched, Error> {
        let variables = json!({ "path": self.path, "after": place.after, "since": place.since });
        let next = &self.queries().next;
        let ask = || async { self.client.graphql::<PageAnswer<Placed>>(next, &variables).await?.complete() };
        let found = match self.ctx.persist(ask).await {
            Ok(answer) => answer.place.filter(|found| self.is_mine(found)),
            Err(Error::GitLab(nowhere)) => return Ok(Fetched::Fail(nowhere.to_string())),
            Err(stopped) => return Err(stopped),
        };
        let list = found.and_then(|found| found.merge_requests).unwrap_or_default();
        let Some(Some(Placed { iid, project })) = list.nodes.first() else {
            return Ok(Fetched::Fail(error.to_string()));
        };
        let project = match self.whose {
            Whose::Project(id) => Some(id),
            Whose::Group => project.as_ref().map(|InProject { id, .. }| *id),
        };
        let lost = Lost { iid: Some(*iid), project, reason: error.to_string() };
        tracing::warn!(project = self.path, iid, %error, "GitLab cannot deliver a merge request, going on behind it");
        let next = list.next().map(|after| Place { after: Some(after.to_owned()), since: place.since, counted: false });
        // Whoever comes next is not to blame.
        (self.size, self.lean) = (PageSize::new(self.ctx.page_cap(self.queries())), false);
        self.left_out += 1;
        Ok(Fetched::Page(Page {
            merge_requests: Vec::new(),
            end: next.as_ref().and_then(|next| next.after.clone()),
            next,
            lost: Some(lost),
            count: None,
            as_of: Timestamp::now(),
            path: self.path.clone(),
        }))
    }

    /// A page, and what is to be said where merge requests are missing from it.
    async fn ask(&self, place: &Place, size: u32) -> Result<Option<(Found<MergeRequest>, Option<Lost>)>, Error> {
        let variables = json!({
            "path": self.path, "first": size, "after": place.after, "since": place.since, "counted": place.counted,
        });
        let document = if self.lean { &self.queries().lean } else { &self.queries().full };
        let answer = self.ctx.or_stop(self.client.graphql::<PageAnswer<_>>(&document.text, &variables)).await?;
        let trouble = match answer.errors.first() {
            Some(error) if self.lean => error.kind(),
            _ => return Ok(answer.complete()?.place.map(|found| (found, None))),
        };
        // There is nothing less to ask for. Fields may be unknown; a list may not: it would look like an empty one.
        self.ctx.gitlab_answered();
        let Some(found) = answer.data.and_then(|data| data.place) else {
            return Err(trouble.into());
        };
        let Some(list) = &found.merge_requests else {
            return Err(trouble.into());
        };
        let is_whole = list.page_info.is_some() && list.nodes.iter().all(Option::is_some);
        Ok(Some((found, (!is_whole).then(|| Lost { iid: None, project: None, reason: trouble.to_string() }))))
    }

    fn read(&mut self, found: Found<MergeRequest>, place: &Place, (as_of, lost): (Timestamp, Option<Lost>)) -> Fetched {
        self.size.grow(self.ctx.page_cap(self.queries()));
        (self.lean, self.left_out) = (false, 0);
        let Some(list) = found.merge_requests else {
            return Fetched::Skip(OFF.to_owned());
        };
        let next = list.next().map(|after| Place { after: Some(after.to_owned()), since: place.since, counted: false });
        let end = list.page_info.and_then(|info| info.end_cursor);
        let merge_requests = list.nodes.into_iter().flatten().collect();
        Fetched::Page(Page { merge_requests, next, end, lost, count: list.count, as_of, path: self.path.clone() })
    }

    /// Smaller pages first; then merge requests alone, one by one. False where nothing less can be asked for.
    fn ask_for_less(&mut self, size: u32) -> bool {
        if self.lean {
            return false;
        }
        self.lean = !self.size.shrink(size);
        true
    }

    /// The path names nothing, or another project: asks for the project by its id. A reason, where it is gone.
    async fn follow_move(&mut self) -> Result<Option<&'static str>, Error> {
        let Whose::Project(id) = self.whose else { return Ok(Some(HIDDEN)) };
        match self.ctx.or_stop(self.ctx.client.project(&id.to_string())).await {
            Ok(project) if project.path_with_namespace == self.path => Ok(Some(HIDDEN)),
            Ok(project) => {
                self.path = project.path_with_namespace;
                Ok(None)
            }
            Err(Error::GitLab(error)) if error.class() == Class::Hidden => Ok(Some("gone, or hidden from the tokens")),
            Err(error) => Err(error),
        }
    }

    /// Where others were answered meanwhile, the trouble is this project's own.
    fn out_of_patience(&self, error: gitlab::Error) -> Result<Fetched, Error> {
        if self.ctx.answered_within(self.ctx.patience()) {
            return Ok(Fetched::Fail(error.to_string()));
        }
        Err(error.into())
    }
}

/// GitLab says so in words only: "Please provide a valid cursor".
fn is_refused_cursor(error: &gitlab::Error, place: &Place) -> bool {
    let gitlab::Error::Graphql { message } = error else {
        return false;
    };
    place.after.is_some() && message.to_lowercase().contains("cursor")
}
