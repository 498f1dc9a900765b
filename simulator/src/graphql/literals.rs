//! Which values an argument or a variable takes, and GitLab's words for those it does not.

use apollo_compiler::ast::{Type, Value};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Schema, ast};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::Value as Json;

/// Why a value is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// Of another type.
    Type,
    /// Of the right type, but the scalar does not read it; with its words.
    Words(String),
}

/// A time as clients may spell it: with or without an offset, or only a day.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    let instant = text.parse::<Timestamp>().ok();
    let utc = |local: DateTime| local.to_zoned(jiff::tz::TimeZone::UTC).ok();
    instant
        .or_else(|| Some(utc(text.parse().ok()?)?.timestamp()))
        .or_else(|| Some(utc(text.parse::<Date>().ok()?.into())?.timestamp()))
}

/// The models that a type of global IDs names; none for other scalars.
fn models(scalar: &str) -> Option<&'static [&'static str]> {
    let models: &[&str] = match scalar {
        "MergeRequestID" => &["MergeRequest"],
        "NoteID" => &["Note", "DiffNote", "DiscussionNote"],
        "DiscussionID" => &["Discussion"],
        "UserID" => &["User"],
        "GroupID" => &["Group"],
        "ProjectID" => &["Project"],
        "LabelID" => &["Label", "ProjectLabel", "GroupLabel"],
        "JobID" => &["Ci::Build", "CommitStatus"],
        "CiPipelineID" => &["Ci::Pipeline"],
        _ => return None,
    };
    Some(models)
}

/// The model and number of a global ID.
pub(crate) fn global_id(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("gid://gitlab/")?.rsplit_once('/')
}

/// The number of a global ID, whatever its model.
pub(crate) fn global_number(text: &str) -> Option<i64> {
    global_id(text)?.1.parse().ok()
}

fn read_string(scalar: &str, text: &str) -> Result<(), Mismatch> {
    if let Some(models) = models(scalar) {
        let Some((model, _)) = global_id(text) else {
            return Err(Mismatch::Words(format!("{text:?} is not a valid Global ID")));
        };
        if models.contains(&model) {
            return Ok(());
        }
        return Err(Mismatch::Words(format!("{text:?} does not represent an instance of {}", models[0])));
    }
    match scalar {
        "Time" | "Date" if time(text).is_none() => Err(Mismatch::Words(format!("no time information in {text:?}"))),
        "Int" | "Float" | "Boolean" => Err(Mismatch::Type),
        _ => Ok(()),
    }
}

/// Checks a literal. Variables in it are checked where they are used.
pub(crate) fn check_literal(schema: &Valid<Schema>, ty: &Type, value: &Value) -> Result<(), Mismatch> {
    match (ty, value) {
        (_, Value::Variable(_)) => return Ok(()),
        (_, Value::Null) if ty.is_non_null() => return Err(Mismatch::Type),
        (_, Value::Null) => return Ok(()),
        (Type::List(item) | Type::NonNullList(item), Value::List(values)) => {
            return values.iter().try_for_each(|value| check_literal(schema, item, value));
        }
        // One value is a list of one.
        (Type::List(item) | Type::NonNullList(item), value) => {
            return check_literal(schema, item, value);
        }
        _ => {}
    }
    let name = ty.inner_named_type().as_str();
    match schema.types.get(name) {
        Some(ExtendedType::Enum(definition)) => match value {
            Value::Enum(given) if definition.values.contains_key(given) => Ok(()),
            _ => Err(Mismatch::Type),
        },
        Some(ExtendedType::InputObject(definition)) => {
            let Value::Object(fields) = value else {
                return Err(Mismatch::Type);
            };
            fields.iter().try_for_each(|(field, value)| {
                let definition = definition.fields.get(field).ok_or(Mismatch::Type)?;
                check_literal(schema, &definition.ty, value)
            })
        }
        Some(ExtendedType::Scalar(_)) => match value {
            Value::String(text) => read_string(name, text),
            Value::Int(number) => check_int(name, number),
            Value::Float(_) if name == "Float" => Ok(()),
            Value::Boolean(_) if name == "Boolean" => Ok(()),
            _ => Err(Mismatch::Type),
        },
        _ => Err(Mismatch::Type),
    }
}

fn check_int(scalar: &str, number: &ast::IntValue) -> Result<(), Mismatch> {
    match scalar {
        "Int" => number.try_to_i32().map(|_| ()).map_err(|_| Mismatch::Type),
        "ID" | "Float" => Ok(()),
        name if models(name).is_some() => Err(Mismatch::Words(format!("{} is not a valid Global ID", number.as_str()))),
        _ => Err(Mismatch::Type),
    }
}

/// Checks the value of a variable, and says where in it and why it is not taken.
pub(crate) fn check_variable(
    schema: &Valid<Schema>,
    ty: &Type,
    value: &Json,
    path: &mut Vec<Json>,
) -> Result<(), String> {
    match (ty, value) {
        (_, Json::Null) if ty.is_non_null() => {
            return Err("Expected value to not be null".to_owned());
        }
        (_, Json::Null) => return Ok(()),
        (Type::List(item) | Type::NonNullList(item), Json::Array(values)) => {
            for (index, value) in values.iter().enumerate() {
                path.push(Json::from(index));
                check_variable(schema, item, value, path)?;
                path.pop();
            }
            return Ok(());
        }
        (Type::List(item) | Type::NonNullList(item), value) => {
            return check_variable(schema, item, value, path);
        }
        _ => {}
    }
    let name = ty.inner_named_type().as_str();
    match schema.types.get(name) {
        Some(ExtendedType::Enum(definition)) => {
            let known = value.as_str().is_some_and(|given| definition.values.contains_key(given));
            if known {
                return Ok(());
            }
            let values: Vec<_> = definition.values.keys().map(apollo_compiler::Name::as_str).collect();
            let given = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Err(format!("Expected {given:?} to be one of: {}", values.join(", ")))
        }
        Some(ExtendedType::InputObject(definition)) => {
            let Json::Object(fields) = value else {
                return Err(format!("Expected {value} to be a key-value object."));
            };
            for (field, value) in fields {
                path.push(Json::from(field.as_str()));
                let definition = definition.fields.get(field.as_str());
                let definition = definition.ok_or_else(|| format!("Field is not defined on {name}"))?;
                check_variable(schema, &definition.ty, value, path)?;
                path.pop();
            }
            Ok(())
        }
        _ => check_scalar(name, value),
    }
}

fn check_scalar(name: &str, value: &Json) -> Result<(), String> {
    let outcome = match value {
        Json::String(text) => read_string(name, text),
        Json::Number(number) => {
            let int = number.as_i64();
            let fits = int.is_some_and(|int| i32::try_from(int).is_ok());
            match name {
                "Int" if fits => Ok(()),
                "Float" => Ok(()),
                "ID" if int.is_some() => Ok(()),
                name if models(name).is_some() => Err(Mismatch::Words(format!("{number} is not a valid Global ID"))),
                _ => Err(Mismatch::Type),
            }
        }
        Json::Bool(_) if name == "Boolean" => Ok(()),
        _ => Err(Mismatch::Type),
    };
    outcome.map_err(|mismatch| match mismatch {
        Mismatch::Words(words) => words,
        Mismatch::Type => format!("Could not coerce value {value} to {name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_ruby_reads_them() {
        let expected: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();

        for text in [
            "2026-01-02",
            "2026-01-02T00:00:00Z",
            "2026-01-02T01:00:00+01:00",
            "2026-01-02 00:00:00",
            "2026-01-02T00:00:00.000000Z",
        ] {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        assert_eq!(time("yesterday"), None);
    }

    #[test]
    fn a_global_id_names_a_model_and_a_number() {
        assert_eq!(global_id("gid://gitlab/Ci::Pipeline/7"), Some(("Ci::Pipeline", "7")));
        assert_eq!(global_number("gid://gitlab/Note/2147483650"), Some(2_147_483_650));
        assert_eq!(global_id("7"), None);
    }

    #[test]
    fn a_global_id_of_another_model_is_refused_in_gitlabs_words() {
        let other = read_string("MergeRequestID", "gid://gitlab/Project/1");
        let bare = read_string("MergeRequestID", "1");

        let words = "\"gid://gitlab/Project/1\" does not represent an instance of MergeRequest";
        assert_eq!(other, Err(Mismatch::Words(words.to_owned())));
        assert_eq!(bare, Err(Mismatch::Words("\"1\" is not a valid Global ID".to_owned())));
    }
}
