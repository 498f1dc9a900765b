//! The product on a real Kubernetes API server: one control plane for all tests, a namespace for each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise; clippy.toml covers only functions marked as tests"
)]

mod chart;
mod command;
mod controller;
mod harness;
mod install;
mod pods;
mod rules;
mod serving;

#[allow(dead_code, reason = "shared with the other test binary: each uses its part of it")]
#[path = "../support/mod.rs"]
mod support;
