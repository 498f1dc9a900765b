//! A control plane: ours, or an existing cluster.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use crate::binaries::Binaries;
use crate::error::Error;
use crate::kubeconfig;
use crate::servers::Servers;

/// How to start a control plane.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where its files go: certificates, data, logs. Made when it is not there; what an earlier one left there goes.
    pub directory: PathBuf,
    /// Whether to write down every request.
    pub audit: bool,
}

/// A Kubernetes control plane that ends with this value, and with this process.
pub struct ControlPlane {
    /// None: an existing cluster.
    servers: Option<Servers>,
    directory: PathBuf,
    kubeconfig: PathBuf,
    admin: Kubeconfig,
    config: Config,
    url: String,
    kubectl: PathBuf,
    helm: PathBuf,
}

impl ControlPlane {
    /// Starts etcd, kube-apiserver and kube-controller-manager, and waits until pods could be made. With
    /// `USE_EXISTING_CLUSTER=true` it is the cluster of the current context of `KUBECONFIG` instead.
    ///
    /// # Errors
    /// When a program is missing or does not come to work.
    pub async fn start(options: Options) -> Result<ControlPlane, Error> {
        // Whoever comes first chooses the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let Options { directory, audit } = options;
        let programs = Binaries::find()?;
        let (kubectl, helm) = (programs.get("kubectl")?.to_owned(), programs.get("helm")?.to_owned());
        fs::create_dir_all(&directory).map_err(Error::machine(format!("cannot make {}", directory.display())))?;

        let existing = std::env::var("USE_EXISTING_CLUSTER").is_ok_and(|value| value == "true" || value == "1");
        let servers = if existing { None } else { Some(Servers::prepare(programs, &directory, audit)?) };
        let admin = match &servers {
            Some(servers) => servers.admin.clone(),
            None => Kubeconfig::read().map_err(|error| Error::Kubeconfig(error.to_string()))?,
        };
        let plane = ControlPlane {
            servers,
            kubeconfig: kubeconfig::write(&admin, &directory.join("kubeconfig"))?,
            config: config(&admin).await?,
            url: kubeconfig::cluster(&admin)?.server.unwrap_or_default(),
            admin,
            directory,
            kubectl,
            helm,
        };
        if let Some(servers) = &plane.servers {
            plane.start_api_server().await?;
            servers.start_controllers()?;
            let accounts: Api<ServiceAccount> = Api::namespaced(plane.client()?, "default");
            servers
                .until("the default ServiceAccount", async || matches!(accounts.get_opt("default").await, Ok(Some(_))))
                .await?;
        }
        Ok(plane)
    }

    /// The kubeconfig file of an administrator.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A client of an administrator, which lives as long as the runtime that asks for it.
    ///
    /// # Errors
    /// When the kubeconfig of an existing cluster has credentials that cannot be used.
    pub fn client(&self) -> Result<Client, Error> {
        Client::try_from(self.config.clone()).map_err(Error::refused("make a client"))
    }

    /// Where the API server is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the API server listens.
    ///
    /// # Errors
    /// When it is an existing cluster.
    pub fn address(&self) -> Result<SocketAddr, Error> {
        Ok(self.servers()?.address)
    }

    /// The URL of etcd, for one who needs to see or change what is stored behind the API server's back.
    ///
    /// # Errors
    /// When it is an existing cluster.
    pub fn etcd(&self) -> Result<&str, Error> {
        Ok(&self.servers()?.etcd_url)
    }

    /// The log of every request, one JSON event a line, if one was asked for.
    pub fn audit_log(&self) -> Option<&Path> {
        self.servers.as_ref()?.audit_log.as_deref()
    }

    /// The program `kubectl`.
    pub fn kubectl(&self) -> &Path {
        &self.kubectl
    }

    /// The program `helm`.
    pub fn helm(&self) -> &Path {
        &self.helm
    }

    /// Kills the API server; what it knows stays.
    ///
    /// # Errors
    /// When it is an existing cluster.
    pub fn stop_api_server(&self) -> Result<(), Error> {
        self.servers()?.stop_api();
        Ok(())
    }

    /// Starts the API server again, on the same port and with the same certificates, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not come to work, or it is an existing cluster.
    pub async fn start_api_server(&self) -> Result<(), Error> {
        let servers = self.servers()?;
        servers.start_api()?;
        let client = self.client()?;
        let ready = async || {
            let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else { return false };
            client.request_text(request).await.is_ok()
        };
        servers.until("the readiness of kube-apiserver", ready).await
    }

    /// A kubeconfig file with a token of a ServiceAccount, which is good for a day.
    ///
    /// # Errors
    /// When there is no such ServiceAccount.
    pub async fn kubeconfig_for(&self, namespace: &str, account: &str) -> Result<PathBuf, Error> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client()?, namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(24 * 60 * 60), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let answer = accounts
            .create_token_request(account, &PostParams::default(), &request)
            .await
            .map_err(Error::refused(format!("get a token of ServiceAccount {namespace}/{account}")))?;
        let token = answer.status.map(|status| status.token).unwrap_or_default();
        let kubeconfig = kubeconfig::with_token(&self.admin, namespace, token)?;
        kubeconfig::write(&kubeconfig, &self.directory.join(format!("{namespace}-{account}.kubeconfig")))
    }

    fn servers(&self) -> Result<&Servers, Error> {
        self.servers.as_ref().ok_or(Error::NotOurs)
    }
}

async fn config(kubeconfig: &Kubeconfig) -> Result<Config, Error> {
    Config::from_custom_kubeconfig(kubeconfig.clone(), &KubeConfigOptions::default())
        .await
        .map_err(|error| Error::Kubeconfig(error.to_string()))
}
