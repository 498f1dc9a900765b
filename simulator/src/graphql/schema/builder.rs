//! Makes the schema of one version and edition out of the tables.

use std::sync::LazyLock;

use apollo_compiler::ast::{
    Argument, Definition, Directive, DirectiveDefinition, DirectiveList, DirectiveLocation, Document,
    EnumTypeDefinition, FieldDefinition, InputValueDefinition, InterfaceTypeDefinition, ObjectTypeDefinition, Type,
    Value,
};
use apollo_compiler::{Name, Node};

use crate::world::Version;

use super::level::Level;
use super::parts::{argument, field, name, object, text_of};

/// The tables, one for each noun.
const TABLE: &str = concat!(
    include_str!("directives.graphql"),
    include_str!("scalars.graphql"),
    include_str!("query.graphql"),
    include_str!("project.graphql"),
    include_str!("repository.graphql"),
    include_str!("group.graphql"),
    include_str!("merge_request.graphql"),
    include_str!("lists.graphql"),
    include_str!("approval.graphql"),
    include_str!("user.graphql"),
    include_str!("note.graphql"),
    include_str!("label.graphql"),
    include_str!("ci.graphql"),
    include_str!("member.graphql"),
);

/// Directives of the tables that say when something exists: gone from every schema.
pub(super) const PRESENCE: [&str; 9] = ["from", "to", "ee", "old", "page", "args", "set", "connection", "like"];
/// Directives of the tables that say what a field costs: kept for the server's own eyes.
pub(super) const COSTS: [&str; 3] = ["cost", "gitaly", "resolver"];

/// Builds the schema of one level.
pub(super) fn document(level: Level, enterprise: bool, costs: bool) -> Document {
    static PARSED: LazyLock<Document> =
        LazyLock::new(|| Document::parse(TABLE, "schema").unwrap_or_else(|wrong| wrong.partial));

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
        level_of(directives, "from", "v").is_none_or(|first| self.level >= first)
            && level_of(directives, "to", "v").is_none_or(|last| self.level <= last)
            && (self.enterprise || !directives.has("ee"))
    }

    /// `@deprecated`, where something so annotated is deprecated or an experiment in this version.
    fn deprecation(&self, directives: &DirectiveList) -> Option<Node<Directive>> {
        let first = level_of(directives, "old", "from")?;
        let last = level_of(directives, "old", "to").unwrap_or(Level::V19_1);
        if self.level < first || self.level > last {
            return None;
        }
        let why = text_of(directives, "old", "why").unwrap_or_default();
        let reason = Argument { name: name("reason"), value: Node::new(Value::String(why.to_owned())) };
        Some(Node::new(Directive { name: name("deprecated"), arguments: vec![Node::new(reason)] }))
    }

    fn enumeration(&self, node: &Node<EnumTypeDefinition>) -> Definition {
        let mut new = node.as_ref().clone();
        new.directives = DirectiveList::new();
        new.values.retain(|value| self.has(&value.directives));
        for value in &mut new.values {
            let deprecation = self.deprecation(&value.directives);
            value.make_mut().directives = deprecation.into_iter().collect();
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
        let deprecation = self.deprecation(&field.directives);
        new.directives.0.retain(|directive| {
            let name = directive.name.as_str();
            !PRESENCE.contains(&name) && (self.costs || !COSTS.contains(&name))
        });
        new.directives.0.extend(deprecation);
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
            fields.push(self.count(connection.specified_argument_by_name("limit")));
        }
        document.definitions.push(object(name(&format!("{of}Connection")), fields));
        let fields = vec![field("cursor", Type::NonNullNamed(name("String"))), field("node", Type::Named(of.clone()))];
        document.definitions.push(object(edge, fields));
    }

    /// The count of a connection. Some were always limited; the others came to take a limit with 19.1.
    fn count(&self, limit: Option<&Node<Value>>) -> FieldDefinition {
        let mut count = field("count", Type::NonNullNamed(name("Int")));
        if limit.is_some() || self.level >= Level::V19_1 {
            let mut argument = argument("limit", Type::Named(name("Int")));
            argument.make_mut().default_value = limit.cloned();
            count.arguments.push(argument);
        }
        count
    }
}

/// The level of the version that an argument of a directive names.
fn level_of(directives: &DirectiveList, directive: &str, argument: &str) -> Option<Level> {
    Some(Level::of(Version::parse(text_of(directives, directive, argument)?)?))
}
