//! Changing and removing labels, which touches no merge request that has them.

use crate::world::{Label, World};

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

    /// Removes a label, from merge requests too. Events that tell of it stay, without it.
    pub fn delete_label(&mut self, id: i64) -> Option<()> {
        self.forget_label(id)?;
        for merge_request in self.held() {
            self.edit_merge_request(merge_request, |found| found.labels.retain(|label| *label != id));
        }
        Some(())
    }
}
