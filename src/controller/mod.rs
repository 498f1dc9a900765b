//! The controller.
mod digest;
mod runs;
