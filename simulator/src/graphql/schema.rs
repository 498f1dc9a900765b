//! The schema of one GitLab version and edition, made from the annotated table in `schema.graphql`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use apollo_compiler::ast::{
    Definition, DirectiveDefinition, DirectiveList, DirectiveLocation, Document, EnumTypeDefinition, FieldDefinition,
    InputValueDefinition, InterfaceTypeDefinition, ObjectTypeDefinition, Type, Value,
};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema};

use crate::world::{Edition, Version};

const TABLE: &str = include_str!("schema.graphql");

/// Directives of the table that say when something exists: gone from every schema.
const PRESENCE: [&str; 8] = ["from", "to", "ee", "page", "args", "set", "connection", "like"];
/// Directives of the table that say what a field costs: kept for the server's own eyes.
const COSTS: [&str; 3] = ["cost", "gitaly", "resolver"];

/// The versions whose schemas we know. A version between two has the schema of the older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    /// 15.5 and everything older.
    V15_5,
    /// 16.3
    V16_3,
    /// 17.2
    V17_2,
    /// 18.0
    V18_0,
    /// 19.1 and everything newer.
    V19_1,
}

impl Level {
    /// The level of a version.
    pub(crate) fn of(version: Version) -> Level {
        let since = [
            (Version::new(19, 1), Level::V19_1),
            (Version::new(18, 0), Level::V18_0),
            (Version::new(17, 2), Level::V17_2),
            (Version::new(16, 3), Level::V16_3),
        ];
        let known = since.into_iter().find(|(first, _)| version >= *first);
        known.map_or(Level::V15_5, |(_, level)| level)
    }
}

/// The text of the schema that GitLab of this version and edition has, as far as we model it.
#[must_use]
pub fn schema_text(version: Version, edition: Edition) -> String {
    document(Level::of(version), edition.enterprise(), false).to_string()
}

/// The schema of a level, with the costs of its fields.
pub(crate) fn schema(level: Level, enterprise: bool) -> Arc<Valid<Schema>> {
    type Schemas = HashMap<(Level, bool), Arc<Valid<Schema>>>;
    static SCHEMAS: LazyLock<Mutex<Schemas>> = LazyLock::new(Mutex::default);

    let mut schemas = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = schemas.entry((level, enterprise)).or_insert_with(|| {
        let document = document(level, enterprise, true);
        // The table is part of this crate; a test builds every schema, so none is invalid here.
        let schema = document.to_schema_validate();
        let mut schema = schema.map_or_else(|wrong| wrong.partial, Valid::into_inner);
        // Costs stay on the fields, but no client may know the directives that hold them.
        for directive in COSTS {
            schema.directive_definitions.shift_remove(directive);
        }
        Arc::new(Valid::assume_valid(schema))
    });
    Arc::clone(known)
}

/// Builds the schema of one level.
fn document(level: Level, enterprise: bool, costs: bool) -> Document {
    static PARSED: LazyLock<Document> =
        LazyLock::new(|| Document::parse(TABLE, "schema.graphql").unwrap_or_else(|wrong| wrong.partial));

    let builder = Builder { table: &PARSED, level, enterprise, costs };
    let mut document = Document::new();
    for definition in &PARSED.definitions {
        builder.add(definition, &mut document);
    }
    if level >= Level::V19_1 {
        document.definitions.push(introduced());
    }
    document
}

/// `@gl_introduced(version:)`, with which a client asks for fields that older servers lack.
fn introduced() -> Definition {
    Definition::DirectiveDefinition(Node::new(DirectiveDefinition {
        description: None,
        name: Name::new_static_unchecked("gl_introduced"),
        arguments: vec![argument("version", Type::NonNullNamed(name("String")))],
        repeatable: false,
        locations: vec![DirectiveLocation::Field, DirectiveLocation::FragmentSpread, DirectiveLocation::InlineFragment],
    }))
}

struct Builder<'a> {
    table: &'a Document,
    level: Level,
    enterprise: bool,
    costs: bool,
}

impl Builder<'_> {
    fn add(&self, definition: &Definition, document: &mut Document) {
        let directives = definition.directives();
        if !self.has(directives) || directives.has("set") {
            return;
        }
        let new = match definition {
            Definition::DirectiveDefinition(node) => {
                if !self.costs || !COSTS.contains(&node.name.as_str()) {
                    return;
                }
                definition.clone()
            }
            Definition::ObjectTypeDefinition(node) => {
                self.add_connection(&node.name, directives, document);
                Definition::ObjectTypeDefinition(Node::new(ObjectTypeDefinition {
                    description: node.description.clone(),
                    name: node.name.clone(),
                    implements_interfaces: node.implements_interfaces.clone(),
                    directives: DirectiveList::new(),
                    fields: self.all_fields(&node.fields, directives),
                }))
            }
            Definition::InterfaceTypeDefinition(node) => {
                self.add_connection(&node.name, directives, document);
                Definition::InterfaceTypeDefinition(Node::new(InterfaceTypeDefinition {
                    description: node.description.clone(),
                    name: node.name.clone(),
                    implements_interfaces: node.implements_interfaces.clone(),
                    directives: DirectiveList::new(),
                    fields: self.all_fields(&node.fields, directives),
                }))
            }
            Definition::EnumTypeDefinition(node) => self.enumeration(node),
            Definition::InputObjectTypeDefinition(node) => {
                let mut input = node.as_ref().clone();
                input.directives = DirectiveList::new();
                input.fields = self.arguments(&node.fields);
                Definition::InputObjectTypeDefinition(Node::new(input))
            }
            other => other.clone(),
        };
        document.definitions.push(new);
    }

    /// Whether something so annotated exists in this version and edition.
    fn has(&self, directives: &DirectiveList) -> bool {
        let version = |directive: &str| {
            let node = directives.get(directive)?;
            let text = node.specified_argument_by_name("v")?.as_str()?;
            Some(Level::of(Version::parse(text)?))
        };
        version("from").is_none_or(|first| self.level >= first)
            && version("to").is_none_or(|last| self.level <= last)
            && (self.enterprise || !directives.has("ee"))
    }

    fn enumeration(&self, node: &Node<EnumTypeDefinition>) -> Definition {
        let mut new = node.as_ref().clone();
        new.directives = DirectiveList::new();
        new.values.retain(|value| self.has(&value.directives));
        for value in &mut new.values {
            value.make_mut().directives = DirectiveList::new();
        }
        Definition::EnumTypeDefinition(Node::new(new))
    }

    /// A type's own fields, then those of the type it is like.
    fn all_fields(&self, own: &[Node<FieldDefinition>], directives: &DirectiveList) -> Vec<Node<FieldDefinition>> {
        let mut fields = self.fields(own);
        let Some(like) = text_of(directives, "like", "type") else {
            return fields;
        };
        let inherited = self.table.definitions.iter().find_map(|definition| match definition {
            Definition::ObjectTypeDefinition(node) if node.name == like => Some(&node.fields),
            Definition::InterfaceTypeDefinition(node) if node.name == like => Some(&node.fields),
            _ => None,
        });
        for field in self.fields(inherited.map_or(&[], Vec::as_slice)) {
            if fields.iter().all(|known| known.name != field.name) {
                fields.push(field);
            }
        }
        fields
    }

    fn fields(&self, fields: &[Node<FieldDefinition>]) -> Vec<Node<FieldDefinition>> {
        let present = fields.iter().filter(|field| self.has(&field.directives));
        present.map(|field| Node::new(self.field(field))).collect()
    }

    fn field(&self, field: &FieldDefinition) -> FieldDefinition {
        let mut new = field.clone();
        new.arguments = self.arguments(&field.arguments);
        for set in field.directives.get_all("args") {
            let Some(set) = set.specified_argument_by_name("of").and_then(|of| of.as_str()) else {
                continue;
            };
            let members = self.table.definitions.iter().find_map(|definition| match definition {
                Definition::InputObjectTypeDefinition(node) if node.name == set => Some(&node.fields),
                _ => None,
            });
            new.arguments.extend(self.arguments(members.map_or(&[], Vec::as_slice)));
        }
        if field.directives.has("page") {
            for (name, of) in [("after", "String"), ("before", "String"), ("first", "Int"), ("last", "Int")] {
                new.arguments.push(argument(name, Type::Named(self::name(of))));
            }
        }
        new.directives.0.retain(|directive| {
            let name = directive.name.as_str();
            !PRESENCE.contains(&name) && (self.costs || !COSTS.contains(&name))
        });
        new
    }

    fn arguments(&self, arguments: &[Node<InputValueDefinition>]) -> Vec<Node<InputValueDefinition>> {
        let present = arguments.iter().filter(|argument| self.has(&argument.directives));
        let bare = present.map(|argument| {
            let mut argument = argument.as_ref().clone();
            argument.directives = DirectiveList::new();
            Node::new(argument)
        });
        bare.collect()
    }

    /// The connection and edge types of a type that has them.
    fn add_connection(&self, of: &Name, directives: &DirectiveList, document: &mut Document) {
        let Some(connection) = directives.get("connection") else {
            return;
        };
        let counted = connection
            .specified_argument_by_name("count")
            .and_then(|value| Version::parse(value.as_str()?))
            .is_some_and(|first| self.level >= Level::of(first));
        let edge = name(&format!("{of}Edge"));
        let mut fields = vec![
            field("edges", Type::Named(edge.clone()).list()),
            field("nodes", Type::Named(of.clone()).list()),
            field("pageInfo", Type::NonNullNamed(name("PageInfo"))),
        ];
        if counted {
            let mut count = field("count", Type::NonNullNamed(name("Int")));
            count.arguments.push(argument("limit", Type::Named(name("Int"))));
            fields.push(count);
        }
        document.definitions.push(object(name(&format!("{of}Connection")), fields));
        let fields = vec![field("cursor", Type::NonNullNamed(name("String"))), field("node", Type::Named(of.clone()))];
        document.definitions.push(object(edge, fields));
    }
}

fn name(text: &str) -> Name {
    Name::new_unchecked(text)
}

fn field(name: &str, ty: Type) -> FieldDefinition {
    FieldDefinition {
        description: None,
        name: self::name(name),
        arguments: Vec::new(),
        ty,
        directives: DirectiveList::new(),
    }
}

fn argument(name: &str, ty: Type) -> Node<InputValueDefinition> {
    Node::new(InputValueDefinition {
        description: None,
        name: self::name(name),
        ty: Node::new(ty),
        default_value: None,
        directives: DirectiveList::new(),
    })
}

fn object(name: Name, fields: Vec<FieldDefinition>) -> Definition {
    Definition::ObjectTypeDefinition(Node::new(ObjectTypeDefinition {
        description: None,
        name,
        implements_interfaces: Vec::new(),
        directives: DirectiveList::new(),
        fields: fields.into_iter().map(Node::new).collect(),
    }))
}

fn text_of<'a>(directives: &'a DirectiveList, directive: &str, argument: &str) -> Option<&'a str> {
    let value = directives.get(directive)?.specified_argument_by_name(argument)?;
    match value.as_ref() {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSIONS: [(u32, u32); 6] = [(14, 0), (15, 5), (16, 3), (17, 11), (18, 9), (19, 2)];

    fn text(major: u32, minor: u32, edition: Edition) -> String {
        schema_text(Version::new(major, minor), edition)
    }

    #[test]
    fn the_schema_of_every_version_and_edition_is_valid() {
        for (major, minor) in VERSIONS {
            for edition in [Edition::Community, Edition::Licensed] {
                let text = text(major, minor, edition);

                let outcome = Schema::parse_and_validate(text, "schema.graphql");

                assert!(outcome.is_ok(), "{major}.{minor} {edition:?}: {:?}", outcome.err());
                let level = Level::of(Version::new(major, minor));
                let own = document(level, edition.enterprise(), true).to_schema_validate();
                assert!(own.is_ok(), "{major}.{minor} {edition:?}: {:?}", own.err());
            }
        }
    }

    #[test]
    fn a_version_between_two_has_the_older_schema() {
        assert_eq!(text(17, 11, Edition::Licensed), text(17, 2, Edition::Licensed));
        assert!(!text(17, 11, Edition::Licensed).contains("closedAt"));
        assert!(text(18, 0, Edition::Licensed).contains("closedAt: Time"));
    }

    #[test]
    fn the_community_edition_lacks_enterprise_fields() {
        let community = text(19, 1, Edition::Community);

        for field in [
            "approvalsRequired",
            "approvalsLeft",
            "approvalState",
            "changeRequesters",
            "mergeTrainCar",
            "policyViolations",
        ] {
            let in_merge_request =
                community.split("type MergeRequest {").nth(1).and_then(|rest| rest.split("\n}").next());
            assert!(!in_merge_request.unwrap_or_default().contains(&format!("  {field}")), "{field}");
        }
    }

    #[test]
    fn the_text_says_nothing_of_costs() {
        let text = text(19, 1, Edition::Licensed);

        for directive in PRESENCE.iter().chain(&COSTS) {
            assert!(!text.contains(&format!("@{directive}")), "{directive}");
        }
        assert!(text.contains("directive @gl_introduced"));
    }

    #[test]
    fn users_of_a_merge_request_have_all_that_users_have() {
        let schema = schema(Level::V19_1, true);

        for name in ["CurrentUser", "MergeRequestAuthor", "MergeRequestReviewer", "MergeRequestAssignee"] {
            assert!(schema.type_field(name, "username").is_ok(), "{name}");
        }
        assert!(schema.type_field("MergeRequestReviewer", "mergeRequestInteraction").is_ok());
    }
}
