//! Errors as an answer lists them.

use apollo_compiler::parser::{LineColumn, SourceMap, SourceSpan};
use serde_json::{Map, Value as Json, json};

/// An error with the places in the query that it is about.
pub(crate) fn error(message: String, locations: Json) -> Map<String, Json> {
    let mut error = Map::new();
    error.insert("message".to_owned(), Json::String(message));
    error.insert("locations".to_owned(), locations);
    error
}

/// A place in a query, as a list.
pub(crate) fn locations(span: Option<SourceSpan>, sources: &SourceMap) -> Json {
    place(span.and_then(|span| span.line_column(sources)))
}

/// A line and a column, as a list.
pub(crate) fn place(place: Option<LineColumn>) -> Json {
    let place = place.into_iter();
    place.map(|at| json!({"line": at.line, "column": at.column})).collect()
}
