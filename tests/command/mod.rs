//! What the command line promises: exit codes, sentences, and that no secret is printed.

mod audit;
mod check;
mod cluster;
mod database;
mod errors;
mod graphql;
mod secret;
mod sync;

use crate::support::acme::{OWNER, READER, acme, serve};
use crate::support::binary::{self, Directory, Ended};

/// A manifest for this GitLab. `more` are further lines of the spec, each with its two spaces.
fn manifest(url: &str, token: &str, more: &str) -> String {
    format!(
        "apiVersion: v1
kind: Secret
metadata: {{name: tokens, namespace: metrics}}
stringData: {{reader: {token}, owner: {OWNER}}}
---
apiVersion: gitlab-connector.dev/v1alpha1
kind: GitLabConnection
metadata: {{name: acme, namespace: metrics}}
spec:
  url: {url}
  credentials:
    - name: primary
      secretRef: {{name: tokens, key: reader}}
{more}"
    )
}

/// The usual rest of a spec: the group, and no webhooks.
const QUIET: &str = "  scope: {groups: [acme]}
  webhooks: {mode: Disabled}
";

/// Runs `sync` with a manifest into SQLite, and makes sure that no secret is printed.
async fn sync(directory: &Directory, manifest: &str, more: &[&str]) -> Ended {
    directory.write("connection.yaml", manifest);
    let ended = binary::run(directory, &[&["sync", "-f", "connection.yaml"], more].concat()).await;
    let text = ended.text();
    for secret in [READER, OWNER] {
        assert!(!text.contains(secret), "a secret is printed:\n{text}");
    }
    ended
}
