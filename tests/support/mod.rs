//! What several promises need.

pub(crate) mod logs;
pub(crate) mod postgres;
