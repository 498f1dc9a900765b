//! The schema of one GitLab version and edition, made from the annotated tables in the `.graphql` files.

mod builder;
mod level;
mod parts;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;

use crate::world::{Edition, Version};

use builder::{COSTS, document};
pub(crate) use level::Level;

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

        for directive in builder::PRESENCE.iter().chain(&COSTS) {
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
