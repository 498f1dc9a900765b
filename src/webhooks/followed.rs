//! The projects of a group, for a GitLab or a token that has no group webhooks.

use super::{Desired, Failure, Place, failure::from_error, progress::List};
use crate::gitlab::{Client, Target};

/// Reads the projects of a group that the scope follows and that can carry hooks: archived ones cannot. Goes on where `list`
/// ends, and keeps there what was read before it failed.
pub(super) async fn read_projects(
    client: &Client,
    desired: &Desired,
    group: &Place,
    list: &mut List,
) -> Result<(), Failure> {
    let Target::Group(id) = group.target else {
        return Ok(());
    };
    let excluded = desired.scope.excluded();
    while !list.whole {
        let pages = client.group_projects(&id.to_string(), desired.scope.include_subgroups);
        let page = pages.at(list.next.as_deref()).page().await.map_err(|error| from_error(group, &error))?;
        let followed = page.items.iter().filter(|project| project.archived != Some(true)).map(Place::from);
        list.places.extend(followed.filter(|place| !excluded.is_match(&place.path)));
        list.whole = page.next.is_none();
        list.next = page.next;
    }
    Ok(())
}
