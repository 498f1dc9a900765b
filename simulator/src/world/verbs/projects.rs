//! What happens to projects.

use serde_json::json;

use crate::world::{Namespace, World};

impl World {
    /// A new project in a group, which system hooks hear of.
    pub fn add_project(&mut self, group: i64, path: &str) -> i64 {
        let id = self.create_project(Namespace::Group(group), path);
        self.emit_project(id, "project_create", &json!({}));
        id
    }

    /// Gives a project another path in the same place. The old path leads to it until someone else takes it.
    pub fn rename_project(&mut self, project: i64, path: &str) -> Option<()> {
        let namespace = self.project(project)?.namespace;
        self.relocate(project, namespace, path)?;
        Some(())
    }

    /// Moves a project to another group.
    pub fn transfer_project(&mut self, project: i64, group: i64) -> Option<()> {
        let path = self.project(project)?.path.clone();
        self.relocate(project, Namespace::Group(group), &path)
    }

    /// Makes a project read-only.
    pub fn archive_project(&mut self, project: i64) -> Option<()> {
        self.project_mut(project)?.archived = true;
        self.emit_project(project, "project_update", &json!({}));
        Some(())
    }

    /// Marks a project for deletion in thirty days, which renames it.
    pub fn schedule_project_deletion(&mut self, project: i64) -> Option<()> {
        let today = self.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let path = format!("{}-deletion_scheduled-{project}", self.project(project)?.path);
        self.project_mut(project)?.marked_for_deletion_on = Some(today);
        self.rename_project(project, &path)
    }

    /// Removes a project with all that is in it.
    pub fn delete_project(&mut self, project: i64) -> Option<()> {
        self.project(project)?;
        self.emit_project(project, "project_destroy", &json!({}));
        for id in self.held_of(project) {
            self.delete_merge_request(id);
        }
        self.forget_project(project);
        Some(())
    }

    /// Something happened in a project, which GitLab notes once an hour.
    pub(super) fn touch_project(&mut self, project: i64) {
        let now = self.now();
        if let Some(project) = self.project_mut(project)
            && now.duration_since(project.last_activity_at) > jiff::SignedDuration::from_hours(1)
        {
            project.last_activity_at = now;
        }
    }

    fn relocate(&mut self, project: i64, namespace: Namespace, path: &str) -> Option<()> {
        let old = self.project(project)?.full_path.clone();
        let event = if self.project(project)?.namespace == namespace { "project_rename" } else { "project_transfer" };
        self.move_project(project, namespace, path)?;
        self.emit_project(project, event, &json!({ "old_path_with_namespace": old }));
        Some(())
    }
}
