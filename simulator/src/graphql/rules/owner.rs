//! What arguments belong to.

use apollo_compiler::parser::SourceSpan;

/// What the arguments being checked belong to.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
    pub(super) location: Option<SourceSpan>,
}
