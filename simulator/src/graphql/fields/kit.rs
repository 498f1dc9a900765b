//! What the resolvers of all nouns share.

use std::rc::Rc;

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::literals::global_id;
use crate::graphql::order::Order;
use crate::graphql::value::{Connection, Object, Thread, Value};

/// Resolves a field of something that the World owns.
pub(crate) type On<T> = for<'w> fn(&Context<'w>, &'w T, &Arguments) -> Value<'w>;

/// Resolves a field of something that the World owns, and that is known by its owner.
pub(crate) type Within<T, O> = for<'w> fn(&Context<'w>, &'w T, &'w O) -> Value<'w>;

/// Resolves a field of a thread.
pub(crate) type OnThread = for<'w> fn(&Context<'w>, &Rc<Thread<'w>>, &Arguments) -> Value<'w>;

/// A page of rows, put in order first.
pub(crate) fn page<'w>(ctx: &Context<'w>, mut rows: Vec<Object<'w>>, order: Order, arguments: &Arguments) -> Value<'w> {
    order.sort(ctx.world, &mut rows);
    match Connection::cut(ctx.world, rows, order, arguments) {
        Ok(page) => Value::Object(Object::Connection(page.into())),
        Err(refusal) => Value::Refused(refusal),
    }
}

/// The numbers that `ids` names: global IDs, or bare numbers where the type is `ID`.
pub(crate) fn ids(arguments: &Arguments) -> Option<Vec<i64>> {
    let number = |text: &&str| match global_id(text) {
        Some((_, number)) => number.parse().ok(),
        None => text.parse().ok(),
    };
    Some(arguments.texts("ids")?.iter().filter_map(number).collect())
}

/// Whether a search finds a name or a path.
pub(crate) fn matches(text: &str, name: &str, path: &str) -> bool {
    name.to_lowercase().contains(text) || path.to_lowercase().contains(text)
}
