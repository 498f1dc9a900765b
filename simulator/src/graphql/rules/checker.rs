//! Walks a document and checks it, with the rules of the files beside this one.

use apollo_compiler::ast::{
    Definition, Document, Field, FragmentDefinition, OperationDefinition, OperationType, Selection, Type,
};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema};
use serde_json::{Value as Json, json};

use super::names::used_names;
use super::owner::Owner;
use crate::graphql::error::{error, locations};

/// Goes through a document and collects what is wrong.
pub(super) struct Checker<'a> {
    pub(super) document: &'a Document,
    pub(super) schema: &'a Valid<Schema>,
    pub(super) path: Vec<String>,
    pub(super) errors: Vec<Json>,
}

impl<'a> Checker<'a> {
    pub(super) fn add(&mut self, message: String, location: Option<SourceSpan>, extensions: Json) {
        let mut found = error(message, locations(location, &self.document.sources));
        found.insert("path".to_owned(), json!(self.path));
        found.insert("extensions".to_owned(), extensions);
        // The same fragment may be looked at for several operations.
        let found = Json::Object(found);
        if !self.errors.contains(&found) {
            self.errors.push(found);
        }
    }

    pub(super) fn operation(&mut self, operation: &'a Node<OperationDefinition>) {
        let kind = match operation.operation_type {
            OperationType::Query => "query",
            OperationType::Mutation => "mutation",
            OperationType::Subscription => "subscription",
        };
        let label = operation.name.as_ref().map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}"));
        self.path = vec![label];
        let Some(root) = self.schema.root_operation(operation.operation_type) else {
            let message = format!("Schema is not configured for {kind}s");
            self.add(message, operation.location(), json!({"code": "missingRootType"}));
            return;
        };
        for variable in &operation.variables {
            let name = variable.ty.inner_named_type();
            if self.schema.types.get(name).is_none_or(|ty| !ty.is_input_type()) {
                let message = format!("{name} isn't a defined input type (on ${})", variable.name);
                let extensions = json!({"code": "variableRequiresValidType", "typeName": name.as_str(), "variableName": variable.name.as_str()});
                self.add(message, variable.location(), extensions);
            }
        }
        self.selections(&operation.selection_set, root);
        self.unused_variables(operation);
        self.variable_usages(operation, root);
    }

    pub(super) fn fragment(&mut self, fragment: &'a Node<FragmentDefinition>) {
        self.path = vec![format!("fragment {}", fragment.name)];
        if self.is_condition(&fragment.type_condition, fragment.location()) {
            self.selections(&fragment.selection_set, &fragment.type_condition);
        }
    }

    fn selections(&mut self, selections: &'a [Selection], on: &str) {
        for selection in selections {
            match selection {
                Selection::Field(field) => self.field(field, on),
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.directives);
                    let fragment = self.fragment_named(&spread.fragment_name);
                    if let Some(fragment) = fragment {
                        self.spread(Some(&fragment.name), &fragment.type_condition, on, spread.location());
                    } else {
                        let name = spread.fragment_name.as_str();
                        let message = format!("Fragment {name} was used, but not defined");
                        let extensions = json!({"code": "useAndDefineFragment", "fragmentName": name});
                        self.add(message, spread.location(), extensions);
                    }
                }
                Selection::InlineFragment(inline) => {
                    let label = inline.type_condition.as_ref().map(|name| format!(" on {name}"));
                    self.path.push(format!("...{}", label.unwrap_or_default()));
                    self.directives(&inline.directives);
                    match &inline.type_condition {
                        Some(condition) => {
                            if self.is_condition(condition, inline.location()) {
                                self.spread(None, condition, on, inline.location());
                                self.selections(&inline.selection_set, condition);
                            }
                        }
                        None => self.selections(&inline.selection_set, on),
                    }
                    self.path.pop();
                }
            }
        }
    }

    fn field(&mut self, field: &'a Node<Field>, on: &str) {
        self.path.push(field.response_name().to_string());
        self.directives(&field.directives);
        match self.schema.type_field(on, &field.name) {
            Ok(definition) => {
                let owner = Owner { kind: "Field", name: &field.name, location: field.location() };
                self.arguments(&field.arguments, &definition.arguments, owner);
                self.sub_selection(field, &definition.ty);
                self.selections(&field.selection_set, definition.ty.inner_named_type());
            }
            Err(_) => {
                let message = format!("Field '{}' doesn't exist on type '{on}'", field.name);
                let extensions = json!({"code": "undefinedField", "typeName": on, "fieldName": field.name.as_str()});
                self.add(message, field.location(), extensions);
            }
        }
        self.path.pop();
    }

    fn sub_selection(&mut self, field: &Node<Field>, ty: &Type) {
        let inner = ty.inner_named_type();
        let is_leaf = self.schema.types.get(inner).is_none_or(ExtendedType::is_leaf);
        let name = field.name.as_str();
        let message = if is_leaf && !field.selection_set.is_empty() {
            let names = field.selection_set.iter().filter_map(Selection::as_field);
            let names: Vec<_> = names.map(|field| format!("{:?}", field.name.as_str())).collect();
            format!(
                "Selections can't be made on scalars (field '{name}' returns {inner} but has selections [{}])",
                names.join(", ")
            )
        } else if !is_leaf && field.selection_set.is_empty() {
            format!(
                "Field must have selections (field '{name}' returns {inner} but has no selections. Did you mean '{name} {{ ... }}'?)"
            )
        } else {
            return;
        };
        let extensions =
            json!({"code": "selectionMismatch", "nodeName": format!("field '{name}'"), "typeName": inner.as_str()});
        self.add(message, field.location(), extensions);
    }

    pub(super) fn fragment_named(&self, name: &Name) -> Option<&'a Node<FragmentDefinition>> {
        let mut fragments = self.document.definitions.iter().filter_map(Definition::as_fragment_definition);
        fragments.find(|fragment| fragment.name == *name)
    }

    pub(super) fn unused_fragments(&mut self) {
        let used = used_names(self.document).fragments;
        for definition in &self.document.definitions {
            let Definition::FragmentDefinition(fragment) = definition else {
                continue;
            };
            if !used.contains(&fragment.name) {
                self.path = vec![format!("fragment {}", fragment.name)];
                let message = format!("Fragment {} was defined, but not used", fragment.name);
                let extensions = json!({"code": "useAndDefineFragment", "fragmentName": fragment.name.as_str()});
                self.add(message, fragment.location(), extensions);
            }
        }
    }
}
