//! What the simulated GitLab promises: to be as particular as the real one.

mod access;
mod support;
