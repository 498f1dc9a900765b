//! Clients that were written against the real GitLab work unchanged.
//!
//! They are installed from their registries once, in the versions that their lock files name, and kept under `target/`.
//! A script of each is told where the simulator is and what there is in its World ([`facts`]); it asks its client, and holds
//! every answer against that.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod airbyte;
mod facts;
mod gitbeaker;
mod install;
mod python_gitlab;
mod support;
