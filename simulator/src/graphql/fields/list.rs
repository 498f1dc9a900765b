//! Connections, edges and page information.

use std::rc::Rc;

use crate::graphql::context::Context;
use crate::graphql::value::{Connection, Object, Value};

pub(crate) fn connection_field(name: &str) -> Option<for<'w> fn(&Rc<Connection<'w>>) -> Value<'w>> {
    Some(match name {
        "nodes" => |page| Value::Nodes(Rc::clone(page)),
        "edges" => |page| {
            let edges = 0..page.nodes.len();
            Value::List(edges.map(|index| Value::Object(Object::Edge(Rc::clone(page), index))).collect())
        },
        "pageInfo" => |page| Value::Object(Object::PageInfo(Rc::clone(page))),
        "count" => |page| Value::count(page.count),
        "totalTimeToMerge" => |page| page.time_to_merge.map_or(Value::Null, Value::Float),
        _ => return None,
    })
}

pub(crate) fn edge_field(name: &str) -> Option<for<'w> fn(&Context<'w>, &Connection<'w>, usize) -> Value<'w>> {
    Some(match name {
        "cursor" => |ctx, page, index| page.cursor(ctx.world, index),
        "node" => |_, page, index| Value::object(page.nodes.get(index).cloned()),
        _ => return None,
    })
}

pub(crate) fn page_info_field(name: &str) -> Option<for<'w> fn(&Context<'w>, &Connection<'w>) -> Value<'w>> {
    Some(match name {
        "hasNextPage" => |_, page| Value::Bool(page.has_next),
        "hasPreviousPage" => |_, page| Value::Bool(page.has_previous),
        "startCursor" => |ctx, page| page.cursor(ctx.world, 0),
        "endCursor" => |ctx, page| page.cursor(ctx.world, page.nodes.len().wrapping_sub(1)),
        _ => return None,
    })
}
