//! The World over HTTP: a server on a port of its own, with faults, limits, a log of requests and webhooks that fire.
//!
//! The way of a request: `http` takes it from the wire (`incoming`), `asked` says what it asks for, `auth` who asks;
//! `steps` lets faults strike and budgets count and has it answered by `api`; what goes out is made in `reply` and
//! spoilt in `spoil`. `change` is how anything changes the World, so that webhooks fire (`deliver`).

mod api;
mod asked;
mod auth;
mod change;
mod control;
mod deliver;
mod faults;
mod http;
mod incoming;
mod limits;
mod log;
mod options;
mod reply;
mod shared;
mod simulator;
mod spoil;
mod steps;
mod tls;

pub use faults::{Fault, FaultKind, Faults};
pub use log::Logged;
pub use options::Options;
pub use simulator::Simulator;
