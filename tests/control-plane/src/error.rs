//! What keeps a control plane from running.

use std::path::PathBuf;

use thiserror::Error;

/// What keeps a control plane from running.
#[derive(Debug, Error)]
pub enum Error {
    /// A program is missing; the sentence says which command helps.
    #[error("{0}")]
    Missing(String),
    /// A file or a process of the machine.
    #[error("{what}: {source}")]
    Machine {
        /// What was tried, with the path.
        what: String,
        /// How it went.
        source: std::io::Error,
    },
    /// No certificate could be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A component ended by itself.
    #[error("{name} ended by itself; {log} ends with:\n{tail}")]
    Ended {
        /// The component.
        name: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// A component runs, but does not come to work.
    #[error("{what} did not come about in {seconds} s; {log} ends with:\n{tail}")]
    NotReady {
        /// What was waited for.
        what: &'static str,
        /// How long.
        seconds: u64,
        /// Log of the component.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// A kubeconfig cannot be read or lacks something.
    #[error("kubeconfig: {0}")]
    Kubeconfig(String),
    /// The API server refused.
    #[error("cannot {what}: {source}")]
    Refused {
        /// What was asked.
        what: String,
        /// What it said.
        source: Box<kube::Error>,
    },
    /// The cluster is somebody else's.
    #[error(
        "the cluster of USE_EXISTING_CLUSTER is not ours to stop or to look into: unset the variable for this test"
    )]
    NotOurs,
}

impl Error {
    pub(crate) fn machine(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.into();
        move |source| Error::Machine { what, source }
    }

    pub(crate) fn refused(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Error {
        let what = what.into();
        move |source| Error::Refused { what, source: Box::new(source) }
    }
}
