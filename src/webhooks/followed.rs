//! The projects of a group, for a GitLab or a token that has no group webhooks.

use super::{Desired, Failure, Place, failure::from_error};
use crate::gitlab::{Client, Target};

/// The projects of a group that the scope follows and that can carry hooks: archived ones cannot.
pub(super) async fn projects_of(client: &Client, desired: &Desired, group: &Place) -> Result<Vec<Place>, Failure> {
    let Target::Group(id) = group.target else {
        return Ok(Vec::new());
    };
    let excluded = desired.scope.excluded();
    let mut pages = client.group_projects(&id.to_string(), desired.scope.include_subgroups);
    let mut places = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| from_error(group, &error))?;
        let followed = page.iter().filter(|project| project.archived != Some(true)).map(Place::from);
        places.extend(followed.filter(|place| !excluded.is_match(&place.path)));
    }
    Ok(places)
}
