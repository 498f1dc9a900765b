//! Connections, edges and page information.

use std::rc::Rc;

use crate::graphql::arguments::Arguments;
use crate::graphql::value::{Connection, Object, Value};

pub(crate) fn connection_field(name: &str) -> Option<for<'w> fn(&Rc<Connection<'w>>, &Arguments) -> Value<'w>> {
    Some(match name {
        "nodes" => |page, _| Value::Nodes(Rc::clone(page)),
        "edges" => |page, _| {
            let edges = 0..page.nodes.len();
            Value::List(edges.map(|index| Value::Object(Object::Edge(Rc::clone(page), index))).collect())
        },
        "pageInfo" => |page, _| Value::Object(Object::PageInfo(Rc::clone(page))),
        "count" => |page, arguments| {
            // One more than the limit says that there is more (`CountableConnectionType`).
            let most = arguments.get("limit").map_or(usize::MAX, |_| arguments.size("limit").saturating_add(1));
            Value::count(page.count.min(most))
        },
        "totalTimeToMerge" => |page, _| page.time_to_merge.map_or(Value::Null, Value::Float),
        _ => return None,
    })
}

pub(crate) fn edge_field(name: &str) -> Option<for<'w> fn(&Connection<'w>, usize) -> Value<'w>> {
    Some(match name {
        "cursor" => |page, index| page.cursor(index),
        "node" => |page, index| Value::object(page.nodes.get(index).cloned()),
        _ => return None,
    })
}

pub(crate) fn page_info_field(name: &str) -> Option<for<'w> fn(&Connection<'w>) -> Value<'w>> {
    Some(match name {
        "hasNextPage" => |page| Value::Bool(page.has_next),
        "hasPreviousPage" => |page| Value::Bool(page.has_previous),
        "startCursor" => |page| page.cursor(0),
        "endCursor" => |page| page.cursor(page.nodes.len().wrapping_sub(1)),
        _ => return None,
    })
}
