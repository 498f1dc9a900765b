//! A request: one query or several, with their limits.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use apollo_compiler::executable::Operation;
use apollo_compiler::introspection;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::world::{Caller, Scope, Settings, World};

use super::context::Context;
use super::document::{Prepared, prepare};
use super::paging::PAGE_SIZE;
use super::plan::{Plan, Planner, to_json};
use super::{Answer, cost, error, execute, literals};

/// The longest text of all queries of a request, in characters.
const LONGEST_QUERY: usize = 10_000;

/// One query of a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    variables: Option<Json>,
    #[serde(default)]
    operation_name: Option<String>,
}

/// A request holds one query, or an array of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Body {
    Multiplex(Vec<Query>),
    Single(Query),
}

/// A query that may run, unless it costs too much.
struct Ready<'d> {
    prepared: &'d Prepared,
    operation: &'d Operation,
    variables: &'d HashMap<String, Json>,
    plan: Plan<'d>,
    score: i64,
    depth: usize,
}

/// The most that a caller may ask for.
struct Limits {
    complexity: i64,
    depth: usize,
}

impl Limits {
    fn of(caller: &Caller, settings: &Settings) -> Limits {
        let (complexity, depth) = match caller.user {
            None => (200, 15),
            Some(_) if caller.admin => (300, 20),
            Some(_) => (250, 20),
        };
        let depth = settings.depth_limit.unwrap_or(depth);
        Limits { complexity: settings.complexity_limit.unwrap_or(complexity), depth }
    }
}

/// An answer that is an error as a whole.
fn refusal(status: StatusCode, message: &str) -> Answer {
    Answer { status, body: failed(message) }
}

fn failed(message: &str) -> Vec<u8> {
    errors_only(&[json!({"message": message})])
}

fn errors_only(errors: &[Json]) -> Vec<u8> {
    json!({"errors": errors}).to_string().into_bytes()
}

/// Answers the body of a request.
pub(crate) fn answer(world: &World, caller: &Caller, body: &[u8], timeouts: &[String]) -> Answer {
    if !caller.anonymous() && !caller.has(&[Scope::Api, Scope::ReadApi, Scope::Granular]) {
        return refusal(StatusCode::UNAUTHORIZED, "Invalid token");
    }
    let Ok(body) = serde_json::from_slice::<Body>(body) else {
        return refusal(StatusCode::BAD_REQUEST, "The request body is not valid JSON");
    };
    let (queries, multiplex) = match body {
        Body::Single(query) => (vec![query], false),
        Body::Multiplex(queries) => (queries, true),
    };
    let length = |query: &Query| query.query.as_ref().map_or(0, |text| text.chars().count());
    if queries.iter().map(length).sum::<usize>() > LONGEST_QUERY {
        return refusal(StatusCode::UNPROCESSABLE_ENTITY, "Query too large");
    }

    let settings = &world.settings;
    let prepared: Vec<_> = queries
        .iter()
        .map(|query| {
            prepare(settings.version, settings.edition.enterprise(), query.query.as_deref().unwrap_or_default())
        })
        .collect();
    let given: Vec<_> = queries.iter().zip(&prepared).map(|(query, prepared)| variables(query, prepared)).collect();
    let ready = queries.iter().zip(&prepared).zip(&given);
    let ready = ready.map(|((query, prepared), variables)| make_ready(query, prepared, variables, timeouts, settings));
    let answers = run(world, caller, ready.collect());

    let body = if multiplex {
        [b"[".as_slice(), &answers.join(&b','), b"]"].concat()
    } else {
        answers.into_iter().next().unwrap_or_default()
    };
    Answer { status: StatusCode::OK, body }
}

/// The values of a query's variables, or the answer that says which are wrong.
fn variables(query: &Query, prepared: &Result<Prepared, Vec<Json>>) -> Result<HashMap<String, Json>, Vec<u8>> {
    let prepared = prepared.as_ref().map_err(|errors| errors_only(errors))?;
    let operation = prepared.operation(query.operation_name.as_deref()).map_err(|words| failed(&words))?;
    let given = match &query.variables {
        Some(Json::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(values) => values.clone(),
        None => Json::Null,
    };
    let mut values = HashMap::new();
    let mut errors = Vec::new();
    for variable in &operation.variables {
        let name = variable.name.as_str();
        let default = variable.default_value.as_ref().and_then(|value| to_json(value, &HashMap::new()));
        let value = given.get(name).cloned().or(default);
        if value.is_none() && !variable.ty.is_non_null() {
            continue;
        }
        let value = value.unwrap_or_default();
        let mut path = Vec::new();
        if let Err(explanation) = literals::check_variable(&prepared.schema, &variable.ty, &value, &mut path) {
            let message = invalid_variable(name, &variable.ty.to_string(), &path, &explanation);
            let locations = error::locations(variable.location(), &prepared.document.sources);
            let problems = json!([{"path": path, "explanation": explanation}]);
            let mut found = error::error(message, locations);
            found.insert("extensions".to_owned(), json!({"value": value, "problems": problems}));
            errors.push(Json::Object(found));
        }
        values.insert(name.to_owned(), value);
    }
    if errors.is_empty() {
        return Ok(values);
    }
    Err(errors_only(&errors))
}

fn invalid_variable(name: &str, ty: &str, path: &[Json], explanation: &str) -> String {
    let steps: Vec<_> = path.iter().map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned)).collect();
    let place = if steps.is_empty() { String::new() } else { format!(" for {} ({explanation})", steps.join(".")) };
    format!("Variable ${name} of type {ty} was provided invalid value{place}")
}

fn make_ready<'d>(
    query: &Query,
    prepared: &'d Result<Prepared, Vec<Json>>,
    variables: &'d Result<HashMap<String, Json>, Vec<u8>>,
    timeouts: &'d [String],
    settings: &Settings,
) -> Result<Ready<'d>, Vec<u8>> {
    let variables = variables.as_ref().map_err(Clone::clone)?;
    let prepared = prepared.as_ref().map_err(|errors| errors_only(errors))?;
    let operation = prepared.operation(query.operation_name.as_deref()).map_err(|words| failed(&words))?;
    let planner = Planner {
        schema: &prepared.schema,
        document: &prepared.document,
        variables,
        timeouts,
        page_size: settings.page_size_limit.unwrap_or(PAGE_SIZE),
    };
    let plan = planner.operation(operation);
    Ok(Ready { prepared, operation, variables, score: cost::complexity(&plan), depth: cost::depth(&plan), plan })
}

/// Runs what may run; all queries of a request share one budget.
fn run(world: &World, caller: &Caller, queries: Vec<Result<Ready<'_>, Vec<u8>>>) -> Vec<Vec<u8>> {
    let limits = Limits::of(caller, &world.settings);
    let total: i64 = queries.iter().flatten().map(|query| query.score).sum();
    let too_complex = total > limits.complexity;
    let answers = queries.into_iter().map(|query| {
        let query = match query {
            Ok(query) => query,
            Err(answer) => return answer,
        };
        let mut errors = Vec::new();
        if too_complex {
            let limit = limits.complexity;
            errors.push(
                json!({"message": format!("Query has complexity of {total}, which exceeds max complexity of {limit}")}),
            );
        }
        if query.depth > limits.depth {
            let (depth, limit) = (query.depth, limits.depth);
            errors.push(json!({"message": format!("Query has depth of {depth}, which exceeds max depth of {limit}")}));
        }
        if !errors.is_empty() {
            return errors_only(&errors);
        }
        let ctx = Context::new(world, caller, query.score, limits.complexity);
        let schema_answer = introspect(&query);
        let length = &query.prepared.answer_length;
        let mut out = Vec::with_capacity(length.load(Ordering::Relaxed) + 1024);
        execute::execute(&ctx, &query.prepared.document, &query.plan, schema_answer.as_ref(), &mut out);
        length.store(out.len(), Ordering::Relaxed);
        out
    });
    answers.collect()
}

/// The engine answers what a query asks about the schema itself.
fn introspect(query: &Ready<'_>) -> Option<JsonMap> {
    let asks = query.plan.fields.iter().any(|field| matches!(field.definition.name.as_str(), "__schema" | "__type"));
    if !asks {
        return None;
    }
    let schema = &query.prepared.schema;
    let implementers = schema.implementers_map();
    let values = serde_json::to_value(query.variables).ok()?;
    let values: JsonMap = serde_json::from_value(values).ok()?;
    let values = Valid::assume_valid(values);
    let document = &query.prepared.document;
    let answer = introspection::partial_execute(schema, &implementers, document, query.operation, &values);
    answer.ok()?.data
}
