//! Arguments of fields and directives: known, complete and of the right types.

use apollo_compiler::Node;
use apollo_compiler::ast::{Argument, DirectiveList, InputValueDefinition, Type, Value};
use apollo_compiler::schema::ExtendedType;
use serde_json::json;

use super::super::literals::{Mismatch, check_literal};
use super::checker::Checker;
use super::owner::Owner;

impl<'a> Checker<'a> {
    pub(super) fn directives(&mut self, directives: &'a DirectiveList) {
        for directive in directives.iter() {
            let name = directive.name.as_str();
            let known = self.schema.directive_definitions.get(name);
            let Some(definition) = known else {
                let message = format!("Directive @{name} is not defined");
                let extensions = json!({"code": "undefinedDirective", "directiveName": name});
                self.add(message, directive.location(), extensions);
                continue;
            };
            let owner = Owner { kind: "Directive", name, location: directive.location() };
            self.arguments(&directive.arguments, &definition.arguments, owner);
        }
    }

    pub(super) fn arguments(
        &mut self,
        given: &'a [Node<Argument>],
        known: &'a [Node<InputValueDefinition>],
        owner: Owner<'_>,
    ) {
        for argument in given {
            self.path.push(argument.name.to_string());
            match known.iter().find(|definition| definition.name == argument.name) {
                Some(definition) => self.value(argument, &definition.ty, owner),
                None => {
                    let message =
                        format!("{} '{}' doesn't accept argument '{}'", owner.kind, owner.name, argument.name);
                    let extensions = json!({
                        "code": "argumentNotAccepted", "name": owner.name, "typeName": owner.kind, "argumentName": argument.name.as_str()
                    });
                    self.add(message, argument.location(), extensions);
                }
            }
            self.path.pop();
        }
        let is_missing = |definition: &&Node<InputValueDefinition>| {
            definition.is_required() && given.iter().all(|argument| argument.name != definition.name)
        };
        let missing: Vec<_> = known.iter().filter(is_missing).map(|definition| definition.name.as_str()).collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            let message = format!("{} '{}' is missing required arguments: {missing}", owner.kind, owner.name);
            let extensions = json!({"code": "missingRequiredArguments", "className": owner.kind, "name": owner.name, "arguments": missing});
            self.add(message, owner.location, extensions);
        }
    }

    fn value(&mut self, argument: &Node<Argument>, ty: &Type, owner: Owner<'_>) {
        if self.unknown_fields(&argument.value, ty) {
            return;
        }
        let Err(mismatch) = check_literal(self.schema, ty, &argument.value) else {
            return;
        };
        let message = match mismatch {
            Mismatch::Words(words) => words,
            Mismatch::Type => format!(
                "Argument '{}' on {} '{}' has an invalid value ({}). Expected type '{ty}'.",
                argument.name,
                owner.kind,
                owner.name,
                argument.value.serialize().no_indent()
            ),
        };
        let extensions = json!({"code": "argumentLiteralsIncompatible", "typeName": owner.kind, "argumentName": argument.name.as_str()});
        self.add(message, owner.location, extensions);
    }

    /// Whether an input object has fields that its type lacks; it is told for each.
    fn unknown_fields(&mut self, value: &Node<Value>, ty: &Type) -> bool {
        let name = ty.inner_named_type();
        let (Value::Object(fields), Some(ExtendedType::InputObject(known))) =
            (value.as_ref(), self.schema.types.get(name))
        else {
            return false;
        };
        let unknown: Vec<_> = fields.iter().filter(|(field, _)| !known.fields.contains_key(field)).collect();
        for (field, value) in &unknown {
            let message = format!("InputObject '{name}' doesn't accept argument '{field}'");
            let extensions = json!({
                "code": "argumentNotAccepted", "name": name.as_str(), "typeName": "InputObject", "argumentName": field.as_str()
            });
            self.path.push(field.to_string());
            self.add(message, value.location(), extensions);
            self.path.pop();
        }
        !unknown.is_empty()
    }
}
