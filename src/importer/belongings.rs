//! Labels and members of groups and projects, to the ends of their lists.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::gitlab::queries::Connection;
use crate::gitlab::queries::scope::{self, Belongings, BelongingsAnswer, Label, Member, Owner};
use crate::gitlab::{Class, Client};
use crate::store::Batch;

use super::Error;
use super::context::Context;
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
    /// When their beginnings were read.
    read_at: Timestamp,
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
        goes_on.then(|| Tail { owner, id, path: path.to_owned(), user, labels, members, read_at: Timestamp::now() })
    }

    /// Reads the lists to their ends and stores them.
    async fn read(mut self, ctx: &Context) -> Result<(), Error> {
        let Tail { owner, path, user, labels, members, .. } = &mut self;
        let at = (ctx, ctx.views.get(*user).unwrap_or(&ctx.client), path.as_str());
        read_on(at, &scope::more_labels(*owner), labels, |more| more.labels).await?;
        read_on(at, &scope::more_members(*owner, ctx.dialect), members, |more| more.members).await?;
        let mut rows = Rows::default();
        rows.belongings(self.owner, self.id, self.labels, self.members);
        ctx.commit(Batch { as_of: Some(self.read_at), ..rows.into_batch() }).await
    }
}

/// Reads all of these to their ends, some side by side.
pub(super) async fn read_tails(ctx: &Context, tails: Vec<Tail>) -> Result<(), Error> {
    stream::iter(tails.into_iter().map(|tail| tail.read(ctx))).buffer_unordered(IN_FLIGHT).try_collect().await
}

/// Reads a list to its end. One that GitLab cannot deliver stays open, and costs nobody else anything.
async fn read_on<T>(
    (ctx, client, path): (&Context, &Client, &str),
    document: &str,
    list: &mut Option<Connection<T>>,
    of: impl Fn(Belongings) -> Option<Connection<T>>,
) -> Result<(), Error> {
    while let Some((list, after)) = list.as_mut().and_then(open_end) {
        let variables = json!({ "path": path, "after": after });
        let answer: BelongingsAnswer = match ask((ctx, client), document, &variables).await {
            Err(Error::GitLab(error)) if error.class() != Class::Fatal => {
                tracing::warn!(path, %error, "a list of labels or members is not read to its end");
                break;
            }
            other => other?,
        };
        let Some(more) = answer.owner.and_then(&of) else { break };
        list.extend(more);
        if list.next() == Some(after.as_str()) {
            // The server gives the same page again and again.
            break;
        }
    }
    Ok(())
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
