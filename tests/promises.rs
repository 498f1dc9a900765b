//! The promises of the product, one file a subject, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise; clippy.toml covers only functions marked as tests"
)]

mod access;
mod chart;
mod client;
mod command;
mod generated;
mod import;
mod manifest;
mod receiver;
mod rooms;
mod secrets;
mod store;
mod support;
mod webhooks;
