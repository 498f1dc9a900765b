//! What several promises need.

pub(crate) mod acme;
pub(crate) mod binary;
pub(crate) mod logs;
pub(crate) mod pgbouncer;
pub(crate) mod ports;
pub(crate) mod postgres;
pub(crate) mod rows;
