//! A plan: what an operation asks of each type, with fragments merged, variables filled in and resolvers found.
//!
//! It is made once per request; then every object of a page is written by walking a flat list of fields.

use std::collections::HashMap;

use apollo_compiler::executable::{self, Operation, Selection, SelectionSet};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node, Schema, ast};
use serde_json::Value as Json;

use super::arguments::Arguments;
use super::fields::{Resolve, resolver};
use super::introduced;

/// What is asked of objects of one type.
#[derive(Debug)]
pub(crate) struct Plan<'d> {
    pub(crate) type_name: &'d str,
    pub(crate) fields: Vec<Field<'d>>,
}

/// One field to answer.
#[derive(Debug)]
pub(crate) struct Field<'d> {
    /// `"key":`, ready to be written.
    pub(crate) key: Vec<u8>,
    pub(crate) response_key: &'d str,
    pub(crate) definition: &'d FieldDefinition,
    pub(crate) location: Option<SourceSpan>,
    pub(crate) arguments: Arguments,
    pub(crate) resolve: Resolve,
    /// Whether a fault lets it time out.
    pub(crate) times_out: bool,
    /// What is asked of the objects it answers, one plan for each type they may have.
    pub(crate) plans: Vec<Plan<'d>>,
}

impl Field<'_> {
    /// The plan for objects of a type; without a name, the only one.
    pub(crate) fn plan(&self, type_name: Option<&str>) -> Option<&Plan<'_>> {
        match type_name {
            Some(name) if self.plans.len() > 1 => self.plans.iter().find(|plan| plan.type_name == name),
            _ => self.plans.first(),
        }
    }
}

/// What a plan is made from.
pub(crate) struct Planner<'d> {
    pub(crate) schema: &'d Valid<Schema>,
    pub(crate) document: &'d ExecutableDocument,
    pub(crate) variables: &'d HashMap<String, Json>,
    /// Fields that time out, as `Type.field`.
    pub(crate) timeouts: &'d [String],
    /// The most that a page holds.
    pub(crate) page_size: i64,
}

impl<'d> Planner<'d> {
    /// The plan of an operation.
    pub(crate) fn operation(&self, operation: &'d Operation) -> Plan<'d> {
        self.plan(operation.object_type(), &[&operation.selection_set])
    }

    fn plan(&self, type_name: &'d str, sets: &[&'d SelectionSet]) -> Plan<'d> {
        let mut merged = Merged::default();
        for set in sets {
            self.collect(type_name, set, &mut merged);
        }
        let fields = merged.fields.iter().map(|same| self.field(type_name, same));
        Plan { type_name, fields: fields.collect() }
    }

    fn collect(&self, type_name: &str, set: &'d SelectionSet, merged: &mut Merged<'d>) {
        for selection in &set.selections {
            if self.skipped(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) => merged.add(field),
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else {
                        continue;
                    };
                    if self.applies(fragment.type_condition(), type_name) {
                        self.collect(type_name, &fragment.selection_set, merged);
                    }
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.type_condition.as_ref();
                    if condition.is_none_or(|condition| self.applies(condition, type_name)) {
                        self.collect(type_name, &inline.selection_set, merged);
                    }
                }
            }
        }
    }

    fn applies(&self, condition: &str, type_name: &str) -> bool {
        condition == type_name || self.schema.is_subtype(condition, type_name)
    }

    /// Whether `@skip` or `@include` leaves a selection out.
    fn skipped(&self, directives: &executable::DirectiveList) -> bool {
        let condition = |name: &str| {
            let value = directives.get(name)?.specified_argument_by_name("if")?;
            self.json(value)?.as_bool()
        };
        condition("skip") == Some(true) || condition("include") == Some(false)
    }

    fn field(&self, type_name: &str, same: &[&'d Node<executable::Field>]) -> Field<'d> {
        let first = same[0];
        let response_key = first.response_key().as_str();
        let sets: Vec<_> = same.iter().map(|field| &field.selection_set).collect();
        let plans: Vec<_> = self.possible_types(first.ty().inner_named_type());
        let plans: Vec<_> = plans.into_iter().map(|name| self.plan(name, &sets)).collect();
        let resolve = if introduced::is_placeholder(first) { Resolve::Later } else { resolver(type_name, &first.name) };
        let asks = |name: &str| plans.iter().any(|plan| plan.fields.iter().any(|field| field.definition.name == name));
        let (counted, summed) = (asks("count"), asks("totalTimeToMerge"));
        let values = self.arguments(first);
        Field {
            key: format!("\"{response_key}\":").into_bytes(),
            response_key,
            definition: &first.definition,
            location: first.location(),
            arguments: Arguments::of_values(values, counted, summed, self.page_size),
            resolve,
            times_out: self.times_out(type_name, &first.name),
            plans,
        }
    }

    fn times_out(&self, type_name: &str, field: &str) -> bool {
        let named = |timeout: &String| timeout.split_once('.') == Some((type_name, field));
        self.timeouts.iter().any(named)
    }

    fn possible_types(&self, name: &'d str) -> Vec<&'d str> {
        match self.schema.types.get(name) {
            Some(ExtendedType::Object(_)) => vec![name],
            Some(ExtendedType::Interface(_) | ExtendedType::Union(_)) => {
                let objects = self.schema.types.iter().filter(|(_, ty)| ty.is_object());
                let matching = objects.filter(|(object, _)| self.schema.is_subtype(name, object));
                matching.map(|(object, _)| object.as_str()).collect()
            }
            _ => Vec::new(),
        }
    }

    fn arguments(&self, field: &executable::Field) -> Vec<(String, Json)> {
        let mut values = Vec::with_capacity(field.arguments.len());
        for definition in &field.definition.arguments {
            let given = field.arguments.iter().find(|argument| argument.name == definition.name);
            let value = given
                .and_then(|argument| self.json(&argument.value))
                .or_else(|| self.json(definition.default_value.as_ref()?));
            if let Some(value) = value {
                values.push((definition.name.to_string(), value));
            }
        }
        values
    }

    /// A value with its variables filled in; none when a variable was not given.
    fn json(&self, value: &ast::Value) -> Option<Json> {
        to_json(value, self.variables)
    }
}

/// A literal as JSON, with its variables filled in; none when it is a variable that was not given.
pub(crate) fn to_json(value: &ast::Value, variables: &HashMap<String, Json>) -> Option<Json> {
    let json = match value {
        ast::Value::Null => Json::Null,
        ast::Value::Enum(name) => Json::from(name.as_str()),
        ast::Value::Variable(name) => return variables.get(name.as_str()).cloned(),
        ast::Value::String(text) => Json::from(text.as_str()),
        ast::Value::Float(number) => Json::from(number.try_to_f64().unwrap_or_default()),
        ast::Value::Int(number) => Json::from(number.as_str().parse::<i64>().unwrap_or_default()),
        ast::Value::Boolean(flag) => Json::from(*flag),
        ast::Value::List(items) => items.iter().map(|item| to_json(item, variables).unwrap_or_default()).collect(),
        ast::Value::Object(fields) => {
            let present =
                fields.iter().filter_map(|(name, value)| Some((name.to_string(), to_json(value, variables)?)));
            Json::Object(present.collect())
        }
    };
    Some(json)
}

/// Selected fields by response key, in the order of the query.
#[derive(Default)]
struct Merged<'d> {
    fields: Vec<Vec<&'d Node<executable::Field>>>,
    places: HashMap<&'d str, usize>,
}

impl<'d> Merged<'d> {
    fn add(&mut self, field: &'d Node<executable::Field>) {
        let place = *self.places.entry(field.response_key()).or_insert(self.fields.len());
        match self.fields.get_mut(place) {
            Some(same) => same.push(field),
            None => self.fields.push(vec![field]),
        }
    }
}
