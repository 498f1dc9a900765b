//! What the command line promises: exit codes, sentences, and that no secret is printed.

mod check;
mod cluster;
mod database;
mod errors;
mod sync;

use gitlab_simulator::world::{Role, Scope};
use gitlab_simulator::{Options, Simulator, World};

use crate::support::binary::{self, Directory, Ended};

const READER: &str = "glpat-reads-everything-0123";
const OWNER: &str = "glpat-owns-everything-4567";

/// A GitLab with one group, two projects and three merge requests; a reader and an owner.
fn acme() -> World {
    World::new()
        .with_group("acme", |group| {
            group
                .member("ada", Role::Developer)
                .member("grace", Role::Maintainer)
                .project("web", |project| {
                    project
                        .merge_request("Add a page", |one| {
                            one.by("ada").diff(10, 2).push(2).comment("grace", "nice").approve("grace").merge("grace")
                        })
                        .merge_request("Add another", |one| one.by("grace").comment("ada", "hm"))
                })
                .project("api", |project| project.merge_request("Speak", |one| one.by("ada")))
        })
        .with_group_token(READER, "acme", Role::Developer, &[Scope::ReadApi])
        .with_group_token(OWNER, "acme", Role::Owner, &[Scope::Api])
}

async fn serve(world: World) -> Simulator {
    Simulator::start(world, Options::default()).await.unwrap()
}

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

/// Adds the usual reader to a World that was generated.
fn reader_of(world: &mut World, group: &str) {
    let group = world.group_by_path(group).unwrap().id;
    world.create_group_token(READER, group, Role::Developer, &[Scope::ReadApi]);
}
