//! Reactions.

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::order::Order;
use crate::graphql::value::{Object, Value};
use crate::world::{Award, MergeRequest};

use super::kit::page;

/// A page of the reactions to a merge request.
pub(crate) fn page_of<'w>(ctx: &Context<'w>, merge_request: &'w MergeRequest, arguments: &Arguments) -> Value<'w> {
    page(merge_request.awards.iter().map(|award| reaction(ctx, award)).collect(), Order::NUMBERED, arguments)
}

fn reaction<'w>(ctx: &Context<'w>, award: &'w Award) -> Object<'w> {
    let (emoji, unicode, version, words) = match award.name.as_str() {
        "thumbsup" => ("👍", "1f44d", "6.0", "thumbs up sign"),
        "thumbsdown" => ("👎", "1f44e", "6.0", "thumbs down sign"),
        "rocket" => ("🚀", "1f680", "6.0", "rocket"),
        "heart" => ("❤", "2764", "1.1", "heavy black heart"),
        "tada" => ("🎉", "1f389", "6.0", "party popper"),
        "eyes" => ("👀", "1f440", "6.0", "eyes"),
        // A custom one has no code point.
        _ => ("", "", "", ""),
    };
    Object::record([
        ("name", Value::Str(&award.name)),
        ("emoji", Value::Str(emoji)),
        ("unicode", Value::Str(unicode)),
        ("unicodeVersion", Value::Str(version)),
        ("description", Value::Str(words)),
        ("user", ctx.user(Some(award.user))),
    ])
}
