//! Which of some projects are followed, and where they are.

use std::collections::BTreeSet;

use super::{Error, Source, Store};

impl Store {
    /// The paths of those of the projects `ids` that are stored.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn project_paths(
        &self,
        source: Source,
        ids: &[i64],
    ) -> Result<Vec<(i64, String)>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: BTreeSet<i64> = ids.iter().copied().collect();
        let known = self.known_projects(source).await?;
        Ok(known
            .into_iter()
            .filter(|project| wanted.contains(&project.id))
            .map(|project| (project.id, project.path))
            .collect())
    }
}
