//! The controller on a real API server: apply a connection, see it Ready, see rows arrive.

mod deletion;
mod hooks;
mod imports;
mod process;
mod rest;
mod scene;
mod story;
mod trouble;
