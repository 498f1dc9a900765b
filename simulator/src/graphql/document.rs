//! Documents: parsed, validated and kept, because a client sends the same few again and again.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use apollo_compiler::ast::Document;
use apollo_compiler::executable::Operation;
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::Value as Json;

use crate::world::Version;

use super::error::{error, place};
use super::schema::{Level, schema};
use super::{introduced, rules};

/// A client has few documents; one that makes up new ones forever must not fill the memory.
const MOST_KEPT: usize = 1000;

/// A document that may be executed.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) schema: Arc<Valid<Schema>>,
    pub(crate) document: Valid<ExecutableDocument>,
    /// The length of its latest answer: the next one will be about as long.
    pub(crate) answer_length: AtomicUsize,
}

/// What became of a document: it may be executed, or these errors are the answer.
type Outcome = Arc<Result<Prepared, Vec<Json>>>;

/// Parses and validates a document, unless that was done before.
pub(crate) fn prepare(version: Version, enterprise: bool, text: &str) -> Outcome {
    type Kept = HashMap<(u32, u32, u32, bool), HashMap<String, Outcome>>;
    static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

    let server = (version.major, version.minor, version.patch, enterprise);
    let known = {
        let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&server).and_then(|documents| documents.get(text)).cloned()
    };
    if let Some(known) = known {
        return known;
    }
    let outcome = Arc::new(parse(version, enterprise, text));
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let documents = kept.entry(server).or_default();
    if documents.len() >= MOST_KEPT {
        documents.clear();
    }
    documents.insert(text.to_owned(), Arc::clone(&outcome));
    outcome
}

fn parse(version: Version, enterprise: bool, text: &str) -> Result<Prepared, Vec<Json>> {
    let schema = schema(Level::of(version), enterprise);
    let mut document = Document::parse(text, "query").map_err(|wrong| syntax_error(&wrong.errors))?;
    introduced::replace(&mut document, &schema, version);
    let errors = rules::errors(&document, &schema);
    if !errors.is_empty() {
        return Err(errors);
    }
    let document = document.to_executable_validate(&schema);
    let document = document.map_err(|wrong| engine_errors(&wrong.errors))?;
    Ok(Prepared { schema, document, answer_length: AtomicUsize::new(4096) })
}

/// A syntax error stops everything, so there is only the first.
fn syntax_error(errors: &DiagnosticList) -> Vec<Json> {
    let first = errors.iter().next().map(|found| {
        let at = found.line_column_range().map(|range| range.start);
        let words = at.map_or_else(String::new, |at| format!(" at [{}, {}]", at.line, at.column));
        Json::Object(error(format!("{}{words}", found.error), place(at)))
    });
    first.into_iter().collect()
}

/// Errors that only the engine knows, in its own words.
fn engine_errors(errors: &DiagnosticList) -> Vec<Json> {
    let words = errors.iter().map(|found| {
        let at = found.line_column_range().map(|range| range.start);
        Json::Object(error(found.error.to_string(), place(at)))
    });
    words.take(5).collect()
}

impl Prepared {
    /// The operation to execute.
    ///
    /// # Errors
    /// The words of graphql-ruby, when there is none or more than one.
    pub(crate) fn operation(&self, name: Option<&str>) -> Result<&Operation, String> {
        let operations = &self.document.operations;
        match operations.get(name) {
            Ok(operation) => Ok(operation),
            Err(_) if name.is_some() => Err(format!("No operation named {:?}", name.unwrap_or_default())),
            Err(_) if operations.is_empty() => Err("No query string was present".to_owned()),
            Err(_) => Err("An operation name is required".to_owned()),
        }
    }
}
