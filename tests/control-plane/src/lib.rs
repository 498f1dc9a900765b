//! A Kubernetes control plane on this machine, and a kubelet that runs pods as processes: for tests and the demo.

pub mod kubelet;
