//! Files that say where an API server is and who asks it.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext};

use crate::authority::Pair;
use crate::error::Error;

const NAME: &str = "control-plane";

/// For one who shows a certificate.
pub(crate) fn with_certificate(url: &str, authority: &str, pair: &Pair) -> Kubeconfig {
    let cluster = Cluster {
        server: Some(url.to_owned()),
        certificate_authority_data: Some(BASE64_STANDARD.encode(authority)),
        ..Cluster::default()
    };
    let user = AuthInfo {
        client_certificate_data: Some(BASE64_STANDARD.encode(&pair.certificate)),
        client_key_data: Some(BASE64_STANDARD.encode(&pair.key).into()),
        ..AuthInfo::default()
    };
    of(cluster, user, None)
}

/// For one who shows a token to the server that another kubeconfig names.
pub(crate) fn with_token(other: &Kubeconfig, namespace: &str, token: String) -> Result<Kubeconfig, Error> {
    let user = AuthInfo { token: Some(token.into()), ..AuthInfo::default() };
    Ok(of(cluster(other)?, user, Some(namespace.to_owned())))
}

/// The cluster of the current context.
pub(crate) fn cluster(kubeconfig: &Kubeconfig) -> Result<Cluster, Error> {
    let current = kubeconfig.current_context.as_deref().unwrap_or_default();
    let context = kubeconfig.contexts.iter().find(|context| context.name == current);
    let name = context.and_then(|context| context.context.as_ref()).map(|context| context.cluster.as_str());
    let cluster = kubeconfig.clusters.iter().find(|cluster| Some(cluster.name.as_str()) == name);
    cluster
        .and_then(|cluster| cluster.cluster.clone())
        .ok_or_else(|| Error::Kubeconfig(format!("the context '{current}' names no cluster of it: choose another")))
}

/// JSON is YAML too.
pub(crate) fn write(kubeconfig: &Kubeconfig, file: &Path) -> Result<PathBuf, Error> {
    let text = serde_json::to_string_pretty(kubeconfig).map_err(|error| Error::Kubeconfig(error.to_string()))?;
    crate::servers::write_private(file, &text)?;
    Ok(file.to_owned())
}

fn of(cluster: Cluster, user: AuthInfo, namespace: Option<String>) -> Kubeconfig {
    let context = Context { cluster: NAME.to_owned(), user: Some(NAME.to_owned()), namespace, ..Context::default() };
    Kubeconfig {
        api_version: Some("v1".to_owned()),
        kind: Some("Config".to_owned()),
        clusters: vec![NamedCluster { name: NAME.to_owned(), cluster: Some(cluster), ..NamedCluster::default() }],
        auth_infos: vec![NamedAuthInfo { name: NAME.to_owned(), auth_info: Some(user), ..NamedAuthInfo::default() }],
        contexts: vec![NamedContext { name: NAME.to_owned(), context: Some(context), ..NamedContext::default() }],
        current_context: Some(NAME.to_owned()),
        ..Kubeconfig::default()
    }
}
