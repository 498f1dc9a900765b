//! Moving and forgetting groups, with all that lies below them.

use crate::world::{Namespace, World};

impl World {
    /// Gives a group another path or place. Projects below move along, and their old paths lead to them.
    pub(in crate::world) fn move_group(&mut self, id: i64, parent: Option<i64>, path: &str) -> Option<()> {
        let into_itself = parent.is_some_and(|parent| parent == id || self.descendant_groups(id).contains(&parent));
        if into_itself {
            return None;
        }
        let group = self.groups.get_mut(&id)?;
        path.clone_into(&mut group.path);
        let before = std::mem::replace(&mut group.parent, parent);
        if let Some(siblings) = before.and_then(|before| self.subgroups.get_mut(&before)) {
            siblings.retain(|sibling| *sibling != id);
        }
        if let Some(parent) = parent {
            self.subgroups.entry(parent).or_default().push(id);
        }
        self.rename_below(id)
    }

    fn rename_below(&mut self, id: i64) -> Option<()> {
        let above = self.group(self.group(id)?.parent.unwrap_or_default());
        let above = above.map(|above| (above.full_path.clone(), above.full_name.clone()));
        let group = self.groups.get_mut(&id)?;
        let old = group.full_path.to_lowercase();
        (group.full_path, group.full_name) = match above {
            Some((path, name)) => (format!("{path}/{}", group.path), format!("{name} / {}", group.name)),
            None => (group.path.clone(), group.name.clone()),
        };
        let new = group.full_path.to_lowercase();
        self.groups_by_path.remove(&old);
        self.groups_by_path.insert(new, id);
        for project in self.projects_of_group(id).to_vec() {
            let path = self.project(project)?.path.clone();
            self.move_project(project, Namespace::Group(id), &path)?;
        }
        for child in self.subgroups(id).to_vec() {
            self.rename_below(child)?;
        }
        Some(())
    }

    /// Removes an empty group.
    pub(in crate::world) fn forget_group(&mut self, id: i64) {
        let Some(group) = self.groups.remove(&id) else {
            return;
        };
        self.groups_by_path.remove(&group.full_path.to_lowercase());
        self.subgroups.remove(&id);
        for siblings in self.subgroups.values_mut() {
            siblings.retain(|sibling| *sibling != id);
        }
    }
}
