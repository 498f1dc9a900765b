//! Labels and members of groups and projects, to the ends of their lists.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::gitlab::Client;
use crate::gitlab::queries::Connection;
use crate::gitlab::queries::scope::{self, BelongingsAnswer, Label, Member, Owner};

use super::Error;
use super::context::Context;
use super::lists::Asking;

/// Reads long lists of labels and members to their ends.
pub(super) async fn complete(
    asking: Asking<'_>,
    owner: Owner,
    labels: &mut Option<Connection<Label>>,
    members: &mut Option<Connection<Member>>,
) -> Result<(), Error> {
    let Asking { ctx, client, path } = asking;
    let document = scope::more_labels(owner);
    while let Some((list, after)) = labels.as_mut().and_then(open_end) {
        let variables = json!({ "path": path, "after": after });
        let answer: BelongingsAnswer = ask((ctx, client), &document, &variables).await?;
        let Some(more) = answer.owner.and_then(|owner| owner.labels) else {
            break;
        };
        list.extend(more);
    }
    let document = scope::more_members(owner, ctx.dialect);
    while let Some((list, after)) = members.as_mut().and_then(open_end) {
        let variables = json!({ "path": path, "after": after });
        let answer: BelongingsAnswer = ask((ctx, client), &document, &variables).await?;
        let Some(more) = answer.owner.and_then(|owner| owner.members) else {
            break;
        };
        list.extend(more);
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
