//! Logs, metrics and health.

mod health;
mod process;

use std::{io::IsTerminal, sync::Arc};

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{encoding::text, registry::Registry};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

pub use health::{Health, Heartbeat, Readiness};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// The options that every command shares.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What is logged: `error`, `warn`, `info`, `debug` or a filter such as `gitlab_connector::gitlab=debug`.
    #[arg(long, global = true, env = "GITLAB_CONNECTOR_LOG", default_value = "warn")]
    pub log: String,

    /// How log lines look.
    #[arg(long, global = true, env = "GITLAB_CONNECTOR_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter of `--log` cannot be parsed.
    #[error("--log: {0}; use error, warn, info, debug or target=level pairs")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody set a subscriber before us.
    #[error("logging is set up twice")]
    Twice,
}

/// Starts logging to standard error.
///
/// # Errors
/// When the filter cannot be parsed, or when logging was started before.
pub fn start(args: &Args) -> Result<(), Error> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&args.log)?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match args.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|_| Error::Twice)
}

/// The registry that all metrics of this process join; names begin with `gitlab_connector_`.
#[must_use]
pub fn registry() -> Registry {
    let mut registry = Registry::with_prefix("gitlab_connector");
    registry.register_collector(Box::new(process::Memory));
    registry
}

/// Serves `/metrics` for Prometheus, and `/healthz` and `/readyz` for Kubernetes, on `listener` until `stop` resolves.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    registry: Registry,
    health: Health,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let registry = Arc::new(registry);
    let ready = health.clone();
    let router = Router::new()
        .route("/metrics", get(move || async move { exposition(&registry) }))
        .route("/healthz", get(move || async move { health.alive() }))
        .route("/readyz", get(move || async move { ready.ready() }));
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

/// The registry in the text format that Prometheus scrapes.
fn exposition(registry: &Registry) -> Response {
    let mut text = String::new();
    match text::encode(&mut text, registry) {
        Ok(()) => {
            ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
