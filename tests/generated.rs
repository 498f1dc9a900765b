//! Generated files are committed, and are what the code generates.

use std::path::Path;

use gitlab_connector::gitlab::queries::Dialect;
use gitlab_connector::guard::{Use, Wanted};
use gitlab_connector::{api, manifest};

#[test]
fn the_committed_crd_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds/gitlabconnections.yaml");
    let generated = api::crd_yaml().unwrap();

    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }

    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "crds/gitlabconnections.yaml is stale: run UPDATE=1 cargo test the_committed_crd_is_current"
    );
}

#[test]
fn no_text_of_the_crd_looks_like_a_variable_to_flux() {
    assert!(!api::crd_yaml().unwrap().contains("${"));
}

#[test]
fn every_reason_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let code = std::fs::read_to_string(root.join("src/api/conditions.rs")).unwrap();
    let document = std::fs::read_to_string(root.join("docs/conditions.md")).unwrap();
    let (_, reasons) = code.split_once("pub mod reason").unwrap();

    let unexplained: Vec<&str> = reasons
        .lines()
        .filter_map(|line| line.split('"').nth(1).filter(|_| line.contains("pub const")))
        .filter(|reason| !document.contains(&format!("`{reason}`")))
        .collect();

    assert!(unexplained.is_empty(), "docs/conditions.md does not explain {unexplained:?}");
}

#[test]
fn the_oldest_gitlab_is_named_as_the_code_has_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let oldest = format!("GitLab {}", Dialect::OLDEST);

    for document in ["README.md", "docs/conditions.md"] {
        assert!(std::fs::read_to_string(root.join(document)).unwrap().contains(&oldest), "{document}: {oldest}");
    }
}

#[test]
fn the_examples_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    assert!(!files.is_empty());

    for file in files {
        let manifests = manifest::read(std::slice::from_ref(&file)).unwrap_or_else(|error| panic!("{error}"));

        for given in &manifests.connections {
            for credential in &given.connection.spec.credentials {
                let wanted = Wanted { usage: Use::Credential, sent_to: &[] };
                let found = manifests.references.secret(&given.namespace, &credential.secret_ref, wanted);
                assert!(found.is_ok(), "{}: {found:?}", file.display());
            }
        }
    }
}
