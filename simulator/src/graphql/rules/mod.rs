//! The rules of a valid query, with the words and codes of graphql-ruby, which GitLab runs.
//!
//! What is found here is refused as GitLab refuses it. The engine validates again after us: it knows rarer rules, in its own words.

mod arguments;
mod checker;
mod fragments;
mod names;
mod owner;
mod variables;

use apollo_compiler::Schema;
use apollo_compiler::ast::{Definition, Document};
use apollo_compiler::validation::Valid;
use serde_json::Value as Json;

use checker::Checker;
pub(crate) use names::{UsedNames, used_names};

/// GitLab stops looking after this many errors.
const MOST_ERRORS: usize = 5;

/// The errors of a document, as the answer lists them; none when it is valid.
pub(crate) fn errors(document: &Document, schema: &Valid<Schema>) -> Vec<Json> {
    let mut checker = Checker { document, schema, path: Vec::new(), errors: Vec::new() };
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => checker.operation(operation),
            Definition::FragmentDefinition(fragment) => checker.fragment(fragment),
            _ => {}
        }
    }
    checker.all_fragments();
    checker.unused_fragments();
    checker.errors.truncate(MOST_ERRORS);
    checker.errors
}
