//! The controller on a real API server: apply a connection, see it Ready, see rows arrive.

mod imports;
mod scene;
