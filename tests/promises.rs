//! The promises of the product, one file a subject, in one binary.

mod generated;
mod manifest;
mod store;
mod support;
