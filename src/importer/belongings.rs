//! Labels and members of groups and projects, to the ends of their lists.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::gitlab::Client;
use crate::gitlab::queries::Connection;
use crate::gitlab::queries::scope::{self, BelongingsAnswer, Label, Member, Owner};
use crate::store::Batch;

use super::Error;
use super::context::Context;
use super::planner::Planner;
use super::rows::Rows;

/// Lists that are read on at once.
const IN_FLIGHT: usize = 4;

/// Labels and members that go on behind those that came with their group or project.
pub(super) struct Tail {
    owner: Owner,
    id: i64,
    path: String,
    /// Whose tokens see it.
    user: usize,
    labels: Option<Connection<Label>>,
    members: Option<Connection<Member>>,
}

impl Tail {
    /// What is still to be read of a group or project, if anything is.
    pub(super) fn of(
        (owner, id, path): (Owner, i64, &str),
        user: usize,
        labels: Option<&Connection<Label>>,
        members: Option<&Connection<Member>>,
    ) -> Option<Tail> {
        let labels = labels.filter(|list| list.next().is_some()).cloned();
        let members = members.filter(|list| list.next().is_some()).cloned();
        let goes_on = labels.is_some() || members.is_some();
        goes_on.then(|| Tail { owner, id, path: path.to_owned(), user, labels, members })
    }

    /// Reads the lists to their ends and stores them.
    async fn read(mut self, ctx: &Context) -> Result<(), Error> {
        let client = ctx.views.get(self.user).unwrap_or(&ctx.client);
        let document = scope::more_labels(self.owner);
        while let Some((list, after)) = self.labels.as_mut().and_then(open_end) {
            let variables = json!({ "path": self.path, "after": after });
            let answer: BelongingsAnswer = ask((ctx, client), &document, &variables).await?;
            let Some(more) = answer.owner.and_then(|owner| owner.labels) else {
                break;
            };
            list.extend(more);
        }
        let document = scope::more_members(self.owner, ctx.dialect);
        while let Some((list, after)) = self.members.as_mut().and_then(open_end) {
            let variables = json!({ "path": self.path, "after": after });
            let answer: BelongingsAnswer = ask((ctx, client), &document, &variables).await?;
            let Some(more) = answer.owner.and_then(|owner| owner.members) else {
                break;
            };
            list.extend(more);
        }
        let mut rows = Rows::default();
        rows.belongings(self.owner, self.id, self.labels, self.members);
        ctx.commit(Batch { as_of: Some(Timestamp::now()), ..rows.into_batch() }).await
    }
}

impl Planner<'_> {
    /// Reads all that goes on, some side by side.
    pub(super) async fn tails(&mut self) -> Result<(), Error> {
        let ctx = self.ctx;
        let tails = std::mem::take(&mut self.tails).into_iter().map(|tail| tail.read(ctx));
        stream::iter(tails).buffer_unordered(IN_FLIGHT).try_collect().await
    }
}

/// A list that goes on, with the cursor to go on from.
fn open_end<T>(list: &mut Connection<T>) -> Option<(&mut Connection<T>, String)> {
    let after = list.next()?.to_owned();
    Some((list, after))
}

/// Asks patiently; an answer with errors is none.
pub(super) async fn ask<T: DeserializeOwned>(
    (ctx, client): (&Context, &Client),
    document: &str,
    variables: &Value,
) -> Result<T, Error> {
    ctx.persist(|| async { client.graphql::<T>(document, variables).await?.complete() }).await
}
