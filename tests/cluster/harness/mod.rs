//! What tests on a real API server need.

pub(crate) mod audit;
mod cluster;
mod kubectl;
mod namespace;
mod rights;
mod wait;

pub(crate) use cluster::{Cluster, IMAGE, cluster};
pub(crate) use namespace::Namespace;
pub(crate) use wait::until;
