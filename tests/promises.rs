//! The promises of the product, one file a subject, in one binary.

// Helpers of tests stop at the first surprise, as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod generated;
mod manifest;
