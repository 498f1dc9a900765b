//! Passing JSON that is changed on its way: answers of both APIs, and deliveries of webhooks.

use axum::body::Bytes;
use serde_json::{Map, Value};

use super::odd;
use crate::server::faults::FaultKind;

/// The body with what faults do to it; what is no JSON stays as it is. `page` is the number of the page it is.
pub(in crate::server) fn rewrite(struck: &[FaultKind], body: Bytes, page: usize) -> Bytes {
    let faults: Vec<&FaultKind> = struck.iter().filter(|fault| changes_json(fault)).collect();
    if faults.is_empty() {
        return body;
    }
    let Ok(mut value) = serde_json::from_slice(&body) else {
        return body;
    };
    for fault in faults {
        change(fault, &mut value, page);
    }
    odd::raw(value.to_string().into_bytes())
}

fn changes_json(fault: &FaultKind) -> bool {
    matches!(
        fault,
        FaultKind::Odd { .. }
            | FaultKind::DuplicateKey { .. }
            | FaultKind::NullItems { .. }
            | FaultKind::FewerItems { .. }
            | FaultKind::ShiftRows { .. }
    )
}

fn change(fault: &FaultKind, value: &mut Value, page: usize) {
    match fault {
        FaultKind::Odd { property, odd } => {
            at_property(value, property, &mut |object, name| odd::put(object, name, odd));
        }
        FaultKind::DuplicateKey { property } => {
            at_property(value, property, &mut |object, name| {
                object.insert(odd::again(name), Value::Null);
            });
        }
        FaultKind::NullItems { property, every } => at_list(value, property.as_deref(), &mut |items| {
            let every = (*every).max(1);
            items.iter_mut().skip(every - 1).step_by(every).for_each(|item| *item = Value::Null);
        }),
        FaultKind::FewerItems { property, keep } => {
            at_list(value, property.as_deref(), &mut |items| items.truncate(*keep));
        }
        FaultKind::ShiftRows { by } if page > 1 => {
            at_list(value, None, &mut |items| drop(items.drain(..items.len().min(*by))));
        }
        _ => {}
    }
}

/// What is done to a property of an object.
type Change<'c> = &'c mut dyn FnMut(&mut Map<String, Value>, &str);

/// Does something to every property of a name, or of a name in a property of another: `author.username`.
fn at_property(value: &mut Value, property: &str, change: Change<'_>) {
    let wanted: Vec<&str> = property.split('.').collect();
    walk(value, &wanted, &mut Vec::new(), change);
}

fn walk(value: &mut Value, wanted: &[&str], path: &mut Vec<String>, change: Change<'_>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, wanted, path, change)),
        Value::Object(object) => {
            let names: Vec<String> = object.keys().cloned().collect();
            for name in names {
                path.push(name);
                if let Some(child) = path.last().and_then(|name| object.get_mut(name)) {
                    walk(child, wanted, path, change);
                }
                let named = path.len() >= wanted.len() && path[path.len() - wanted.len()..] == *wanted;
                let name = path.pop().unwrap_or_default();
                if named {
                    change(object, &name);
                }
            }
        }
        _ => {}
    }
}

/// Does something to the answer itself, if it is a list, or to the lists that are properties of a name.
fn at_list(value: &mut Value, property: Option<&str>, change: &mut dyn FnMut(&mut Vec<Value>)) {
    let Some(property) = property else {
        if let Value::Array(items) = value {
            change(items);
        }
        return;
    };
    at_property(value, property, &mut |object, name| {
        if let Some(Value::Array(items)) = object.get_mut(name) {
            change(items);
        }
    });
}
