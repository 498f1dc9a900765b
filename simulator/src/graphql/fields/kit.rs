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
pub(crate) fn page<'w>(mut rows: Vec<Object<'w>>, order: Order, arguments: &Arguments) -> Value<'w> {
    order.sort(&mut rows);
    match Connection::cut(rows, order, arguments) {
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

/// A text as HTML.
pub(crate) fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text as the HTML of one paragraph; nothing where there is no text.
pub(crate) fn paragraph(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<p>{}</p>", html(text)) }
}

/// Something that a record of permissions says.
pub(crate) fn permissions<'w, const N: usize>(names: [(&'static str, bool); N]) -> Value<'w> {
    Value::record(names.map(|(name, allowed)| (name, Value::Bool(allowed))))
}

/// Whether a pipeline or job is not over.
pub(crate) fn is_active(status: &str) -> bool {
    matches!(status, "created" | "waiting_for_resource" | "preparing" | "pending" | "running")
}

/// The whole seconds between two times, where both are known.
pub(crate) fn seconds<'w>(from: Option<jiff::Timestamp>, to: Option<jiff::Timestamp>) -> Value<'w> {
    match (from, to) {
        (Some(from), Some(to)) => Value::Int(to.duration_since(from).as_secs()),
        _ => Value::Null,
    }
}
