//! The chart's files agree with each other and with the code.

use std::path::{Path, PathBuf};

use gitlab_connector::api;
use serde_json::Value;

fn chart(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/gitlab-connector").join(file)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Compares a committed file with what it is made of, and rewrites it when `UPDATE` is set.
#[track_caller]
fn assert_current(path: &Path, generated: &str, test: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, generated).unwrap();
    }
    assert!(
        read(path) == generated,
        "{} is stale: run UPDATE=1 cargo test --test promises {test}",
        path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display()
    );
}

fn defaults() -> Value {
    serde_saphyr::from_str(&read(&chart("values.yaml"))).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&read(&chart("values.schema.json"))).unwrap()
}

#[test]
fn the_chart_carries_the_current_crd() {
    let crd = api::crd_yaml().unwrap();

    assert_current(&chart("files/gitlabconnections.yaml"), &crd, "the_chart_carries_the_current_crd");
    // Where the template adds annotation and labels.
    assert_eq!(crd.matches("metadata:\n  name: gitlabconnections.gitlab-connector.dev\n").count(), 1);
}

#[test]
fn chart_manifests_and_image_have_the_version_of_the_product() {
    let version = env!("CARGO_PKG_VERSION");
    let places = [
        ("charts/gitlab-connector/Chart.yaml", format!("\nversion: {version}\n")),
        ("charts/gitlab-connector/Chart.yaml", format!("\nappVersion: {version}\n")),
        ("deploy/kustomization.yaml", format!("newTag: {version}\n")),
        ("Dockerfile", format!("org.opencontainers.image.version=\"{version}\"")),
    ];

    for (file, line) in places {
        let text = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
        assert!(text.contains(&line), "{file} does not say {line:?}");
    }
}

#[test]
fn the_image_is_built_from_every_member_of_the_workspace() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = read(&root.join("Cargo.toml"));
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = [")).unwrap();
    let allowed = read(&root.join(".dockerignore"));

    // Cargo refuses a workspace of which a member is missing, although only the product is built.
    for member in members.split('"').skip(1).step_by(2) {
        for part in ["Cargo.toml", "src"] {
            let line = format!("!{member}/{part}");
            assert!(allowed.lines().any(|has| has == line), ".dockerignore does not say {line}");
        }
    }
}

#[test]
fn every_value_is_explained_by_the_schema_and_listed_in_the_readme() {
    let mut rows = Vec::new();
    list("", &schema(), &defaults(), &mut rows);
    let table = format!("| value | default | what it is |\n|---|---|---|\n{}\n", rows.join("\n"));

    let path = chart("README.md");
    let text = read(&path);
    let (before, rest) = text.split_once("<!-- values -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of values -->").unwrap();

    let current = format!("{before}<!-- values -->\n{table}<!-- end of values -->{after}");
    assert_current(&path, &current, "every_value_is_explained_by_the_schema_and_listed_in_the_readme");
}

/// One row for each value below `path`; fails where schema and defaults do not name the same keys.
fn list(path: &str, schema: &Value, defaults: &Value, rows: &mut Vec<String>) {
    let named = schema["properties"].as_object().unwrap();
    for key in defaults.as_object().unwrap().keys() {
        assert!(named.contains_key(key), "values.schema.json does not know {path}{key}");
    }
    for (key, about) in named {
        let path = format!("{path}{key}");
        assert!(about["description"].is_string(), "values.schema.json does not explain {path}");
        // What charts share, which only a chart above ours can set.
        if path == "global" {
            continue;
        }
        let default = &defaults[key];
        assert!(!default.is_null(), "values.yaml has no {path}");
        let is_group = about["properties"].is_object() && default.as_object().is_some_and(|keys| !keys.is_empty());
        if is_group {
            list(&format!("{path}."), about, default, rows);
        } else {
            rows.push(format!("| `{path}` | `{default}` | {} |", about["description"].as_str().unwrap()));
        }
    }
}

#[test]
fn no_part_of_the_schema_accepts_keys_that_nobody_named() {
    let mut open = Vec::new();
    look("", &schema(), &mut open);

    assert!(open.is_empty(), "values.schema.json accepts any key in {open:?}");

    fn look(path: &str, schema: &Value, open: &mut Vec<String>) {
        let Some(properties) = schema["properties"].as_object() else { return };
        if schema["additionalProperties"] != false {
            open.push(path.to_owned());
        }
        for (key, below) in properties {
            look(&format!("{path}.{key}"), below, open);
            look(&format!("{path}.{key}[]"), &below["items"], open);
        }
    }
}
