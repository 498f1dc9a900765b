//! The rules of a valid query, with the words and codes of graphql-ruby, which GitLab runs.
//!
//! What is found here is refused as GitLab refuses it. The engine validates again after us: it knows rarer rules, in its own words.

use std::collections::HashSet;

use apollo_compiler::ast::{
    Argument, Definition, DirectiveList, Document, Field, FragmentDefinition, InputValueDefinition,
    OperationDefinition, OperationType, Selection, Type, Value,
};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema};
use serde_json::{Value as Json, json};

use super::error::{error, locations};
use super::literals::{Mismatch, check_literal};

/// GitLab stops looking after this many errors.
const MOST_ERRORS: usize = 5;

/// The errors of a document, as the answer lists them; none when it is valid.
pub(crate) fn errors(document: &Document, schema: &Valid<Schema>) -> Vec<Json> {
    let mut checker = Checker {
        document,
        schema,
        path: Vec::new(),
        errors: Vec::new(),
    };
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => checker.operation(operation),
            Definition::FragmentDefinition(fragment) => checker.fragment(fragment),
            _ => {}
        }
    }
    checker.unused_fragments();
    checker.errors.truncate(MOST_ERRORS);
    checker.errors
}

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
    fn selections(&mut self, selections: &[Selection]) {
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

struct Checker<'a> {
    document: &'a Document,
    schema: &'a Valid<Schema>,
    path: Vec<String>,
    errors: Vec<Json>,
}

/// What the arguments being checked belong to.
#[derive(Clone, Copy)]
struct Owner<'a> {
    kind: &'static str,
    name: &'a str,
    location: Option<SourceSpan>,
}

impl<'a> Checker<'a> {
    fn add(&mut self, message: String, location: Option<SourceSpan>, extensions: Json) {
        let mut found = error(message, locations(location, &self.document.sources));
        found.insert("path".to_owned(), json!(self.path));
        found.insert("extensions".to_owned(), extensions);
        // The same fragment may be looked at for several operations.
        let found = Json::Object(found);
        if !self.errors.contains(&found) {
            self.errors.push(found);
        }
    }

    fn operation(&mut self, operation: &'a Node<OperationDefinition>) {
        let kind = match operation.operation_type {
            OperationType::Query => "query",
            OperationType::Mutation => "mutation",
            OperationType::Subscription => "subscription",
        };
        let label = operation
            .name
            .as_ref()
            .map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}"));
        self.path = vec![label];
        let Some(root) = self.schema.root_operation(operation.operation_type) else {
            let message = format!("Schema is not configured for {kind}s");
            self.add(
                message,
                operation.location(),
                json!({"code": "missingRootType"}),
            );
            return;
        };
        for variable in &operation.variables {
            let name = variable.ty.inner_named_type();
            if self
                .schema
                .types
                .get(name)
                .is_none_or(|ty| !ty.is_input_type())
            {
                let message = format!("{name} isn't a defined input type (on ${})", variable.name);
                let extensions = json!({"code": "variableRequiresValidType", "typeName": name.as_str(), "variableName": variable.name.as_str()});
                self.add(message, variable.location(), extensions);
            }
        }
        self.selections(&operation.selection_set, root);
        self.unused_variables(operation);
        self.variable_usages(operation, root);
    }

    fn fragment(&mut self, fragment: &'a Node<FragmentDefinition>) {
        self.path = vec![format!("fragment {}", fragment.name)];
        if self.is_condition(&fragment.type_condition, fragment.location()) {
            self.selections(&fragment.selection_set, &fragment.type_condition);
        }
    }

    fn is_condition(&mut self, condition: &Name, location: Option<SourceSpan>) -> bool {
        let known = self.schema.types.get(condition);
        if known.is_none() {
            let message = format!("No such type {condition}, so it can't be a fragment condition");
            self.add(
                message,
                location,
                json!({"code": "undefinedType", "typeName": condition.as_str()}),
            );
        }
        known.is_some()
    }

    fn selections(&mut self, selections: &'a [Selection], on: &str) {
        for selection in selections {
            match selection {
                Selection::Field(field) => self.field(field, on),
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.directives);
                    let known = self.fragment_named(&spread.fragment_name).is_some();
                    if !known {
                        let name = spread.fragment_name.as_str();
                        let message = format!("Fragment {name} was used, but not defined");
                        let extensions =
                            json!({"code": "useAndDefineFragment", "fragmentName": name});
                        self.add(message, spread.location(), extensions);
                    }
                }
                Selection::InlineFragment(inline) => {
                    let label = inline
                        .type_condition
                        .as_ref()
                        .map(|name| format!(" on {name}"));
                    self.path.push(format!("...{}", label.unwrap_or_default()));
                    self.directives(&inline.directives);
                    match &inline.type_condition {
                        Some(condition) => {
                            if self.is_condition(condition, inline.location()) {
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
                let owner = Owner {
                    kind: "Field",
                    name: &field.name,
                    location: field.location(),
                };
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
        let is_leaf = self
            .schema
            .types
            .get(inner)
            .is_none_or(ExtendedType::is_leaf);
        let name = field.name.as_str();
        let message = if is_leaf && !field.selection_set.is_empty() {
            let names = field.selection_set.iter().filter_map(Selection::as_field);
            let names: Vec<_> = names
                .map(|field| format!("{:?}", field.name.as_str()))
                .collect();
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
        let extensions = json!({"code": "selectionMismatch", "nodeName": format!("field '{name}'"), "typeName": inner.as_str()});
        self.add(message, field.location(), extensions);
    }

    fn directives(&mut self, directives: &'a DirectiveList) {
        for directive in directives.iter() {
            let name = directive.name.as_str();
            let costs = ["cost", "gitaly", "resolver"].contains(&name);
            let known = self
                .schema
                .directive_definitions
                .get(name)
                .filter(|_| !costs);
            let Some(definition) = known else {
                let message = format!("Directive @{name} is not defined");
                let extensions = json!({"code": "undefinedDirective", "directiveName": name});
                self.add(message, directive.location(), extensions);
                continue;
            };
            let owner = Owner {
                kind: "Directive",
                name,
                location: directive.location(),
            };
            self.arguments(&directive.arguments, &definition.arguments, owner);
        }
    }

    fn arguments(
        &mut self,
        given: &'a [Node<Argument>],
        known: &'a [Node<InputValueDefinition>],
        owner: Owner<'_>,
    ) {
        for argument in given {
            self.path.push(argument.name.to_string());
            match known
                .iter()
                .find(|definition| definition.name == argument.name)
            {
                Some(definition) => self.value(argument, &definition.ty, owner),
                None => {
                    let message = format!(
                        "{} '{}' doesn't accept argument '{}'",
                        owner.kind, owner.name, argument.name
                    );
                    let extensions = json!({
                        "code": "argumentNotAccepted", "name": owner.name, "typeName": owner.kind, "argumentName": argument.name.as_str()
                    });
                    self.add(message, argument.location(), extensions);
                }
            }
            self.path.pop();
        }
        let is_missing = |definition: &&Node<InputValueDefinition>| {
            definition.is_required()
                && given
                    .iter()
                    .all(|argument| argument.name != definition.name)
        };
        let missing: Vec<_> = known
            .iter()
            .filter(is_missing)
            .map(|definition| definition.name.as_str())
            .collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            let message = format!(
                "{} '{}' is missing required arguments: {missing}",
                owner.kind, owner.name
            );
            let extensions = json!({"code": "missingRequiredArguments", "className": owner.kind, "name": owner.name, "arguments": missing});
            self.add(message, owner.location, extensions);
        }
    }

    fn value(&mut self, argument: &Node<Argument>, ty: &Type, owner: Owner<'_>) {
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

    fn fragment_named(&self, name: &Name) -> Option<&'a Node<FragmentDefinition>> {
        let mut fragments = self
            .document
            .definitions
            .iter()
            .filter_map(Definition::as_fragment_definition);
        fragments.find(|fragment| fragment.name == *name)
    }

    fn unused_fragments(&mut self) {
        let used = used_names(self.document).fragments;
        for definition in &self.document.definitions {
            let Definition::FragmentDefinition(fragment) = definition else {
                continue;
            };
            if !used.contains(&fragment.name) {
                self.path = vec![format!("fragment {}", fragment.name)];
                let message = format!("Fragment {} was defined, but not used", fragment.name);
                let extensions =
                    json!({"code": "useAndDefineFragment", "fragmentName": fragment.name.as_str()});
                self.add(message, fragment.location(), extensions);
            }
        }
    }

    fn unused_variables(&mut self, operation: &'a Node<OperationDefinition>) {
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
        let by = operation
            .name
            .as_ref()
            .map_or("anonymous query", Name::as_str);
        for variable in &operation.variables {
            if !used.variables.contains(&variable.name) {
                let message = format!(
                    "Variable ${} is declared by {by} but not used",
                    variable.name
                );
                let extensions =
                    json!({"code": "variableNotUsed", "variableName": variable.name.as_str()});
                self.add(message, variable.location(), extensions);
            }
        }
    }

    fn variable_usages(&mut self, operation: &'a Node<OperationDefinition>, root: &str) {
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
                        let known = definition
                            .arguments
                            .iter()
                            .find(|known| known.name == argument.name);
                        if let Some(known) = known {
                            self.usage(operation, argument, known);
                        }
                    }
                    self.usages_in(
                        operation,
                        &field.selection_set,
                        definition.ty.inner_named_type(),
                        seen,
                    );
                    self.path.pop();
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.fragment_named(&spread.fragment_name);
                    if let Some(fragment) = fragment.filter(|fragment| seen.insert(&fragment.name))
                    {
                        let outside = std::mem::replace(
                            &mut self.path,
                            vec![format!("fragment {}", fragment.name)],
                        );
                        self.usages_in(
                            operation,
                            &fragment.selection_set,
                            &fragment.type_condition,
                            seen,
                        );
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

    fn usage(
        &mut self,
        operation: &OperationDefinition,
        argument: &Node<Argument>,
        known: &InputValueDefinition,
    ) {
        let Value::Variable(name) = argument.value.as_ref() else {
            return;
        };
        let Some(variable) = operation
            .variables
            .iter()
            .find(|variable| variable.name == *name)
        else {
            let by = operation
                .name
                .as_ref()
                .map_or("anonymous query", Name::as_str);
            let message = format!("Variable ${name} is used by {by} but not declared");
            self.add(
                message,
                argument.value.location(),
                json!({"code": "variableNotDefined", "variableName": name.as_str()}),
            );
            return;
        };
        let has_default = variable
            .default_value
            .as_ref()
            .is_some_and(|value| !value.is_null());
        let Some(problem) = mismatch(
            &variable.ty,
            &known.ty,
            has_default || known.default_value.is_some(),
        ) else {
            return;
        };
        let message = format!(
            "{problem} on variable ${name} and argument {} ({} / {})",
            argument.name, variable.ty, known.ty
        );
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
    let depth = |ty: &Type| {
        std::iter::successors(Some(ty), |ty| ty.is_list().then(|| ty.item_type())).count()
    };
    if depth(variable) != depth(argument) {
        return Some("List dimension mismatch");
    }
    let nullable = argument.is_non_null() && !variable.is_non_null() && !has_default;
    let inner =
        variable.is_list() && mismatch(variable.item_type(), argument.item_type(), false).is_some();
    (nullable || inner).then_some("Nullability mismatch")
}
