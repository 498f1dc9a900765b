//! Arguments that GitLab refuses together.

use jiff::{SignedDuration, Timestamp};

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;

/// Arguments of which one alone may be given (`validates mutually_exclusive` in GitLab's resolver).
const EXCLUSIVE: [&[&str]; 3] = [
    &["assigneeUsernames", "assigneeUsername", "assigneeWildcardId"],
    &["reviewerUsername", "reviewerWildcardId"],
    &["milestoneTitle", "milestoneWildcardId"],
];

/// How old a merge request may be that is looked for by what it changes.
const OLDEST_CHANGE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// GitLab's words where arguments make no sense together.
pub(super) fn of(ctx: &Context<'_>, arguments: &Arguments) -> Option<String> {
    for names in EXCLUSIVE {
        if names.iter().filter(|name| arguments.get(name).is_some()).count() > 1 {
            return Some(format!("Only one of [{}] arguments is allowed at the same time.", names.join(", ")));
        }
    }
    arguments.text("blobPath")?;
    let missing = ["targetBranches", "state", "createdAfter"].into_iter().find(|name| arguments.get(name).is_none());
    if let Some(name) = missing {
        return Some(format!("{name} field must be specified to filter by blobPath"));
    }
    let oldest = ctx.world.now().checked_sub(OLDEST_CHANGE).unwrap_or(Timestamp::MIN);
    let too_old = ctx.time(arguments.text("createdAfter")).is_some_and(|after| after <= oldest);
    too_old.then(|| "createdAfter must be within the last 30 days to filter by blobPath".to_owned())
}
