//! `min_access_level` and `owned`, which lists of groups and projects share.

use super::params::{Param, one_of};
use super::{Failure, Request};
use crate::world::Role;

/// The roles that can be asked for (`Gitlab::Access.all_values`); Planner came with 17.7.
pub(super) static LEAST_ROLE: &[Param] = &[
    one_of("min_access_level", &["10", "20", "30", "40", "50"]),
    one_of("min_access_level", &["10", "15", "20", "30", "40", "50"]).since(17, 7),
];

/// The role that is asked for; none is as good as any.
pub(super) fn least_role(request: &Request) -> Result<Role, Failure> {
    if request.args.is("owned") {
        return Ok(Role::Owner);
    }
    let level = request.args.integer("min_access_level")?;
    Ok(level.and_then(Role::from_level).unwrap_or_default())
}
