//! Takes our hooks away.

use futures::{StreamExt, stream};
use tracing::{debug, info};

use super::{
    Desired, Memory, Place, failure::from_error, followed::read_projects, ladder::AT_ONCE, plan::is_marked,
    progress::List, target::is_gone,
};
use crate::{
    api::Mode,
    gitlab::{Client, Error, Target},
};

/// What was taken away, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Hooks that are gone now.
    pub removed: usize,
    /// Where a hook of ours may be left, and why.
    pub left: Vec<Left>,
}

/// A target that could not be cleaned up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The target, such as `group acme`.
    pub subject: String,
    /// Why: the reason that a condition would have.
    pub reason: &'static str,
    /// Why, in words.
    pub message: String,
}

/// Removes every hook that carries our mark from everything in scope and everything remembered. Never fails: what a
/// deletion cannot clean up it must not wait for.
pub async fn remove(client: &Client, desired: &Desired, memory: &Memory) -> Removed {
    let mut all = Removed::default();
    let mut places: Vec<_> = desired.groups.iter().chain(&desired.projects).cloned().collect();
    // Of projects that were given a hook nobody may know any more.
    let forgotten = matches!(desired.mode, Mode::Auto | Mode::Project) && memory.targets().next().is_none();
    for group in &desired.groups {
        // Where groups cannot carry hooks, their projects do; some of them may not have been remembered.
        if !forgotten && list(client, desired, group).await.is_ok() {
            continue;
        }
        let mut projects = List::default();
        let read = read_projects(client, desired, group, &mut projects).await;
        places.extend(projects.places);
        match read {
            Ok(()) => {}
            Err(failure) => {
                let subject = format!("projects of {}", failure.subject);
                all.left.push(Left { subject, reason: failure.reason, message: failure.message });
            }
        }
    }
    for target in memory.targets() {
        if !places.iter().any(|place| place.target == target) {
            places.push(remembered(target));
        }
    }

    // Collected first: a stream that holds the closure could not move between threads.
    let work: Vec<_> = places.iter().map(|place| clean_up(client, desired, place)).collect();
    let outcomes: Vec<_> = stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
    for outcome in outcomes {
        match outcome {
            Ok(removed) => all.removed += removed,
            Err(left) => all.left.push(left),
        }
    }
    all.left.sort_by(|one, other| one.subject.cmp(&other.subject));
    all
}

/// A target of which only the id is known.
pub(super) fn remembered(target: Target) -> Place {
    let path = match target {
        Target::Group(id) | Target::Project(id) => id.to_string(),
        Target::System => String::new(),
    };
    Place { target, path }
}

/// Removes ours from one target. A target that is gone carries nothing.
pub(super) async fn clean_up(client: &Client, desired: &Desired, place: &Place) -> Result<usize, Left> {
    match try_clean_up(client, desired, place).await {
        Ok(removed) => Ok(removed),
        Err(error) if is_gone(&error) => Ok(0),
        Err(error) => {
            debug!(subject = %place, %error, "a webhook of ours may be left");
            let failure = from_error(place, &error);
            Err(Left { subject: failure.subject, reason: failure.reason, message: failure.message })
        }
    }
}

async fn try_clean_up(client: &Client, desired: &Desired, place: &Place) -> Result<usize, Error> {
    let (client, hooks) = list(client, desired, place).await?;
    let mut removed = 0;
    for hook in hooks {
        match client.delete_hook(place.target, hook).await {
            Ok(()) => removed += 1,
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
        info!(subject = %place, hook, "removed a webhook of ours");
    }
    Ok(removed)
}

/// Our hooks of a target, and the token that may see them.
async fn list(client: &Client, desired: &Desired, place: &Place) -> Result<(Client, Vec<i64>), Error> {
    let mut refusal = None;
    for manager in &desired.managers {
        let client = client.only(manager);
        match client.hooks(place.target).all().await {
            Ok(hooks) => {
                let ours = hooks.iter().filter(|hook| is_marked(&desired.uid, hook)).map(|hook| hook.id);
                return Ok((client, ours.collect()));
            }
            // A token that is refused says more than one from which GitLab hides the target: that it is still there.
            Err(error) if is_gone(&error) => drop(refusal.get_or_insert(error)),
            Err(error) => refusal = Some(error),
        }
    }
    let nobody = || Error::Settings { message: "no token is there that may manage webhooks".into() };
    Err(refusal.unwrap_or_else(nobody))
}
