//! Backups of the World, and going back to one.

use super::World;

impl World {
    /// Keeps all that is there, under a name.
    pub fn back_up(&mut self, name: &str) {
        let backups = std::mem::take(&mut self.backups);
        let now = self.clone();
        self.backups = backups;
        self.backups.insert(name.to_owned(), now);
    }

    /// Goes back to a backup, as after a disaster: what came later is gone, and its ids are given again. The clock goes on,
    /// the address stays.
    pub fn restore(&mut self, name: &str) -> Option<()> {
        let mut earlier = self.backups.get(name)?.clone();
        earlier.clock = self.clock;
        earlier.settings.url.clone_from(&self.settings.url);
        earlier.backups = std::mem::take(&mut self.backups);
        *self = earlier;
        Some(())
    }
}
