//! The Services of the cluster as a container knows them: names in `/etc/hosts`, and variables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use k8s_openapi::api::core::v1::Service;
use kube::ResourceExt;

use super::downward::ADDRESS;
use super::environment::Variables;

/// The hosts file of a namespace: every Service is on this machine, and the short name is for its own namespace only.
pub(super) fn hosts<'a>(namespace: &str, services: impl IntoIterator<Item = &'a Service>) -> String {
    let mut names: BTreeMap<String, bool> = BTreeMap::new();
    for service in services {
        let home = service.namespace().unwrap_or_default();
        let long = format!("{}.{home}", service.name_any());
        names.insert(long, home == namespace);
    }

    let mut hosts = String::from("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
    for (long, own) in names {
        let short = long.split('.').next().filter(|_| own).map(|name| format!(" {name}")).unwrap_or_default();
        let _ = writeln!(hosts, "{ADDRESS} {long}.svc.cluster.local {long}.svc {long}{short}");
    }
    hosts
}

/// The variables that every container gets for each Service of its namespace unless `enableServiceLinks` is false.
pub(super) fn links<'a>(namespace: &str, services: impl IntoIterator<Item = &'a Service>) -> Variables {
    let mut links = Variables::new();
    for service in services {
        let spec = service.spec.clone().unwrap_or_default();
        let addressed = spec.cluster_ip.as_deref().is_some_and(|address| !address.is_empty() && address != "None");
        if service.namespace().as_deref() != Some(namespace) || !addressed {
            continue;
        }
        let prefix = variable(&service.name_any());
        let ports = spec.ports.unwrap_or_default();
        if let Some(first) = ports.first() {
            links.insert(format!("{prefix}_SERVICE_HOST"), ADDRESS.to_owned());
            links.insert(format!("{prefix}_SERVICE_PORT"), first.port.to_string());
            let protocol = first.protocol.as_deref().unwrap_or("TCP").to_lowercase();
            links.insert(format!("{prefix}_PORT"), format!("{protocol}://{ADDRESS}:{}", first.port));
        }
        for port in &ports {
            if let Some(name) = &port.name {
                links.insert(format!("{prefix}_SERVICE_PORT_{}", variable(name)), port.port.to_string());
            }
            let protocol = port.protocol.as_deref().unwrap_or("TCP");
            let prefix = format!("{prefix}_PORT_{}_{protocol}", port.port);
            let url = format!("{}://{ADDRESS}:{}", protocol.to_lowercase(), port.port);
            links.insert(format!("{prefix}_PROTO"), protocol.to_lowercase());
            links.insert(format!("{prefix}_PORT"), port.port.to_string());
            links.insert(format!("{prefix}_ADDR"), ADDRESS.to_owned());
            links.insert(prefix, url);
        }
    }
    links
}

fn variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(namespace: &str, name: &str) -> Service {
        serde_json::from_value(json!({
            "metadata": {"namespace": namespace, "name": name},
            "spec": {"clusterIP": "10.0.0.7", "ports": [{"name": "http", "port": 80}]},
        }))
        .unwrap()
    }

    #[test]
    fn a_short_name_is_known_in_its_own_namespace_only() {
        let services = [service("one", "web"), service("two", "db")];

        let hosts = hosts("one", &services);

        let expected = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n\
                        127.0.0.1 db.two.svc.cluster.local db.two.svc db.two\n\
                        127.0.0.1 web.one.svc.cluster.local web.one.svc web.one web\n";
        assert_eq!(hosts, expected);
    }

    #[test]
    fn services_of_the_namespace_become_variables() {
        let services = [service("one", "my-web"), service("two", "db")];

        let links: Vec<String> =
            links("one", &services).iter().map(|(name, value)| format!("{name}={value}")).collect();

        let expected = [
            "MY_WEB_PORT=tcp://127.0.0.1:80",
            "MY_WEB_PORT_80_TCP=tcp://127.0.0.1:80",
            "MY_WEB_PORT_80_TCP_ADDR=127.0.0.1",
            "MY_WEB_PORT_80_TCP_PORT=80",
            "MY_WEB_PORT_80_TCP_PROTO=tcp",
            "MY_WEB_SERVICE_HOST=127.0.0.1",
            "MY_WEB_SERVICE_PORT=80",
            "MY_WEB_SERVICE_PORT_HTTP=80",
        ];
        assert_eq!(links, expected);
    }
}
