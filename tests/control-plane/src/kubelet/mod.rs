//! Runs the pods of a control plane as processes of this machine, and reports as the kubelet does.
