//! GraphQL fields that fail.

use axum::body::Bytes;
use serde_json::{Map, Value};

use crate::server::faults::FaultKind;

/// The fields that the engine lets time out.
pub(in crate::server) fn timeouts(struck: &[FaultKind]) -> Vec<String> {
    let fields = struck.iter().filter_map(|fault| match fault {
        FaultKind::FieldTimeout { fields } | FaultKind::FieldError { fields, .. } => Some(fields.clone()),
        _ => None,
    });
    fields.flatten().collect()
}

/// Turns the timeouts of the engine into the errors that were asked for.
pub(in crate::server) fn fail_fields(struck: &[FaultKind], body: Bytes) -> Bytes {
    let fails = |fault: &FaultKind| matches!(fault, FaultKind::FieldError { .. });
    if !struck.iter().any(fails) {
        return body;
    }
    let Ok(mut answer) = serde_json::from_slice::<Value>(&body) else {
        return body;
    };
    for fault in struck {
        if let FaultKind::FieldError { fields, message, pathless, parent } = fault {
            let messages: Vec<String> = fields.iter().map(|field| format!("Timeout on {field}")).collect();
            let mut errors = answer.get_mut("errors").map(Value::take).unwrap_or_default();
            for error in errors.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                if messages.iter().any(|known| error.get("message") == Some(&Value::from(known.as_str()))) {
                    fail(&mut answer, error, message, (*pathless, *parent));
                }
            }
            if errors.is_array() {
                answer["errors"] = errors;
            }
        }
    }
    Bytes::from(answer.to_string())
}

fn fail(answer: &mut Value, error: &mut Map<String, Value>, message: &str, (pathless, parent): (bool, bool)) {
    error.insert("message".to_owned(), Value::from(message));
    if parent && let Some(path) = error.get("path").and_then(Value::as_array) {
        let around: Vec<Value> = path.iter().take(path.len().saturating_sub(1)).cloned().collect();
        if let Some(place) = place(answer, &around) {
            *place = Value::Null;
        }
    }
    if pathless {
        error.remove("path");
    }
}

/// The place in the data that a path names.
fn place<'a>(answer: &'a mut Value, path: &[Value]) -> Option<&'a mut Value> {
    let mut place = answer.get_mut("data")?;
    for step in path {
        place = match step {
            Value::String(name) => place.get_mut(name)?,
            other => place.get_mut(usize::try_from(other.as_u64()?).ok()?)?,
        };
    }
    Some(place)
}
