//! `@gl_introduced(version: "…")`: fields that a newer server has are null on an older one, instead of refused.

use apollo_compiler::ast::{Definition, Document, Field, Selection, Value};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema, executable};

use crate::world::Version;

use super::rules::used_names;

const DIRECTIVE: &str = "gl_introduced";

/// Replaces the fields that are too new for this server and that its schema lacks.
///
/// What replaces one is `key: __typename @gl_introduced`, which is valid everywhere and answered null.
pub(crate) fn replace(document: &mut Document, schema: &Valid<Schema>, version: Version) {
    if schema.directive_definitions.get(DIRECTIVE).is_none() {
        return;
    }
    let before = used_names(document);
    let filter = Filter { schema, version };
    for definition in &mut document.definitions {
        match definition {
            Definition::OperationDefinition(node) => {
                let root = schema.root_operation(node.operation_type).cloned();
                filter.selections(&mut node.make_mut().selection_set, root.as_ref(), false);
            }
            Definition::FragmentDefinition(node) => {
                let on = node.type_condition.clone();
                filter.selections(&mut node.make_mut().selection_set, Some(&on), false);
            }
            _ => {}
        }
    }
    forget_unused(document, &before);
}

/// Whether a field stands for one that was too new.
pub(crate) fn is_placeholder(field: &executable::Field) -> bool {
    field.name == "__typename" && field.directives.has(DIRECTIVE)
}

/// Variables and fragments that only replaced fields used are no mistake of the client's.
fn forget_unused(document: &mut Document, before: &super::rules::UsedNames) {
    let after = used_names(document);
    let forgotten = |name: &Name, before: &[Name], after: &[Name]| before.contains(name) && !after.contains(name);
    document.definitions.retain(|definition| match definition {
        Definition::FragmentDefinition(node) => !forgotten(&node.name, &before.fragments, &after.fragments),
        _ => true,
    });
    for definition in &mut document.definitions {
        if let Definition::OperationDefinition(node) = definition {
            let variables = &mut node.make_mut().variables;
            variables.retain(|variable| !forgotten(&variable.name, &before.variables, &after.variables));
        }
    }
}

struct Filter<'a> {
    schema: &'a Valid<Schema>,
    version: Version,
}

impl Filter<'_> {
    fn selections(&self, selections: &mut [Selection], on: Option<&Name>, newer: bool) {
        for selection in selections {
            match selection {
                Selection::Field(node) => self.field(node, on, newer),
                Selection::InlineFragment(node) => {
                    let newer = newer || self.is_newer(&node.directives);
                    let inline = node.make_mut();
                    let on = inline.type_condition.clone().or_else(|| on.cloned());
                    self.selections(&mut inline.selection_set, on.as_ref(), newer);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn field(&self, node: &mut Node<Field>, on: Option<&Name>, newer: bool) {
        let newer = newer || self.is_newer(&node.directives);
        let definition = on.and_then(|on| self.schema.type_field(on, &node.name).ok());
        if definition.is_none() && newer {
            let field = node.make_mut();
            field.alias = Some(field.response_name().clone());
            field.name = Name::new_static_unchecked("__typename");
            field.arguments.clear();
            field.selection_set.clear();
            if !field.directives.has(DIRECTIVE) {
                field.directives.push(placeholder(self.version));
            }
            return;
        }
        let below = definition.map(|definition| definition.ty.inner_named_type().clone());
        if !node.selection_set.is_empty() {
            self.selections(&mut node.make_mut().selection_set, below.as_ref(), newer);
        }
    }

    fn is_newer(&self, directives: &executable::DirectiveList) -> bool {
        let version = directives
            .get(DIRECTIVE)
            .and_then(|directive| directive.specified_argument_by_name("version"))
            .and_then(|value| Version::parse(value.as_str()?));
        version.is_some_and(|version| version > self.version)
    }
}

fn placeholder(version: Version) -> executable::Directive {
    executable::Directive {
        name: Name::new_static_unchecked(DIRECTIVE),
        arguments: vec![Node::new(executable::Argument {
            name: Name::new_static_unchecked("version"),
            value: Node::new(Value::String(version.to_string())),
        })],
    }
}
