//! The World over HTTP: a server on a port of its own, with faults, limits, a log of requests and webhooks that fire.
//!
//! The way of a request: `http` takes it from the `wire` (`incoming`), `asked` says what it asks for, `auth` who asks;
//! `steps` lets faults strike, budgets count and `api` answer; `spoil` does to the answer what `faults` say, and `dress`
//! what Rails and nginx do. `change` is how anything changes the World, so that webhooks fire (`deliver`);
//! `control` does it for other processes, verb by verb (`verbs`).

mod api;
mod asked;
mod auth;
mod budget;
mod change;
mod clients;
mod control;
mod deliver;
mod dress;
mod faults;
mod http;
mod incoming;
mod limits;
mod log;
mod options;
mod query;
mod reply;
mod shared;
mod simulator;
mod spoil;
mod steps;
mod tls;
mod verbs;
mod wire;

pub use faults::{Armed, Fault, FaultKind, Faults, Odd, Place, Schedule, Tells};
pub use log::Logged;
pub use options::Options;
pub use simulator::Simulator;
