//! Fragments: on types that can have them, where they can apply, each name once, and none within itself.

use std::collections::HashSet;

use apollo_compiler::Name;
use apollo_compiler::ast::{Definition, Selection};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::schema::ExtendedType;
use serde_json::json;

use super::checker::Checker;

impl<'a> Checker<'a> {
    /// Whether a type can be a fragment's condition.
    pub(super) fn is_condition(&mut self, condition: &Name, location: Option<SourceSpan>) -> bool {
        let name = condition.as_str();
        let (message, code) = match self.schema.types.get(condition) {
            None => (format!("No such type {name}, so it can't be a fragment condition"), "undefinedType"),
            Some(ExtendedType::Object(_) | ExtendedType::Interface(_) | ExtendedType::Union(_)) => return true,
            Some(_) => {
                let message = format!("Invalid fragment on type {name} (must be Union, Interface or Object)");
                (message, "fragmentOnNonCompositeType")
            }
        };
        self.add(message, location, json!({"code": code, "typeName": name}));
        false
    }

    /// Checks that a fragment can apply where it is spread; an inline one has no name.
    pub(super) fn spread(&mut self, fragment: Option<&Name>, condition: &str, on: &str, location: Option<SourceSpan>) {
        let (inside, outside) = (self.possible_types(condition), self.possible_types(on));
        if inside.is_empty() || outside.is_empty() || !inside.is_disjoint(&outside) {
            return;
        }
        let name = fragment.map(|name| format!(" {name}")).unwrap_or_default();
        let message = format!("Fragment{name} on {condition} can't be spread inside {on}");
        let known = fragment.map_or("unknown", Name::as_str);
        let extensions =
            json!({"code": "cannotSpreadFragment", "typeName": condition, "fragmentName": known, "parentName": on});
        self.add(message, location, extensions);
    }

    /// The objects that a type stands for; none for types that have no fields.
    fn possible_types(&self, name: &str) -> HashSet<&'a str> {
        let schema = self.schema;
        match schema.types.get(name) {
            Some(ExtendedType::Object(node)) => HashSet::from([node.name.as_str()]),
            Some(ExtendedType::Interface(_) | ExtendedType::Union(_)) => {
                let objects = schema.types.iter().filter(|(_, ty)| ty.is_object());
                objects
                    .filter(|(object, _)| schema.is_subtype(name, object))
                    .map(|(object, _)| object.as_str())
                    .collect()
            }
            _ => HashSet::new(),
        }
    }

    /// Checks the fragments of the document as a whole.
    pub(super) fn all_fragments(&mut self) {
        let mut names = HashSet::new();
        for definition in &self.document.definitions {
            let Definition::FragmentDefinition(fragment) = definition else {
                continue;
            };
            let name = fragment.name.as_str();
            self.path = vec![format!("fragment {name}")];
            if !names.insert(name) {
                let message = format!("Fragment name \"{name}\" must be unique");
                self.add(message, fragment.location(), json!({"code": "fragmentNotUnique", "fragmentName": name}));
            }
            if self.reaches(&fragment.selection_set, &fragment.name, &mut HashSet::new()) {
                let message = format!("Fragment {name} contains an infinite loop");
                self.add(message, fragment.location(), json!({"code": "infiniteLoop", "fragmentName": name}));
            }
        }
    }

    /// Whether a selection spreads a fragment, itself or through others.
    fn reaches(&self, selections: &'a [Selection], wanted: &Name, seen: &mut HashSet<&'a Name>) -> bool {
        selections.iter().any(|selection| match selection {
            Selection::Field(field) => self.reaches(&field.selection_set, wanted, seen),
            Selection::InlineFragment(inline) => self.reaches(&inline.selection_set, wanted, seen),
            Selection::FragmentSpread(spread) => {
                if spread.fragment_name == *wanted {
                    return true;
                }
                let fragment = self.fragment_named(&spread.fragment_name);
                let next = fragment.filter(|fragment| seen.insert(&fragment.name));
                next.is_some_and(|fragment| self.reaches(&fragment.selection_set, wanted, seen))
            }
        })
    }
}
