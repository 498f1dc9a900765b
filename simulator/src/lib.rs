//! A GitLab that behaves: the state, the APIs, the webhooks and the bad days of a GitLab server, in one process.
//!
//! The outside system of our tests, demo and benchmarks is a [`World`] that is edited, never a script of answers:
//! whatever a test changes there is seen by REST and GraphQL and fires the webhooks that GitLab would fire.
//!
//! Reading order: [`world`] (what there is and who may see it), `rest` and [`graphql`] (how it is read),
//! [`server`] (how it is served, with its faults and its log of requests).
//!
//! What other processes can do is told in README.md: the log, the faults, and the verbs below `/-/simulator`.
//!
//! Nothing here comes from the product: shared wire types would make the client's mistakes invisible.

pub mod graphql;
mod rest;
pub mod server;
pub mod world;

pub use server::{Armed, Fault, FaultKind, Faults, Logged, Odd, Options, Place, Schedule, Simulator, Tells};
pub use world::{Size, World};

/// Every route of REST: method, path below `/api/v4`, the version it came with, and `Enterprise` where only that has it.
#[must_use]
pub fn routes() -> Vec<[String; 4]> {
    rest::table()
}
