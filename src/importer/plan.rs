//! From the scope to tasks: which projects are read, and which are only noted.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::gitlab::queries::scope::Project;

use super::{Error, Scope};

/// Which projects of the scope are read.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    excluded: GlobSet,
    include_archived: bool,
}

/// What becomes of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It gets a task.
    Read,
    /// It is in the scope, and its merge requests are not wanted.
    Note,
    /// The connection does not want it.
    Excluded,
    /// It is on its way out of existence.
    Deleted,
}

impl Verdict {
    /// Whether it is in the scope.
    pub(super) fn follows(self) -> bool {
        matches!(self, Verdict::Read | Verdict::Note)
    }
}

impl Filter {
    pub(super) fn new(scope: &Scope) -> Result<Filter, Error> {
        let bad = |pattern: &str, error: &globset::Error| Error::BadGlob {
            pattern: pattern.to_owned(),
            message: error.kind().to_string(),
        };
        let mut globs = GlobSetBuilder::new();
        for pattern in &scope.exclude_projects {
            // A star stays within one level, two cross levels.
            let glob = GlobBuilder::new(pattern).literal_separator(true).build();
            globs.add(glob.map_err(|error| bad(pattern, &error))?);
        }
        let excluded = globs.build().map_err(|error| bad(&scope.exclude_projects.join(", "), &error))?;
        Ok(Filter { excluded, include_archived: scope.include_archived })
    }

    /// Whether the connection does not want a project with this path.
    pub(super) fn excludes(&self, path: &str) -> bool {
        self.excluded.is_match(path)
    }

    pub(super) fn judge(&self, project: &Project) -> Verdict {
        if self.excludes(&project.full_path) {
            return Verdict::Excluded;
        }
        if is_being_deleted(project) {
            return Verdict::Deleted;
        }
        if project.archived == Some(true) && !self.include_archived {
            return Verdict::Note;
        }
        Verdict::Read
    }
}

/// Whether a project is scheduled for deletion. Servers that do not say so show it by the path they gave it.
fn is_being_deleted(project: &Project) -> bool {
    let renamed = |marker: &str| {
        let id = project.path.rsplit_once(marker).map(|(_, id)| id);
        id.is_some_and(|id| id.parse() == Ok(project.id))
    };
    project.marked_for_deletion_on.is_some() || renamed("-deletion_scheduled-") || renamed("-deleted-")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn project(path: &str, more: serde_json::Value) -> Project {
        let name = path.rsplit('/').next();
        let mut project = json!({"id": "gid://gitlab/Project/5", "path": name, "fullPath": path});
        let (Some(all), serde_json::Value::Object(more)) = (project.as_object_mut(), more) else { unreachable!() };
        all.extend(more);
        serde_json::from_value(project).unwrap()
    }

    fn filter(exclude: &[&str], include_archived: bool) -> Filter {
        let exclude_projects = exclude.iter().map(|glob| (*glob).to_owned()).collect();
        Filter::new(&Scope { exclude_projects, include_archived, ..Scope::default() }).unwrap()
    }

    #[test]
    fn excluded_projects_are_left_alone() {
        let filter = filter(&["acme/sandbox-*", "**/old"], true);

        assert_eq!(filter.judge(&project("acme/sandbox-1", json!({}))), Verdict::Excluded);
        assert_eq!(filter.judge(&project("acme/a/b/old", json!({}))), Verdict::Excluded);
        assert_eq!(filter.judge(&project("acme/sandbox", json!({}))), Verdict::Read);
        assert_eq!(
            filter.judge(&project("acme/sandbox-1/tea", json!({}))),
            Verdict::Read,
            "a star stays within its level"
        );
    }

    #[test]
    fn archived_projects_are_noted_where_they_are_not_wanted() {
        let archived = project("acme/attic", json!({"archived": true}));

        assert_eq!(filter(&[], true).judge(&archived), Verdict::Read);
        assert_eq!(filter(&[], false).judge(&archived), Verdict::Note);
    }

    #[test]
    fn a_project_on_its_way_out_is_left_alone_in_every_version() {
        let filter = filter(&[], true);

        assert_eq!(filter.judge(&project("acme/tea", json!({"markedForDeletionOn": "2026-01-01"}))), Verdict::Deleted);
        assert_eq!(filter.judge(&project("acme/tea-deletion_scheduled-5", json!({}))), Verdict::Deleted);
        assert_eq!(filter.judge(&project("acme/tea-deleted-6", json!({}))), Verdict::Read, "6 is not its id");
    }

    #[test]
    fn a_pattern_that_is_none_is_named() {
        let scope = Scope { exclude_projects: vec!["acme/[".to_owned()], ..Scope::default() };

        let error = Filter::new(&scope).unwrap_err();
        assert!(error.to_string().contains("\"acme/[\""), "{error}");
        assert_eq!(error.exit_code(), 42);
    }
}
