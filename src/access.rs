//! What can these tokens do? The probes, the matrix and the remedies.
