//! The resolvers: a room a noun, and the table that names them all.
//!
//! A field's resolver is looked up by name once per request; then it is called for every object of a page.

mod approval;
mod ci;
mod commit;
mod group;
mod kit;
mod label;
mod list;
mod member;
mod merge_request;
mod note;
mod project;
mod query;
mod table;
mod user;

pub(crate) use table::{Resolve, resolver};
