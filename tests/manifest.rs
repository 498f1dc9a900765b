//! Manifests are held to the rules of the CRD, and whoever breaks one learns the field, the rule and the remedy.

use std::{collections::BTreeSet, path::PathBuf};

use gitlab_connector::{
    api::{self, KeyRef},
    guard::{Use, Wanted},
    manifest::{self, Error, Violation},
};
use secrecy::ExposeSecret;
use serde_json::Value;

fn fixtures(folder: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/manifests").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.file_name().unwrap().to_string_lossy().into_owned(), text)
    };
    files.into_iter().map(read).collect()
}

fn violations(text: &str) -> Vec<Violation> {
    match manifest::parse(text, "acme.yaml") {
        Ok(_) => Vec::new(),
        Err(Error::Invalid(violations)) => violations,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn each_bad_manifest_is_refused_with_the_sentence_in_its_first_line() {
    for (file, text) in fixtures("refused") {
        let expected = text.lines().next().unwrap().trim_start_matches("# ");

        let violations = violations(&text);

        assert_eq!(violations.len(), 1, "{file}: {violations:#?}");
        assert_eq!(format!("{}: {}", violations[0].field, violations[0].message), expected, "{file}");
        assert!(violations[0].origin.line > 1, "{file}: {violations:#?}");
    }
}

#[test]
fn each_good_manifest_is_accepted() {
    for (file, text) in fixtures("accepted") {
        let manifests = manifest::parse(&text, &file).unwrap_or_else(|error| panic!("{error}"));

        assert_eq!(manifests.connections.len(), 1, "{file}");
    }
}

/// All CEL expressions below a schema.
fn rules(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            for rule in fields.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
                assert!(rule["message"].as_str().is_some_and(|message| message.starts_with("spec.")), "{rule}");
                found.insert(rule["rule"].as_str().unwrap().to_owned());
            }
            fields.values().for_each(|field| rules(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| rules(item, found)),
        _ => {}
    }
}

#[test]
fn each_rule_of_the_crd_has_a_manifest_that_breaks_it() {
    let mut untested = BTreeSet::new();
    rules(&serde_json::to_value(api::crd()).unwrap(), &mut untested);
    assert!(untested.len() > 20, "{untested:#?}");
    // A file has no past: rules about changes are tried on a real API server.
    untested.retain(|rule| !rule.contains("oldSelf"));

    for (_, text) in fixtures("refused") {
        for violation in violations(&text) {
            untested.remove(&violation.rule);
        }
    }

    assert!(untested.is_empty(), "{untested:#?}");
}

#[test]
fn a_violation_names_file_line_object_and_field() {
    let text = "\n---\napiVersion: gitlab-connector.dev/v1alpha1\nkind: GitLabConnection\nmetadata: {name: acme}\nspec:\n  url: https://gitlab.com/\n  scope:\n    groups: [acme]\n  credentials:\n    - {name: a, secretRef: {name: b}}\n";

    let error = manifest::parse(text, "acme.yaml").unwrap_err();

    assert_eq!(
        error.to_string(),
        "acme.yaml:11: GitLabConnection acme: spec.credentials[0].secretRef.key: is required: add it"
    );
}

#[test]
fn defaults_are_those_of_the_crd() {
    let (_, text) = fixtures("accepted").into_iter().find(|(file, _)| file == "smallest.yaml").unwrap();

    let manifests = manifest::parse(&text, "acme.yaml").unwrap();

    let given = &manifests.connections[0];
    assert_eq!((given.namespace.as_str(), given.name.as_str()), ("default", "acme"));
    let spec = &given.connection.spec;
    assert_eq!(spec.import, api::Import::default());
    assert_eq!(spec.webhooks, api::Webhooks::default());
    assert_eq!(spec.interval.to_string(), "10m");
    assert!(spec.scope.include_archived && spec.scope.include_subgroups);
    assert_eq!(spec.scope.groups, [api::NamedRef::Id(42)]);
}

#[test]
fn another_kind_is_refused_by_name_and_a_list_is_unpacked() {
    let error = manifest::parse("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n", "a.yaml").unwrap_err();
    assert!(
        error.to_string().starts_with("a.yaml:2: kind 'Deployment' with apiVersion 'apps/v1' has no place here"),
        "{error}"
    );

    let list = "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: ca}\n    data: {ca.crt: hello}\n";
    let manifests = manifest::parse(list, "list.yaml").unwrap();
    assert_eq!(manifests.references.config("default", &key("ca", "ca.crt")).unwrap(), "hello");
}

#[test]
fn the_same_object_twice_is_refused_with_both_places() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: acme}\n";

    let error = manifest::parse(&format!("{secret}---\n{secret}"), "a.yaml").unwrap_err();

    assert_eq!(error.to_string(), "Secret default/acme is given twice, at a.yaml:1 and at a.yaml:5: keep one of them");
}

fn key(name: &str, key: &str) -> KeyRef {
    KeyRef { name: name.into(), key: key.into() }
}

const TOKEN: Wanted<'_> = Wanted { usage: Use::Credential, sent_to: &[] };

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata: {name: acme, labels: {pool: acme}}
data: {token: Z2xwYXQtaHVzaC1odXNoCg==}
stringData: {plain: glpat-hush-plain}
";

#[test]
fn secrets_are_found_by_key_in_both_forms() {
    let manifests = manifest::parse(SECRET, "s.yaml").unwrap();

    let secret = |at| manifests.references.secret("default", &at, TOKEN).unwrap().expose_secret().to_owned();
    assert_eq!(secret(key("acme", "token")), "glpat-hush-hush");
    assert_eq!(secret(key("acme", "plain")), "glpat-hush-plain");
    let selector = api::CredentialSelector { match_labels: [("pool".into(), "acme".into())].into() };
    assert_eq!(manifests.references.selected("default", &selector, "token"), ["acme"]);
    assert!(manifests.references.selected("other", &selector, "token").is_empty());
}

#[test]
fn a_missing_secret_or_key_is_named() {
    let manifests = manifest::parse(SECRET, "s.yaml").unwrap();

    let missing = manifests.references.secret("default", &key("acne", "token"), TOKEN).unwrap_err();
    assert_eq!(missing.to_string(), "Secret 'acne' is not in namespace 'default': add it, or correct the name");
    assert_eq!(missing.reason(), "SecretNotFound");

    let missing = manifests.references.secret("default", &key("acme", "tokn"), TOKEN).unwrap_err();
    assert_eq!(missing.to_string(), "Secret 'acme' has no key 'tokn': it has plain, token");
    assert_eq!(missing.reason(), "SecretKeyMissing");
}

#[test]
fn no_value_of_a_secret_is_ever_shown() {
    let bad = [
        "apiVersion: v1\nkind: Secret\nmetadata: {name: acme}\ndata: {token: 'glpat hush!'}\nstringData: {a: glpat-hush}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: acme}\nstringData: {a: {glpat: hush}, b: [glpat-hush]}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: acme}\nstringData: glpat-hush\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: acme}\nstringData: {a: glpat-hush\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: acme}\nstringData: {a: 'glpat-hush}\n",
    ];
    for text in bad {
        let error = manifest::parse(text, "s.yaml").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"), "{error} {error:?}");
    }

    let good = manifest::parse(SECRET, "s.yaml").unwrap();
    assert!(!format!("{good:?}").contains("hush"), "{good:?}");
}

#[test]
fn a_file_that_is_not_there_is_named_and_so_is_a_lack_of_connections() {
    let error = manifest::read(&["/nowhere/acme.yaml".into()]).unwrap_err();
    assert!(error.to_string().starts_with("cannot read /nowhere/acme.yaml: No such file"), "{error}");
}
