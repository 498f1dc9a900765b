//! What happens to groups.

use crate::world::{HookTarget, World};

impl World {
    /// Gives a group another path in the same place.
    pub fn rename_group(&mut self, group: i64, path: &str) -> Option<()> {
        let parent = self.group(group)?.parent;
        self.move_group(group, parent, path)
    }

    /// Moves a group into another one, or to the top.
    pub fn transfer_group(&mut self, group: i64, parent: Option<i64>) -> Option<()> {
        let path = self.group(group)?.path.clone();
        self.move_group(group, parent, &path)
    }

    /// Removes a group with its subgroups, projects and webhooks.
    pub fn delete_group(&mut self, group: i64) -> Option<()> {
        self.group(group)?;
        for child in self.subgroups(group).to_vec() {
            self.delete_group(child)?;
        }
        for project in self.projects_of_group(group).to_vec() {
            self.delete_project(project)?;
        }
        let hooks = self.hooks().filter(|hook| hook.target == HookTarget::Group(group)).map(|hook| hook.id);
        for hook in hooks.collect::<Vec<_>>() {
            self.delete_hook(hook);
        }
        self.forget_group(group);
        Some(())
    }

    /// Deletes a project and makes an empty one at the same path, which has another id.
    pub fn recreate_project(&mut self, project: i64) -> Option<i64> {
        let old = self.project(project)?;
        let (namespace, path, members) = (old.namespace, old.path.clone(), old.members.clone());
        let visibility = old.visibility;
        self.delete_project(project)?;
        let id = self.create_project(namespace, &path);
        let new = self.project_mut(id)?;
        (new.members, new.visibility) = (members, visibility);
        Some(id)
    }
}
