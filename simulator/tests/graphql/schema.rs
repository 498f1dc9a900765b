//! The schema of each version and edition has what GitLab's has, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use gitlab_simulator::World;
use gitlab_simulator::world::Edition;
use serde_json::{Value, json};

use crate::support::{data, world};

/// The facts; its head says where they are from and what the columns mean.
const FACTS: &str = include_str!("schema.tsv");
const VERSIONS: [&str; 5] = ["15.5", "16.3", "17.2", "18.0", "19.1"];
/// Users as those who take part in a merge request have every field of users.
const USERS: [&str; 3] = ["MergeRequestAuthor", "MergeRequestReviewer", "MergeRequestAssignee"];

/// What is known of one field, or of one value of an enumeration.
#[derive(Clone, Copy)]
struct Fact<'a> {
    of: &'a str,
    name: &'a str,
    newest_type: &'a str,
    present: &'a str,
    deprecated: &'a str,
    other_types: &'a str,
    enterprise: &'a str,
    arguments: &'a str,
}

/// One server.
#[derive(Clone, Copy)]
struct Server {
    version: usize,
    enterprise: bool,
}

/// Whether a version lies in `from`, which is open, or in `from-to`.
fn lies_in(range: &str, version: usize) -> bool {
    let place = |text: &str| VERSIONS.iter().position(|known| *known == text).unwrap_or_else(|| panic!("{text}"));
    match range.split_once('-') {
        Some((from, to)) => place(from) <= version && version <= place(to),
        None => place(range) <= version,
    }
}

impl<'a> Fact<'a> {
    fn read(line: &'a str) -> Fact<'a> {
        let mut columns = line.split('\t').chain(std::iter::repeat(""));
        let mut next = || columns.next().unwrap();
        Fact {
            of: next(),
            name: next(),
            newest_type: next(),
            present: next(),
            deprecated: next(),
            other_types: next(),
            enterprise: next(),
            arguments: next(),
        }
    }

    fn is_value(self) -> bool {
        self.newest_type == "enum value"
    }

    fn exists(self, server: Server) -> bool {
        let version = VERSIONS[server.version];
        let present = self.present == "all" || self.present.split(' ').any(|known| known == version);
        let barred = match self.enterprise.split_once(' ') {
            Some((_, range)) => lies_in(range, server.version),
            None => self.enterprise == "ee",
        };
        present && (server.enterprise || !barred)
    }

    fn ty(self, server: Server) -> &'a str {
        match self.other_types.split_once(": ") {
            Some((versions, other)) if versions.split(' ').any(|known| known == VERSIONS[server.version]) => other,
            _ => self.newest_type,
        }
    }

    fn is_deprecated(self, server: Server) -> bool {
        !self.deprecated.is_empty() && lies_in(self.deprecated, server.version)
    }

    /// Its arguments on a server, as SDL spells them.
    fn arguments(self, server: Server) -> BTreeSet<String> {
        let all = split(self.arguments).into_iter().filter_map(|argument| {
            let Some((argument, marks)) = argument.strip_suffix(')').and_then(|text| text.rsplit_once(" (")) else {
                return Some(argument.to_owned());
            };
            let mut marks = marks.split(' ');
            let exists = marks.all(|mark| match mark {
                "ee" => server.enterprise,
                range => lies_in(range, server.version),
            });
            exists.then(|| argument.to_owned())
        });
        all.collect()
    }
}

/// Arguments, which commas divide outside of brackets.
fn split(arguments: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in arguments.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            ',' if depth == 0 => {
                found.push(arguments[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(arguments[start..].trim());
    found.retain(|argument| !argument.is_empty());
    found
}

/// A type's fields with their type and arguments, or its values; and whether they are deprecated.
type Members = BTreeMap<String, (String, BTreeSet<String>, bool)>;

/// What a server says of itself: types, with their fields or values, each as one line of SDL with `@deprecated` or without.
fn introspected(world: &World) -> BTreeMap<String, Members> {
    const TYPE: &str = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
    let text = format!(
        "{{ __schema {{ types {{ name enumValues(includeDeprecated: true) {{ name isDeprecated }} \
         fields(includeDeprecated: true) {{ name isDeprecated type {{ {TYPE} }} args {{ name defaultValue type {{ {TYPE} }} }} }} }} }} }}"
    );
    let mut types = BTreeMap::new();
    for found in data(world, "reader", &text)["__schema"]["types"].as_array().unwrap() {
        let mut members = BTreeMap::new();
        for field in found["fields"].as_array().into_iter().flatten() {
            let arguments = field["args"].as_array().unwrap().iter().map(|argument| {
                let default = argument["defaultValue"].as_str().map(|value| format!(" = {value}"));
                format!("{}: {}{}", text_of(&argument["name"]), sdl(&argument["type"]), default.unwrap_or_default())
            });
            let member = (sdl(&field["type"]), arguments.collect(), field["isDeprecated"] == json!(true));
            members.insert(text_of(&field["name"]), member);
        }
        for value in found["enumValues"].as_array().into_iter().flatten() {
            let member = ("enum value".to_owned(), BTreeSet::new(), value["isDeprecated"] == json!(true));
            members.insert(text_of(&value["name"]), member);
        }
        types.insert(text_of(&found["name"]), members);
    }
    types
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A type as SDL spells it.
fn sdl(ty: &Value) -> String {
    match ty["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", sdl(&ty["ofType"])),
        Some("LIST") => format!("[{}]", sdl(&ty["ofType"])),
        _ => text_of(&ty["name"]),
    }
}

fn servers() -> Vec<(Server, World, String)> {
    let mut servers = Vec::new();
    for (version, name) in VERSIONS.iter().enumerate() {
        for edition in [Edition::Community, Edition::Licensed] {
            let server = Server { version, enterprise: edition != Edition::Community };
            servers.push((server, world().with_version(name).with_edition(edition), format!("{name} {edition:?}")));
        }
    }
    servers
}

fn facts() -> Vec<Fact<'static>> {
    FACTS.lines().filter(|line| !line.starts_with('#')).map(Fact::read).collect()
}

// The public schema of each GitLab: GET /-/graphql/introspection_result.json in its source.
#[test]
fn every_version_and_edition_has_the_fields_arguments_and_deprecations_of_gitlab() {
    let mut wrong = Vec::new();
    for (server, world, name) in servers() {
        let types = introspected(&world);
        for fact in facts() {
            let (of, field) = (fact.of, fact.name);
            let found = types.get(of).and_then(|members| members.get(field));
            match found {
                None if fact.exists(server) => wrong.push(format!("{name}: {of}.{field} is missing")),
                Some(_) if !fact.exists(server) => wrong.push(format!("{name}: {of}.{field} does not exist in GitLab")),
                Some((ty, arguments, deprecated)) => {
                    let is_value = fact.is_value();
                    let expected = (fact.ty(server).to_owned(), fact.arguments(server), fact.is_deprecated(server));
                    if (ty, arguments, deprecated) != (&expected.0, &expected.1, &expected.2) {
                        let here: Vec<_> = arguments.symmetric_difference(&expected.1).collect();
                        wrong.push(format!("{name}: {of}.{field} is {ty} {deprecated}, GitLab's {} {} ({is_value}), arguments differ by {here:?}", expected.0, expected.2));
                    }
                }
                None => {}
            }
        }
    }

    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_type_that_gitlab_has_has_more_than_gitlabs() {
    let mut known: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for fact in facts() {
        known.entry(fact.of).or_default().insert(fact.name);
    }
    for user in USERS {
        let inherited = known["UserCore"].clone();
        known.entry(user).or_default().extend(inherited);
    }
    let mut more = BTreeSet::new();
    for (_, world, name) in servers() {
        for (ty, members) in introspected(&world) {
            let Some(known) = known.get(ty.as_str()) else {
                continue;
            };
            let unknown = members.keys().filter(|member| !known.contains(member.as_str()));
            more.extend(unknown.map(|member| format!("{name}: {ty}.{member}")));
        }
    }

    assert!(more.is_empty(), "{more:#?}");
}
