//! The rules of the CRD, applied to one object as an API server applies them: prune nulls, apply defaults, check the
//! structural schema, and, when that holds, evaluate the CEL rules.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::core::cel::{CompiledSchema, Validator, apply_defaults, compile_schema};
use serde_json::Value;

use crate::api;

/// One broken rule; what it says of where is a path only.
#[derive(Debug, PartialEq)]
pub(super) struct Broken {
    pub(super) field: String,
    pub(super) rule: String,
    pub(super) message: String,
}

/// The rules of the CRD, ready to be applied.
pub struct Rules {
    schema: JSONSchemaProps,
    json: Value,
    compiled: CompiledSchema,
    validator: Validator,
}

impl Rules {
    /// The rules of `GitLabConnection`.
    #[must_use]
    pub fn of_connections() -> Self {
        let versions = api::crd().spec.versions.into_iter();
        let mut schema = versions.filter_map(|version| version.schema?.open_api_v3_schema).next().unwrap_or_default();
        // Object metadata has rules of its own; the status is not a person's to write.
        if let Some(fields) = &mut schema.properties {
            fields.remove("status");
        }
        let json = serde_json::to_value(&schema).unwrap_or_default();
        let compiled = compile_schema(&json);
        Self { schema, json, compiled, validator: Validator::new() }
    }

    /// What is wrong with an object without metadata and status: one sentence for each rule that it breaks.
    #[must_use]
    pub fn sentences(&self, object: Value) -> Vec<String> {
        let sentence = |Broken { field, message, .. }: Broken| {
            if message.starts_with(&field) { message } else { format!("{field}: {message}") }
        };
        self.apply(object).err().into_iter().flatten().map(sentence).collect()
    }

    /// Holds an object without metadata and status to the rules.
    ///
    /// # Errors
    /// All rules that it breaks; otherwise the object with its defaults.
    pub(super) fn apply(&self, mut object: Value) -> Result<Value, Vec<Broken>> {
        prune_nulls(&mut object, &self.schema);
        let object = apply_defaults(&self.json, &object);

        let mut broken = Vec::new();
        check(&object, &self.schema, "", &mut broken);
        if !broken.is_empty() {
            return Err(broken);
        }

        let verdict = self.validator.validate_compiled(&self.compiled, &object, None);
        let Err(errors) = verdict else {
            return Ok(object);
        };
        let rule = |error: kube::core::cel::ValidationError| Broken {
            field: error.field_path,
            rule: error.rule,
            message: error.message,
        };
        Err(errors.into_iter().map(rule).collect())
    }
}

/// A null is the same as nothing, as it is for an API server where a field is not nullable.
fn prune_nulls(value: &mut Value, schema: &JSONSchemaProps) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            for (name, field) in fields {
                if let Some(schema) = field_schema(schema, name) {
                    prune_nulls(field, schema);
                }
            }
        }
        Value::Array(items) => {
            if let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items {
                items.iter_mut().for_each(|item| prune_nulls(item, schema));
            }
        }
        _ => {}
    }
}

fn field_schema<'a>(schema: &'a JSONSchemaProps, name: &str) -> Option<&'a JSONSchemaProps> {
    if let Some(field) = schema.properties.as_ref().and_then(|fields| fields.get(name)) {
        return Some(field);
    }
    match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(values)) => Some(values),
        _ => None,
    }
}

fn check(value: &Value, schema: &JSONSchemaProps, path: &str, broken: &mut Vec<Broken>) {
    let mut say = |rule: &str, message: String| {
        broken.push(Broken { field: path.to_owned(), rule: rule.to_owned(), message });
    };
    if let Some(wanted) = wrong_type(value, schema) {
        let quote = wanted == "a string" && (value.is_number() || value.is_boolean());
        let remedy = if quote { ": put it in quotes" } else { "" };
        say("type", format!("must be {wanted}, not {}{remedy}", kind(value)));
        return;
    }
    if let Some(allowed) = &schema.enum_
        && !allowed.iter().any(|allowed| allowed.0 == *value)
    {
        let allowed: Vec<_> = allowed.iter().filter_map(|allowed| allowed.0.as_str()).collect();
        say("enum", format!("must be one of {}, not {value}", allowed.join(", ")));
    }
    match value {
        Value::String(text) => {
            bounds(text.chars().count(), schema.min_length, schema.max_length, "characters", &mut say);
        }
        Value::Array(items) => bounds(items.len(), schema.min_items, schema.max_items, "items", &mut say),
        Value::Object(fields) => {
            bounds(fields.len(), schema.min_properties, schema.max_properties, "entries", &mut say);
        }
        _ => {}
    }
    match value {
        Value::Object(fields) => {
            for name in schema.required.iter().flatten().filter(|name| !fields.contains_key(*name)) {
                let message = "is required: add it".to_owned();
                broken.push(Broken { field: join(path, name), rule: "required".to_owned(), message });
            }
            for (name, field) in fields {
                match field_schema(schema, name) {
                    Some(schema) => check(field, schema, &join(path, name), broken),
                    None if schema.x_kubernetes_preserve_unknown_fields == Some(true) => {}
                    None if schema.properties.is_none() && schema.additional_properties.is_none() => {}
                    None => broken.push(unknown(name, schema, path)),
                }
            }
        }
        Value::Array(items) => {
            let Some(JSONSchemaPropsOrArray::Schema(schema)) = &schema.items else {
                return;
            };
            for (index, item) in items.iter().enumerate() {
                check(item, schema, &format!("{path}[{index}]"), broken);
            }
        }
        _ => {}
    }
}

/// The type that is wanted, when the value has another.
fn wrong_type(value: &Value, schema: &JSONSchemaProps) -> Option<&'static str> {
    if schema.x_kubernetes_int_or_string == Some(true) {
        return (!value.is_string() && !value.is_i64()).then_some("an integer or a string");
    }
    let (fits, wanted) = match schema.type_.as_deref()? {
        "string" => (value.is_string(), "a string"),
        "integer" => (value.is_i64() || value.as_f64().is_some_and(|number| number.fract() == 0.0), "an integer"),
        "number" => (value.is_number(), "a number"),
        "boolean" => (value.is_boolean(), "true or false"),
        "array" => (value.is_array(), "a list"),
        "object" => (value.is_object(), "a map of fields"),
        _ => return None,
    };
    (!fits).then_some(wanted)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map of fields",
    }
}

fn bounds(size: usize, min: Option<i64>, max: Option<i64>, unit: &str, say: &mut impl FnMut(&str, String)) {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if let Some(min) = min.filter(|min| size < *min) {
        say("minimum", format!("has {size} {unit}: give at least {min}"));
    }
    if let Some(max) = max.filter(|max| size > *max) {
        say("maximum", format!("has {size} {unit}: give at most {max}"));
    }
}

fn unknown(name: &str, schema: &JSONSchemaProps, path: &str) -> Broken {
    let known = schema.properties.iter().flat_map(|fields| fields.keys());
    let close = known
        .map(|field| (strsim::damerau_levenshtein(&field.to_lowercase(), &name.to_lowercase()), field))
        .filter(|(distance, field)| *distance <= 1 + field.len() / 4)
        .min();
    let message = match close {
        Some((_, field)) => format!("unknown field, did you mean {field}?"),
        None => {
            let known: Vec<_> = schema.properties.iter().flat_map(|fields| fields.keys()).map(String::as_str).collect();
            format!("unknown field: remove it, or use one of {}", known.join(", "))
        }
    };
    Broken { field: join(path, name), rule: "unknown".to_owned(), message }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
