//! Variables: declared, used, and of types that fit where they are used.

use std::collections::HashSet;

use apollo_compiler::ast::{Argument, InputValueDefinition, OperationDefinition, Selection, Type, Value};
use apollo_compiler::{Name, Node};
use serde_json::json;

use super::checker::Checker;
use super::names::UsedNames;

impl<'a> Checker<'a> {
    pub(super) fn unused_variables(&mut self, operation: &'a Node<OperationDefinition>) {
        let mut used = UsedNames::default();
        used.selections(&operation.selection_set);
        let mut next = 0;
        while let Some(name) = used.fragments.get(next).cloned() {
            next += 1;
            let again = used.fragments[..next - 1].contains(&name);
            if let Some(fragment) = self.fragment_named(&name).filter(|_| !again) {
                used.selections(&fragment.selection_set);
            }
        }
        let by = operation.name.as_ref().map_or("anonymous query", Name::as_str);
        for variable in &operation.variables {
            if !used.variables.contains(&variable.name) {
                let message = format!("Variable ${} is declared by {by} but not used", variable.name);
                let extensions = json!({"code": "variableNotUsed", "variableName": variable.name.as_str()});
                self.add(message, variable.location(), extensions);
            }
        }
    }

    pub(super) fn variable_usages(&mut self, operation: &'a Node<OperationDefinition>, root: &str) {
        let mut seen = HashSet::new();
        self.usages_in(operation, &operation.selection_set, root, &mut seen);
    }

    /// Follows the fragments of an operation, because its variables are used there too.
    fn usages_in(
        &mut self,
        operation: &'a Node<OperationDefinition>,
        selections: &'a [Selection],
        on: &str,
        seen: &mut HashSet<&'a Name>,
    ) {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    let Ok(definition) = self.schema.type_field(on, &field.name) else {
                        continue;
                    };
                    self.path.push(field.response_name().to_string());
                    for argument in &field.arguments {
                        let known = definition.arguments.iter().find(|known| known.name == argument.name);
                        if let Some(known) = known {
                            self.usage(operation, argument, known);
                        }
                    }
                    self.usages_in(operation, &field.selection_set, definition.ty.inner_named_type(), seen);
                    self.path.pop();
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.fragment_named(&spread.fragment_name);
                    if let Some(fragment) = fragment.filter(|fragment| seen.insert(&fragment.name)) {
                        let outside = std::mem::replace(&mut self.path, vec![format!("fragment {}", fragment.name)]);
                        self.usages_in(operation, &fragment.selection_set, &fragment.type_condition, seen);
                        self.path = outside;
                    }
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.type_condition.as_ref().map_or(on, Name::as_str);
                    self.usages_in(operation, &inline.selection_set, on, seen);
                }
            }
        }
    }

    fn usage(&mut self, operation: &OperationDefinition, argument: &Node<Argument>, known: &InputValueDefinition) {
        let Value::Variable(name) = argument.value.as_ref() else {
            return;
        };
        let Some(variable) = operation.variables.iter().find(|variable| variable.name == *name) else {
            let by = operation.name.as_ref().map_or("anonymous query", Name::as_str);
            let message = format!("Variable ${name} is used by {by} but not declared");
            self.add(
                message,
                argument.value.location(),
                json!({"code": "variableNotDefined", "variableName": name.as_str()}),
            );
            return;
        };
        let has_default = variable.default_value.as_ref().is_some_and(|value| !value.is_null());
        let Some(problem) = mismatch(&variable.ty, &known.ty, has_default || known.default_value.is_some()) else {
            return;
        };
        let message =
            format!("{problem} on variable ${name} and argument {} ({} / {})", argument.name, variable.ty, known.ty);
        let extensions = json!({
            "code": "variableMismatch", "variableName": name.as_str(), "typeName": variable.ty.to_string(),
            "argumentName": argument.name.as_str(), "errorMessage": problem
        });
        self.add(message, argument.location(), extensions);
    }
}

/// Why a variable of one type does not fit an argument of another.
fn mismatch(variable: &Type, argument: &Type, has_default: bool) -> Option<&'static str> {
    if variable.inner_named_type() != argument.inner_named_type() {
        return Some("Type mismatch");
    }
    let depth = |ty: &Type| std::iter::successors(Some(ty), |ty| ty.is_list().then(|| ty.item_type())).count();
    if depth(variable) != depth(argument) {
        return Some("List dimension mismatch");
    }
    let nullable = argument.is_non_null() && !variable.is_non_null() && !has_default;
    let inner = variable.is_list() && mismatch(variable.item_type(), argument.item_type(), false).is_some();
    (nullable || inner).then_some("Nullability mismatch")
}
