//! What a worker of an import is given: its arguments, and the files that they name. Pure.
//!
//! Secrets reach a worker as files: they change there when the Secret changes, and no command line shows them.

use k8s_openapi::api::core::v1::{ConfigMapProjection, KeyToPath, SecretProjection, VolumeProjection};

use super::import_job::Order;
use super::runs::Trigger;
use crate::api::{CaBundle, GitLabConnectionSpec, KeyRef};

/// Where the files are.
pub(super) const FILES: &str = "/var/run/gitlab-connector";

/// The arguments of a worker, and the files that they name.
pub(super) fn given(order: &Order<'_>) -> (Vec<String>, Vec<VolumeProjection>) {
    let spec = &order.connection.spec;
    let mut words = Words(vec!["import".to_owned()]);
    let mut files = Vec::new();

    words.say("url", &spec.url);
    words.say("namespace", &order.at.namespace);
    words.say("name", &order.at.name);
    words.say("connection-uid", &order.at.uid);
    words.say("run", &order.start.key);
    if order.start.trigger == Trigger::Request {
        // Whoever asks wants to know of everything.
        words.say("walk-interval", "0s");
    }
    words.say("tokens-dir", &format!("{FILES}/tokens"));
    for (name, at) in order.tokens {
        files.push(secret(at, format!("tokens/{name}")));
    }
    words.say("database-url-file", &format!("{FILES}/database/url"));
    files.push(secret(&order.store.secret_ref, "database/url".to_owned()));
    if let Some(bundle) = &order.store.ca_bundle {
        files.extend(certificates(bundle, "database/ca.pem"));
        words.say("database-ca-bundle-file", &format!("{FILES}/database/ca.pem"));
    }
    words.say("database-connections", &order.store.max_connections.to_string());
    ask(spec, &mut words);
    reach(spec, &mut files, &mut words);
    (words.0, files)
}

/// A command line. Name and value are one word, so that no value is taken for an option.
struct Words(Vec<String>);

impl Words {
    fn say(&mut self, name: &str, value: &str) {
        self.0.push(format!("--{name}={value}"));
    }

    fn flag(&mut self, name: &str, set: bool) {
        self.0.extend(set.then(|| format!("--{name}")));
    }
}

/// What is to be read.
fn ask(spec: &GitLabConnectionSpec, words: &mut Words) {
    let (scope, import) = (&spec.scope, &spec.import);
    for group in &scope.groups {
        words.say("group", &group.to_string());
    }
    for project in &scope.projects {
        words.say("project", &project.to_string());
    }
    for pattern in &scope.exclude_projects {
        words.say("exclude-project", pattern);
    }
    words.say("include-subgroups", &scope.include_subgroups.to_string());
    words.say("include-archived", &scope.include_archived.to_string());
    if let Some(since) = &import.since {
        words.say("since", since);
    }
    if let Some(lookback) = &import.lookback {
        words.say("lookback", &lookback.to_string());
    }
    words.say("resources", &resources(spec).join(","));
    words.say("resync-interval", &import.resync_interval.to_string());
    if let Some(audit) = &import.audit {
        words.say("audit-interval", &audit.interval.to_string());
        words.say("audit-sample", &audit.sample.to_string());
    }
    words.flag("text", import.text);
}

/// The kinds of rows, as the API spells them.
pub(super) fn resources(spec: &GitLabConnectionSpec) -> Vec<String> {
    let name = |resource| serde_json::to_value(resource).ok()?.as_str().map(str::to_owned);
    spec.import.resources.iter().filter_map(name).collect()
}

/// The way to GitLab.
fn reach(spec: &GitLabConnectionSpec, files: &mut Vec<VolumeProjection>, words: &mut Words) {
    if let Some(bundle) = &spec.tls.ca_bundle {
        files.extend(certificates(bundle, "tls/ca.pem"));
        words.say("ca-bundle-file", &format!("{FILES}/tls/ca.pem"));
    }
    words.flag("insecure-skip-verify", spec.tls.insecure_skip_verify);
    if let Some(proxy) = &spec.proxy {
        if let Some(at) = &proxy.secret_ref {
            files.push(secret(at, "proxy/url".to_owned()));
            words.say("proxy-file", &format!("{FILES}/proxy/url"));
        } else if let Some(url) = &proxy.url {
            words.say("proxy", url);
        }
    }
    for header in &spec.headers {
        if let Some(at) = &header.secret_ref {
            files.push(secret(at, format!("headers/{}", header.name)));
            words.say("header-file", &format!("{}={FILES}/headers/{}", header.name, header.name));
        } else if let Some(value) = &header.value {
            words.say("header", &format!("{}={value}", header.name));
        }
    }
}

fn certificates(bundle: &CaBundle, path: &str) -> Option<VolumeProjection> {
    let of_map = bundle.config_map_ref.as_ref().map(|at| config_map(at, path.to_owned()));
    of_map.or_else(|| bundle.secret_ref.as_ref().map(|at| secret(at, path.to_owned())))
}

fn secret(at: &KeyRef, path: String) -> VolumeProjection {
    let items = Some(vec![KeyToPath { key: at.key.clone(), path, mode: None }]);
    let secret = SecretProjection { name: at.name.clone(), items, optional: None };
    VolumeProjection { secret: Some(secret), ..VolumeProjection::default() }
}

fn config_map(at: &KeyRef, path: String) -> VolumeProjection {
    let items = Some(vec![KeyToPath { key: at.key.clone(), path, mode: None }]);
    let config_map = ConfigMapProjection { name: at.name.clone(), items, optional: None };
    VolumeProjection { config_map: Some(config_map), ..VolumeProjection::default() }
}
