//! From what happened to the status of a connection; pure.
