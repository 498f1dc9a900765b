//! A Kubernetes control plane on this machine, and a kubelet that runs pods as processes: for tests and the demo.
//!
//! `tests/control-plane/build` finds or builds the programs; [`ControlPlane::start`] runs them, on free ports of this
//! machine only, and they end with this process however it ends.

pub mod kubelet;

mod authority;
mod binaries;
mod error;
mod kubeconfig;
mod plane;
mod process;
mod servers;

pub use error::Error;
pub use plane::{ControlPlane, Options};
pub use process::Process;
