//! Which variables and fragments a document uses.

use apollo_compiler::ast::{Argument, Definition, DirectiveList, Document, Selection, Value};
use apollo_compiler::{Name, Node};

/// The variables and fragments that a document uses.
#[derive(Debug, Default)]
pub(crate) struct UsedNames {
    pub(crate) variables: Vec<Name>,
    pub(crate) fragments: Vec<Name>,
}

/// Collects the variables and fragments that a document uses.
pub(crate) fn used_names(document: &Document) -> UsedNames {
    let mut used = UsedNames::default();
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => used.selections(&operation.selection_set),
            Definition::FragmentDefinition(fragment) => used.selections(&fragment.selection_set),
            _ => {}
        }
    }
    used
}

impl UsedNames {
    pub(super) fn selections(&mut self, selections: &[Selection]) {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments);
                    self.directives(&field.directives);
                    self.selections(&field.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.directives);
                    self.fragments.push(spread.fragment_name.clone());
                }
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.directives);
                    self.selections(&inline.selection_set);
                }
            }
        }
    }

    fn directives(&mut self, directives: &DirectiveList) {
        for directive in directives.iter() {
            self.arguments(&directive.arguments);
        }
    }

    fn arguments(&mut self, arguments: &[Node<Argument>]) {
        for argument in arguments {
            self.value(&argument.value);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Variable(name) => self.variables.push(name.clone()),
            Value::List(items) => items.iter().for_each(|item| self.value(item)),
            Value::Object(fields) => fields.iter().for_each(|(_, value)| self.value(value)),
            _ => {}
        }
    }
}
