//! The cluster that a person means, and what is said when it does not answer.

use std::{path::PathBuf, time::Duration};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use super::Failure;
use crate::{api, cluster, gitlab};

/// How long a cluster may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which cluster, and where in it.
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    /// Namespace in the cluster. Default: that of the context.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(super) namespace: Option<String>,

    /// Context of the kubeconfig. Default: its current one.
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,

    /// The kubeconfig. Default: KUBECONFIG, then ~/.kube/config, then the rights of the pod that this runs in.
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
}

impl Args {
    /// Whether anything was said about a cluster.
    pub(super) fn is_given(&self) -> bool {
        let Self { namespace, context, kubeconfig } = self;
        namespace.is_some() || context.is_some() || kubeconfig.is_some()
    }
}

/// A cluster that can be asked.
pub(super) struct Cluster {
    pub(super) client: Client,
    /// The namespace that was named, else that of the context.
    pub(super) namespace: String,
    /// Where it is.
    server: String,
}

/// Finds the cluster; sends nothing.
pub(super) async fn find(args: &Args) -> Result<Cluster, Failure> {
    // Kubernetes and GitLab are spoken to with the same TLS.
    gitlab::install_tls();
    let mut config = config(args).await?;
    config.connect_timeout = Some(PATIENCE);
    config.read_timeout = Some(PATIENCE);
    let namespace = args.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    // Credentials that somebody wrote into the URL stay out of messages.
    let (scheme, authority) = (config.cluster_url.scheme_str(), config.cluster_url.authority());
    let server = format!(
        "{}://{}",
        scheme.unwrap_or("https"),
        authority.map_or("", |authority| authority.as_str().rsplit('@').next().unwrap_or_default())
    );
    let client = cluster::client_for(config)
        .map_err(|error| Failure::bad_input(format!("the kubeconfig cannot be used: {}", deepest(&error))))?;
    Ok(Cluster { client, namespace, server })
}

async fn config(args: &Args) -> Result<Config, Failure> {
    let options = KubeConfigOptions { context: args.context.clone(), ..KubeConfigOptions::default() };
    let read = match &args.kubeconfig {
        Some(file) => match Kubeconfig::read_from(file) {
            Ok(kubeconfig) => Config::from_custom_kubeconfig(kubeconfig, &options).await,
            Err(error) => Err(error),
        },
        None => Config::from_kubeconfig(&options).await,
    };
    let error = match read {
        Ok(config) => return Ok(config),
        Err(error) => error,
    };
    if args.kubeconfig.is_none()
        && args.context.is_none()
        && let Ok(config) = Config::incluster()
    {
        return Ok(config);
    }
    Err(Failure::bad_input(match error {
        KubeconfigError::LoadContext(context) => {
            format!("no context '{context}' in the kubeconfig: kubectl config get-contexts lists those there are")
        }
        KubeconfigError::ReadConfig(source, file) => {
            format!("kubeconfig {}: {source}; name one with --kubeconfig or KUBECONFIG", file.display())
        }
        KubeconfigError::CurrentContextNotSet => {
            "the kubeconfig has no current context: name one with --context".to_owned()
        }
        // A parser quotes what it read, which may be a token.
        KubeconfigError::Parse(_) => "the kubeconfig is not valid YAML".to_owned(),
        other => format!("the kubeconfig cannot be used: {other}"),
    }))
}

impl Cluster {
    /// What it means that the cluster refused, or did not answer, and what helps.
    pub(super) fn failure(&self, error: &kube::Error) -> Failure {
        let kube::Error::Api(status) = error else {
            return Failure::failed(match error {
                kube::Error::Auth(auth) => format!("cannot log in to the cluster {}: {}", self.server, deepest(auth)),
                kube::Error::SerdeError(_) => format!("{} answers, but not as a Kubernetes API does", self.server),
                _ => format!(
                    "cannot reach the cluster {}: {}; is the context the right one?",
                    self.server,
                    deepest(error)
                ),
            });
        };
        let named = status.details.as_ref().map_or("", |details| details.name.as_str());
        match status.code {
            404 if named.is_empty() => Failure::failed(format!(
                "the cluster {} does not know {}: install the chart (helm install gitlab-connector charts/gitlab-connector), \
                 or the definition alone (gitlab-connector crd | kubectl apply --server-side -f -)",
                self.server,
                api::GROUP
            )),
            404 => Failure::bad_input(format!("{}; gitlab-connector status -A lists those there are", status.message)),
            401 => {
                Failure::failed(format!("the cluster {} does not accept your credentials: log in again", self.server))
            }
            403 => Failure::failed(format!(
                "{}; ask for a Role with that verb and resource, or choose a namespace of yours with -n",
                status.message
            )),
            _ => Failure::failed(format!("the cluster {} refuses: {}", self.server, status.message)),
        }
    }
}

/// The cause at the end of the chain, which says most to a person.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[tokio::test]
    async fn a_cluster_without_our_definition_is_told_from_a_connection_that_is_not_there() {
        gitlab::install_tls();
        let config = Config::new("https://127.0.0.1:6443".parse().unwrap());
        let client = Client::try_from(config).unwrap();
        let cluster = Cluster { client, namespace: "metrics".to_owned(), server: "https://127.0.0.1:6443".to_owned() };
        let refused = |answer: &str| {
            let status: Status = serde_json::from_str(answer).unwrap();
            cluster.failure(&kube::Error::Api(status.boxed())).message
        };

        let unknown =
            refused(r#"{"code": 404, "message": "the server could not find the requested resource", "details": {}}"#);
        let absent = refused(r#"{"code": 404, "message": "\"ghost\" not found", "details": {"name": "ghost"}}"#);

        assert!(unknown.contains("helm install") && unknown.contains("127.0.0.1:6443"), "{unknown}");
        assert!(absent.contains("ghost") && !absent.contains("helm install"), "{absent}");
    }
}
