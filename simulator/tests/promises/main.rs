//! What the simulated GitLab promises: to be as particular as the real one.

mod access;
mod deliveries;
mod faults;
mod hooks;
mod paging;
mod python;
mod support;
mod tokens;
