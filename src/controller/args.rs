//! The options of `gitlab-connector controller`.

use std::net::SocketAddr;

use super::{Settings, import_job::Image};
use crate::{api::HumanDuration, guard::Guard};

/// Variables of our environment that hold for the workers of imports too: the way out of the cluster.
const PASSED_ON: [&str; 6] = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

/// The options of the controller.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Namespace whose connections are looked after. Default: all namespaces.
    #[arg(long, value_name = "NAMESPACE", env = "WATCH_NAMESPACE")]
    pub watch_namespace: Option<String>,

    /// URL under which GitLab reaches the receiver, for connections that name none; ends in /webhooks/gitlab.
    #[arg(long, value_name = "URL", env = "RECEIVER_URL")]
    pub receiver_url: Option<String>,

    /// Image that the pods of imports run: the one of this program.
    #[arg(long, value_name = "IMAGE", env = "IMPORT_IMAGE")]
    pub import_image: String,

    /// When that image is pulled: Always, IfNotPresent or Never. Default: as Kubernetes decides.
    #[arg(long, value_name = "POLICY", env = "IMPORT_IMAGE_PULL_POLICY", value_parser = ["Always", "IfNotPresent", "Never"])]
    pub import_image_pull_policy: Option<String>,

    /// Secrets with the credentials of that image's registry, separated by commas, in the namespaces of the connections; for
    /// connections that name none in spec.import.podTemplate.
    #[arg(long, value_name = "NAMES", env = "IMPORT_IMAGE_PULL_SECRETS", value_delimiter = ',')]
    pub import_image_pull_secrets: Vec<String>,

    /// Address for /healthz, /readyz and /metrics.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,

    /// Connections that are looked at at the same time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    pub concurrency: u16,

    /// Namespace of the lease by which one controller of several leads. Default: the client's own.
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE")]
    pub lease_namespace: Option<String>,

    /// Name of the lease.
    #[arg(long, value_name = "NAME", default_value = "gitlab-connector-controller")]
    pub lease_name: String,

    /// Name of this process, unlike those of the others. Default: one made up.
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    pub identity: Option<String>,

    /// How long a deletion waits for a GitLab that is away, before it leaves our webhooks behind.
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    pub deletion_deadline: HumanDuration,

    /// What connections may do.
    #[command(flatten)]
    pub guard: Guard,

    /// Context of the kubeconfig, outside of a cluster.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

impl Args {
    /// The one namespace that is looked after, if it is one.
    pub(super) fn namespace(&self) -> Option<&str> {
        // An empty variable is how a chart says "all".
        self.watch_namespace.as_deref().filter(|namespace| !namespace.is_empty())
    }

    pub(super) fn identity(&self) -> String {
        let made_up = || format!("gitlab-connector-{:08x}", fastrand::u32(..));
        self.identity.clone().filter(|name| !name.is_empty()).unwrap_or_else(made_up)
    }

    pub(super) fn settings(&self) -> Settings {
        let variable = |name: &&str| {
            let value = std::env::var(name).ok()?;
            if !may_be_seen(&value) {
                tracing::warn!(
                    variable = name,
                    "holds a user or password, and is not passed on to imports, whose Jobs others can read: name their proxy with spec.proxy.secretRef"
                );
                return None;
            }
            Some(((*name).to_owned(), value))
        };
        Settings {
            receiver_url: self.receiver_url.clone().filter(|url| !url.is_empty()),
            image: Image {
                name: self.import_image.clone(),
                pull_policy: self.import_image_pull_policy.clone(),
                pull_secrets: self.import_image_pull_secrets.iter().filter(|name| !name.is_empty()).cloned().collect(),
                environment: PASSED_ON.iter().filter_map(variable).collect(),
            },
            deletion_deadline: self.deletion_deadline.get(),
            guard: self.guard.clone(),
        }
    }
}

/// Whether a variable may be part of a Job: URLs with a user in them may not.
fn may_be_seen(value: &str) -> bool {
    !value.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_a_proxy_does_not_reach_a_job() {
        assert!(may_be_seen("http://proxy.example:3128") && may_be_seen(".svc,10.0.0.0/8"));
        assert!(!may_be_seen("http://user:password@proxy.example:3128"));
    }
}
