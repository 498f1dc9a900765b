//! The rights that the chart gives.

use std::path::PathBuf;

use tokio::process::Command;
use tokio::sync::OnceCell;

use super::Namespace;

/// The namespace that the manifests are rendered for.
const ANY: &str = "any-namespace";

/// ServiceAccounts and Roles of the chart: the same for all tests.
static HERE: OnceCell<String> = OnceCell::const_new();
static EVERYWHERE: OnceCell<String> = OnceCell::const_new();

impl Namespace {
    /// A kubeconfig for the controller or the receiver of this namespace: with the rights that the chart gives it, and no others.
    pub(crate) async fn rights_of(&self, component: &str) -> PathBuf {
        let manifests = HERE.get_or_init(|| self.render(&[])).await;
        self.account(manifests, component).await
    }

    /// The same for one that looks after all namespaces.
    pub(crate) async fn rights_everywhere(&self, component: &str) -> PathBuf {
        let manifests = EVERYWHERE.get_or_init(|| self.render(&["--set=watch.allNamespaces=true"])).await;
        self.account(manifests, component).await
    }

    /// The name under which the API server knows the controller or the receiver of this namespace.
    pub(crate) fn user_of(&self, component: &str) -> String {
        format!("system:serviceaccount:{}:gitlab-connector-{component}", self.name)
    }

    async fn account(&self, manifests: &str, component: &str) -> PathBuf {
        self.apply(&manifests.replace(ANY, &self.name)).await;
        let account = format!("gitlab-connector-{component}");
        self.cluster.plane.kubeconfig_for(&self.name, &account).await.unwrap()
    }

    async fn render(&self, values: &[&str]) -> String {
        let output = Command::new(self.cluster.plane.helm())
            .args(["template", "gitlab-connector", "charts/gitlab-connector", "--namespace", ANY])
            .args(["--show-only=templates/rbac.yaml", "--show-only=templates/serviceaccounts.yaml"])
            .args(values)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}
