//! The resolvers: a room a noun, and the table that names them all.
//!
//! A field's resolver is looked up by name once per request; then it is called for every object of a page.

mod approval;
mod award;
mod commit;
mod deployment;
mod group;
mod job;
mod kit;
mod label;
mod list;
mod member;
mod merge_request;
mod milestone;
mod namespace;
mod note;
mod pipeline;
mod project;
mod projects;
mod query;
mod repository;
mod table;
mod user;

pub(crate) use table::{Resolve, resolver};
