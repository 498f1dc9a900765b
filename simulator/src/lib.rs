//! A GitLab that behaves: the state, the APIs, the webhooks and the bad days of a GitLab server, in one process.
//!
//! The outside system of our tests, demo and benchmarks is a [`World`] that is edited, never a script of answers:
//! whatever a test changes there is seen by REST and GraphQL and fires the webhooks that GitLab would fire.
//!
//! Reading order: [`world`] (what there is and who may see it), `rest` and [`graphql`] (how it is read),
//! [`server`] (how it is served, with its faults and its log of requests).
//!
//! # From another process
//!
//! | request | does |
//! |---|---|
//! | `GET /-/simulator` | tells how much there is, and how the webhooks fare |
//! | `GET`, `DELETE /-/simulator/requests` | shows, forgets the log of requests; `GET /-/simulator/counts` counts per endpoint |
//! | `GET`, `POST`, `DELETE /-/simulator/faults` | shows, adds, clears [`Fault`]s, in JSON |
//! | `POST /-/simulator/live` | lets one believable thing happen |
//! | `POST /-/simulator/<verb>` | does it to `{"project": "acme/web", "iid": 7, "user": "ann", …}`: `open` (`title`), `comment`, `diff-comment`, `internal-comment` (`body`), `approve`, `unapprove`, `request-review` (`reviewer`), `merge`, `close`, `reopen`, `ready`, `draft`, `retitle` (`title`), `label` (`label`), `push`, `delete` |
//! | `POST /-/simulator/add-project` | `{"group": "acme", "path": "new"}` |
//! | `POST /-/simulator/delete-note`, `…/revoke` | `{"note": 17}`, `{"token": "glpat-…"}` |
//!
//! Nothing here comes from the product: shared wire types would make the client's mistakes invisible.

pub mod graphql;
mod rest;
pub mod server;
pub mod world;

pub use server::{Armed, Fault, FaultKind, Faults, Logged, Odd, Options, Place, Schedule, Simulator, Tells};
pub use world::{Size, World};
