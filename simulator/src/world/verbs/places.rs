//! Making, naming, forking and giving back projects.

use serde_json::json;

use crate::world::{Namespace, World};

impl World {
    /// A new project anywhere, which system hooks hear of.
    pub fn new_project(&mut self, place: Namespace, path: &str, name: Option<&str>) -> i64 {
        let id = self.create_project(place, path);
        if let Some(name) = name {
            self.name_project(id, name);
        }
        self.emit_project(id, "project_create", &json!({}));
        id
    }

    /// Gives a project another name, in its full name too.
    pub fn name_project(&mut self, project: i64, name: &str) -> Option<()> {
        let project = self.project_mut(project)?;
        name.clone_into(&mut project.name);
        let above = project.full_name.rsplit_once(" / ").map(|(above, _)| above.to_owned());
        project.full_name = above.map_or_else(|| name.to_owned(), |above| format!("{above} / {name}"));
        Some(())
    }

    /// A project's record changed, which system hooks hear of.
    pub fn update_project(&mut self, project: i64) -> Option<()> {
        let now = self.now();
        self.project_mut(project)?.updated_at = now;
        self.emit_project(project, "project_update", &json!({}));
        Some(())
    }

    /// Copies a project's repository to another place. Merge requests stay where they are.
    pub fn fork_project(&mut self, source: i64, place: Namespace, path: &str, name: Option<&str>) -> Option<i64> {
        let source = self.project(source)?.clone();
        let id = self.new_project(place, path, name.or(Some(&source.name)));
        let fork = self.project_mut(id)?;
        fork.forked_from = Some(source.id);
        fork.visibility = source.visibility;
        fork.description = source.description;
        fork.default_branch = source.default_branch;
        fork.commits = source.commits;
        fork.branches = source.branches;
        fork.tags = source.tags;
        Some(id)
    }

    /// Takes a project's mark for deletion away, and with it the name it was given for that.
    pub fn restore_project(&mut self, project: i64) -> Option<()> {
        let found = self.project_mut(project)?;
        found.marked_for_deletion_on = None;
        let path = found.path.split("-deletion_scheduled-").next().unwrap_or_default().to_owned();
        self.rename_project(project, &path)
    }
}
