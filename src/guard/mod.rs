//! What an installation lets connections do: which Secrets they may use, and where those may be sent. Pure.
//!
//! Whoever may create a connection does not thereby read Secrets: the owner of a Secret says what it may be used for, and
//! whoever runs the installation may relax that. A manifest never can.

mod consent;
mod hosts;

pub use consent::{Consent, Destination, HOSTS, Offer, Refusal, USE, Use, Wanted};
pub use hosts::{Hosts, Place};

/// What holds for every connection of an installation.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Guard {
    /// Whether a Secret is used only where its annotation gitlab-connector.dev/use says so (required), or also where it says
    /// nothing (optional): then whoever may create a connection may use every Secret of its namespace.
    #[arg(long, value_name = "WHEN", env = "SECRET_CONSENT", default_value = "required")]
    pub secret_consent: Consent,
}
