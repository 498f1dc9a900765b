//! One GitLab instance, spoken to by a pool of tokens.
//!
//! A [`Client`] holds one HTTP client and the tokens of one connection. A request goes through four hands:
//! the *pool* picks the user with the most budget left, the *limits* make it wait its turn, the *transport* sends it and
//! reads the answer, and the *answer* is judged: good, worth another try, or an [`Error`] that says who is to blame.
//! Waiting for a rate limit is not an error; a token that GitLab refuses is set aside and the others go on.

mod answer;
mod class;
mod client;
mod error;
pub mod graphql;
mod limits;
mod metrics;
mod pages;
mod pool;
pub mod queries;
mod redact;
mod request;
mod rest;
mod send;
mod term;
mod transport;

pub mod model;

pub use answer::RawAnswer;
pub use class::Class;
pub use client::{Client, Instance, SetAside, Stats, Token};
pub use error::{Dialect, Error, Phase};
pub use limits::Patience;
pub use metrics::Metrics;
pub use pages::{Page, Pages};
pub use rest::hooks::Target;
pub use rest::merge_requests::MergeRequestFilter;
pub use rest::probe::Probe;
pub use term::Term;
pub use transport::{Deadlines, install_tls};
