//! The whole pipeline without a cluster.
