//! Changing and removing labels, which touches no merge request that has them.

use crate::world::{Label, Owner, World};

impl World {
    /// Changes a label.
    pub fn edit_label(&mut self, id: i64, edit: impl FnOnce(&mut Label)) -> Option<()> {
        let now = self.now();
        let mut label = self.label(id)?.clone();
        edit(&mut label);
        label.updated_at = now;
        self.insert_label(label);
        Some(())
    }

    /// A project's label becomes one of its group, in place of all that are called so in the group's projects.
    pub fn promote_label(&mut self, id: i64) -> Option<i64> {
        let Label { owner: Owner::Project(project), title, .. } = self.label(id)?.clone() else {
            return None;
        };
        let group = self.project(project)?.group()?;
        let same = |label: &&Label| {
            let in_group = |project: i64| self.project(project).is_some_and(|found| found.group() == Some(group));
            label.title == title && matches!(label.owner, Owner::Project(project) if in_group(project))
        };
        let merged: Vec<i64> = self.labels().filter(same).map(|label| label.id).filter(|other| *other != id).collect();
        self.edit_label(id, |label| label.owner = Owner::Group(group))?;
        let replace = |label: &mut i64| {
            if merged.contains(label) {
                *label = id;
            }
        };
        for merge_request in self.held() {
            self.edit_merge_request(merge_request, |found| {
                found.labels.iter_mut().for_each(replace);
                found.label_events.iter_mut().for_each(|event| replace(&mut event.subject));
            });
        }
        for issue in self.issues.values_mut() {
            issue.labels.iter_mut().for_each(replace);
            issue.label_events.iter_mut().for_each(|event| replace(&mut event.subject));
        }
        for label in &merged {
            self.forget_label(*label);
        }
        Some(id)
    }

    /// Removes a label, from merge requests and issues too. Events that tell of it stay, without it.
    pub fn delete_label(&mut self, id: i64) -> Option<()> {
        self.forget_label(id)?;
        for merge_request in self.held() {
            self.edit_merge_request(merge_request, |found| found.labels.retain(|label| *label != id));
        }
        for issue in self.issues.values_mut() {
            issue.labels.retain(|label| *label != id);
        }
        Some(())
    }
}
