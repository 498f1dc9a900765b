//! The way to the API server.

use std::time::Duration;

use axum::http::{HeaderValue, header::USER_AGENT};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

/// How long a single request may take. Watches are not meant: they have a clock of their own.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a server may be silent. Watches hear of it more often: it ends each of them after less than five minutes.
const LONGEST_SILENCE: Duration = Duration::from_secs(310);

/// A client for the cluster: of the kubeconfig's `context`, else of its current one, else of the pod that this runs in.
///
/// # Errors
/// Where there is neither, or it cannot be used.
pub async fn client(context: Option<&str>, namespace: Option<&str>) -> Result<Client, kube::Error> {
    let mut config = match context {
        None => Config::infer().await.map_err(kube::Error::InferConfig)?,
        Some(context) => {
            let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
            Config::from_custom_kubeconfig(Kubeconfig::read()?, &options).await?
        }
    };
    if let Some(namespace) = namespace {
        namespace.clone_into(&mut config.default_namespace);
    }
    client_for(config)
}

/// A client that says who we are.
///
/// # Errors
/// When certificates or credentials of the configuration cannot be used.
pub fn client_for(mut config: Config) -> Result<Client, kube::Error> {
    let agent = HeaderValue::from_static(concat!("gitlab-connector/", env!("CARGO_PKG_VERSION")));
    config.headers.push((USER_AGENT, agent));
    // Whatever nobody else has a clock for ends at last, so that no connection waits for ever for a server that is gone.
    config.read_timeout.get_or_insert(LONGEST_SILENCE);
    config.write_timeout.get_or_insert(PATIENCE);
    config.reset_reader_on_write = true;
    Client::try_from(config)
}

/// A request that fails when its answer takes too long: an API server that went away may never say so.
///
/// # Errors
/// Those of the request.
pub async fn timely<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, kube::Error> {
    let answer = tokio::time::timeout(PATIENCE, request).await;
    answer.unwrap_or_else(|_| Err(kube::Error::Service("the API server did not answer in time".into())))
}

/// Whether the object that a request spoke of does not exist.
#[must_use]
pub fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Whether the object that a request spoke of has changed, or is another one of the same name.
#[must_use]
pub fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}
