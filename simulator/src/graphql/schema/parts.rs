//! Parts of a schema that are made rather than read.

use apollo_compiler::ast::{
    Definition, DirectiveList, FieldDefinition, InputValueDefinition, ObjectTypeDefinition, Type, Value,
};
use apollo_compiler::{Name, Node};

pub(super) fn name(text: &str) -> Name {
    Name::new_unchecked(text)
}

pub(super) fn field(name: &str, ty: Type) -> FieldDefinition {
    FieldDefinition {
        description: None,
        name: self::name(name),
        arguments: Vec::new(),
        ty,
        directives: DirectiveList::new(),
    }
}

pub(super) fn argument(name: &str, ty: Type) -> Node<InputValueDefinition> {
    Node::new(InputValueDefinition {
        description: None,
        name: self::name(name),
        ty: Node::new(ty),
        default_value: None,
        directives: DirectiveList::new(),
    })
}

pub(super) fn object(name: Name, fields: Vec<FieldDefinition>) -> Definition {
    Definition::ObjectTypeDefinition(Node::new(ObjectTypeDefinition {
        description: None,
        name,
        implements_interfaces: Vec::new(),
        directives: DirectiveList::new(),
        fields: fields.into_iter().map(Node::new).collect(),
    }))
}

pub(super) fn text_of<'a>(directives: &'a DirectiveList, directive: &str, argument: &str) -> Option<&'a str> {
    let value = directives.get(directive)?.specified_argument_by_name(argument)?;
    match value.as_ref() {
        Value::String(text) => Some(text),
        _ => None,
    }
}
