//! The controller.
mod digest;
mod import_job;
mod lease;
mod metrics;
mod outcome;
mod runs;
mod worker;
