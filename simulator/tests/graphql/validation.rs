//! What is refused before it runs, and in which words.

use gitlab_simulator::world::Edition;
use serde_json::{Value, json};

use crate::support::{ask, data, json_of, message, query, world};

#[test]
fn an_unknown_field_is_refused_in_gitlabs_words() {
    let world = world().with_version("17.11");

    let answer = query(
        &world,
        "reader",
        "query list {\n  project(fullPath: \"acme/web\") {\n    mergeRequests { nodes { iid closedAt } }\n  }\n}",
    );

    let expected = json!({"errors": [{
        "message": "Field 'closedAt' doesn't exist on type 'MergeRequest'",
        "locations": [{"line": 3, "column": 33}],
        "path": ["query list", "project", "mergeRequests", "nodes", "closedAt"],
        "extensions": {"code": "undefinedField", "typeName": "MergeRequest", "fieldName": "closedAt"}
    }]});
    assert_eq!(answer, expected);
}

#[test]
fn the_community_edition_refuses_enterprise_fields() {
    let world = world().with_edition(Edition::Community);

    let text = r#"{ project(fullPath: "acme/web") { mergeRequests { nodes { approvalsRequired } } } }"#;

    assert_eq!(message(&world, "reader", text), "Field 'approvalsRequired' doesn't exist on type 'MergeRequest'");
}

#[test]
fn a_wrong_argument_is_refused_in_gitlabs_words() {
    let world = world();
    let cases = [
        (
            r#"{ project(path: "acme/web") { id } }"#,
            "Field 'project' doesn't accept argument 'path'",
            "argumentNotAccepted",
        ),
        ("{ project { id } }", "Field 'project' is missing required arguments: fullPath", "missingRequiredArguments"),
        (
            r#"{ project(fullPath: "acme/web") { mergeRequests(first: "ten") { nodes { id } } } }"#,
            "Argument 'first' on Field 'mergeRequests' has an invalid value (\"ten\"). Expected type 'Int'.",
            "argumentLiteralsIncompatible",
        ),
        (
            r#"{ project(fullPath: "acme/web") { mergeRequests(state: open) { nodes { id } } } }"#,
            "Argument 'state' on Field 'mergeRequests' has an invalid value (open). Expected type 'MergeRequestState'.",
            "argumentLiteralsIncompatible",
        ),
        (
            r#"{ mergeRequest(id: "gid://gitlab/Project/1") { id } }"#,
            "\"gid://gitlab/Project/1\" does not represent an instance of MergeRequest",
            "argumentLiteralsIncompatible",
        ),
        (r#"{ mergeRequest(id: "1") { id } }"#, "\"1\" is not a valid Global ID", "argumentLiteralsIncompatible"),
        (
            "query q($first: String) { project(fullPath: \"acme/web\") { mergeRequests(first: $first) { nodes { id } } } }",
            "Type mismatch on variable $first and argument first (String / Int)",
            "variableMismatch",
        ),
        (
            "query q($path: ID!) { currentUser { id } }",
            "Variable $path is declared by q but not used",
            "variableNotUsed",
        ),
        (
            "{ project(fullPath: $path) { id } }",
            "Variable $path is used by anonymous query but not declared",
            "variableNotDefined",
        ),
        (
            "{ currentUser }",
            "Field must have selections (field 'currentUser' returns CurrentUser but has no selections. Did you mean 'currentUser { ... }'?)",
            "selectionMismatch",
        ),
        ("{ currentUser { ...who } }", "Fragment who was used, but not defined", "useAndDefineFragment"),
        ("{ currentUser @gitaly { id } }", "Directive @gitaly is not defined", "undefinedDirective"),
    ];

    for (text, words, code) in cases {
        let answer = query(&world, "reader", text);

        assert_eq!(answer["errors"][0]["message"], json!(words), "{text}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!(code), "{text}");
        assert_eq!(answer.get("data"), None, "{text}");
    }
}

#[test]
fn at_most_five_errors_are_reported() {
    let answer = query(&world(), "reader", "{ a b c d e f g }");

    assert_eq!(answer["errors"].as_array().unwrap().len(), 5);
}

#[test]
fn a_variable_of_the_wrong_type_is_refused_not_coerced() {
    let text = "query q($path: ID!, $first: Int) { project(fullPath: $path) { mergeRequests(first: $first) { nodes { id } } } }";

    let answer =
        json_of(&ask(&world(), "reader", &json!({"query": text, "variables": {"path": "acme/web", "first": "ten"}})));

    assert_eq!(answer["errors"][0]["message"], json!("Variable $first of type Int was provided invalid value"));
    assert_eq!(
        answer["errors"][0]["extensions"]["problems"][0]["explanation"],
        json!("Could not coerce value \"ten\" to Int")
    );
}

#[test]
fn a_syntax_error_is_told_with_its_place() {
    let answer = query(&world(), "reader", "{ currentUser { id ");

    assert!(answer["errors"][0]["message"].as_str().is_some_and(|words| !words.is_empty()));
    assert_eq!(answer["errors"][0]["locations"][0]["line"], json!(1));
    assert_eq!(answer.get("data"), None);
}

#[test]
fn a_future_field_is_null_where_the_directive_is_known_and_refused_before() {
    let text = r#"query q($way: String) { currentUser { id walks(way: $way) @gl_introduced(version: "99.1.0") { of ...them } } } fragment them on Walk { id }"#;

    let newer = data(&world(), "reader", text);
    let older = message(&world().with_version("18.11"), "reader", text);
    let past = message(&world(), "reader", &text.replace("99.1.0", "17.0.0"));

    assert_eq!(newer["currentUser"]["walks"], Value::Null);
    assert!(newer["currentUser"].as_object().unwrap().contains_key("walks"));
    assert_eq!(older, "Directive @gl_introduced is not defined");
    assert_eq!(past, "Field 'walks' doesn't exist on type 'CurrentUser'");
}

// The words of graphql-ruby's static validation.
#[test]
fn a_wrong_fragment_is_refused_in_gitlabs_words() {
    let cases = [
        (
            "{ currentUser { ...on Project { id } } }",
            "Fragment on Project can't be spread inside CurrentUser",
            "cannotSpreadFragment",
        ),
        (
            "{ currentUser { ...part } } fragment part on Project { id }",
            "Fragment part on Project can't be spread inside CurrentUser",
            "cannotSpreadFragment",
        ),
        (
            "{ currentUser { ...on Int { id } } }",
            "Invalid fragment on type Int (must be Union, Interface or Object)",
            "fragmentOnNonCompositeType",
        ),
        (
            "{ currentUser { ...on Walk { id } } }",
            "No such type Walk, so it can't be a fragment condition",
            "undefinedType",
        ),
        (
            "{ currentUser { ...a } } fragment a on CurrentUser { ...b } fragment b on CurrentUser { ...a }",
            "Fragment a contains an infinite loop",
            "infiniteLoop",
        ),
        (
            "{ currentUser { ...a } } fragment a on CurrentUser { id } fragment a on CurrentUser { name }",
            "Fragment name \"a\" must be unique",
            "fragmentNotUnique",
        ),
        (
            "{ currentUser { id } } fragment a on CurrentUser { id }",
            "Fragment a was defined, but not used",
            "useAndDefineFragment",
        ),
    ];

    for (text, words, code) in cases {
        let answer = query(&world(), "reader", text);

        assert_eq!(answer["errors"][0]["message"], json!(words), "{text}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!(code), "{text}");
    }
    let fits = "{ currentUser { ...on User { username } ...part } } fragment part on User { id }";
    assert_eq!(query(&world(), "reader", fits).get("errors"), None);
}
