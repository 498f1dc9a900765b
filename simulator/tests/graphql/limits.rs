//! What a query may cost, and how long and deep it may be.

use serde_json::json;

use crate::support::{NOTES, ask, core, data, json_of, message, query, world};

#[test]
fn complexity_is_reckoned_by_gitlabs_rules() {
    let world = world();
    let cases = [
        ("first: 100", "", 174),
        ("first: 50", "", 131),
        ("first: 20", "", 105),
        (r#"iids: ["1"], first: 100"#, "", 88),
        ("first: 100", NOTES, 234),
        ("first: 50", NOTES, 176),
    ];

    for (arguments, more, expected) in cases {
        let answer = data(&world, "root", &core(arguments, more));

        // Asking for the score costs three.
        assert_eq!(answer["queryComplexity"], json!({"score": expected + 3, "limit": 300}), "{arguments} {more}");
    }
}

#[test]
fn a_query_beyond_the_limit_is_refused_before_it_runs() {
    let world = world();
    let text = core("first: 100", &format!("{NOTES} commits {{ nodes {{ sha title }} }}"));

    let answer = query(&world, "reader", &text);

    let words = "Query has complexity of 247, which exceeds max complexity of 200";
    let anonymous = query(&world, "", &text);
    assert_eq!(anonymous, json!({"errors": [{"message": words}]}));
    assert_eq!(answer.get("errors"), None);
    let more = core("first: 100", &format!("{NOTES} commits {{ nodes {{ sha title author {{ username }} }} }}"));
    let words = "Query has complexity of 251, which exceeds max complexity of 250";
    assert_eq!(message(&world, "reader", &more), words);
    assert_eq!(message(&world, "root", &more), "");
}

#[test]
fn a_query_that_is_too_deep_is_refused() {
    let nested = |depth: usize| {
        format!("{{ group(fullPath: \"acme\") {{ {} id {} }} }}", "parent { ".repeat(depth), "} ".repeat(depth))
    };

    assert_eq!(message(&world(), "reader", &nested(18)), "");
    assert_eq!(message(&world(), "reader", &nested(19)), "Query has depth of 21, which exceeds max depth of 20");
    assert_eq!(message(&world(), "", &nested(14)), "Query has depth of 16, which exceeds max depth of 15");
}

#[test]
fn a_text_beyond_ten_thousand_characters_is_too_large() {
    let text = format!("{{ currentUser {{ id }} }} # {}", "é".repeat(10_000));

    let answer = ask(&world(), "reader", &json!({"query": text}));

    assert_eq!(answer.status, 422);
    assert_eq!(json_of(&answer), json!({"errors": [{"message": "Query too large"}]}));
}

#[test]
fn several_queries_in_one_request_share_one_budget() {
    let world = world();
    let expensive = core("first: 50", "");
    let two = json!([{"query": expensive}, {"query": expensive}]);

    let fits =
        json_of(&ask(&world, "reader", &json!([{"query": "{ currentUser { username } }"}, {"query": "{ nothing }"}])));
    let refused = json_of(&ask(&world, "reader", &two));

    assert_eq!(fits[0], json!({"data": {"currentUser": {"username": "reader"}}}));
    assert_eq!(fits[1]["errors"][0]["message"], json!("Field 'nothing' doesn't exist on type 'Query'"));
    let words = "Query has complexity of 268, which exceeds max complexity of 250";
    assert_eq!(refused, json!([{"errors": [{"message": words}]}, {"errors": [{"message": words}]}]));
}

#[test]
fn the_usual_introspection_query_fits_under_the_limit() {
    let answer = data(&world(), "reader", INTROSPECTION);

    let types = answer["__schema"]["types"].as_array().unwrap();
    assert!(types.iter().any(|found| found["name"] == json!("MergeRequest")));
    let directives = answer["__schema"]["directives"].as_array().unwrap();
    assert!(directives.iter().all(|found| found["name"] != json!("cost")));
}

#[test]
fn introspection_is_answered_by_the_engine() {
    let answer = data(
        &world(),
        "reader",
        r#"{ __type(name: "MergeRequestState") { name kind enumValues { name } } __typename }"#,
    );

    assert_eq!(answer["__typename"], json!("Query"));
    assert_eq!(answer["__type"]["enumValues"][0]["name"], json!("merged"));
}

/// What tools send to learn a schema.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name } \
    types { ...FullType } directives { name description locations args { ...InputValue } } } } \
    fragment FullType on __Type { kind name description \
    fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } \
    inputFields { ...InputValue } interfaces { ...TypeRef } \
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } } \
    fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue } \
    fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
    ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";
