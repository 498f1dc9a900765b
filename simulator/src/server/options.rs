//! How the World is served.

use std::net::SocketAddr;
use std::time::Duration;

/// How the World is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A relative root such as `/gitlab`, or nothing.
    pub root: String,
    /// How long every request takes at least.
    pub latency: Duration,
    /// Certificate chain and key in PEM, for HTTPS.
    pub tls: Option<(String, String)>,
    /// Things that happen by themselves, per minute.
    pub live: Option<f64>,
    /// Whether requests for routes that are not there are told on standard error, each once.
    pub strict: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            root: String::new(),
            latency: Duration::ZERO,
            tls: None,
            live: None,
            strict: false,
        }
    }
}

impl Options {
    /// Served below a relative root, such as `/gitlab`.
    #[must_use]
    pub fn root(root: &str) -> Options {
        Options { root: root.trim_end_matches('/').to_owned(), ..Options::default() }
    }

    /// Served over HTTPS.
    #[must_use]
    pub fn tls(certificate: &str, key: &str) -> Options {
        Options { tls: Some((certificate.to_owned(), key.to_owned())), ..Options::default() }
    }

    /// Every request takes this long.
    #[must_use]
    pub fn latency(latency: Duration) -> Options {
        Options { latency, ..Options::default() }
    }
}
