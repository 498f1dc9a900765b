//! Bad days: a fault is a place, a time and what goes wrong there.

mod fault;
mod kind;
mod odd;
mod place;
mod registry;
mod schedule;

pub use fault::Fault;
pub use kind::{FaultKind, Tells};
pub use odd::Odd;
pub use place::Place;
pub use registry::{Armed, Faults};
pub use schedule::Schedule;

pub(super) use place::Subject;
