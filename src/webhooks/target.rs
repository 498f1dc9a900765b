//! One target: list, plan, act, and look again until there is nothing left to do.

use jiff::Timestamp;
use secrecy::SecretString;
use tracing::{debug, info};

use super::{
    Changes, Failure, Place,
    failure::from_error,
    plan::{Change, Drift, NAME, Wanted, plan},
};
use crate::{
    api::conditions::reason,
    gitlab::{Client, Error, Target, model::HookBody},
};

/// How often a target is looked at again. Two suffice: one to act, one to see what somebody else did meanwhile.
const ROUNDS: usize = 4;

/// A target whose hook is in place.
pub(super) struct InPlace {
    pub(super) hook: i64,
    /// When it was made, where it was found and left as it is.
    pub(super) made_at: Option<Timestamp>,
    pub(super) changes: Changes,
}

/// Makes one target carry exactly one hook of ours.
///
/// # Guarantees
/// Hooks of others are not touched. Whenever this is killed, the next call finds what was made by its mark. After a POST,
/// answered or not, the hooks are listed before anything else is done, so that two processes that both made one agree on the
/// one to keep, and a POST whose answer was lost is not sent again when it worked.
pub(super) async fn bring_in_place(
    client: &Client,
    place: &Place,
    mut wanted: Wanted,
    secret: &SecretString,
) -> Result<InPlace, Failure> {
    let refused = |error| from_error(place, &error);
    let mut changes = Changes::default();
    let (mut lost, mut tested) = (None, false);
    for _ in 0..ROUNDS {
        let existing = client.hooks(place.target).all().await.map_err(refused)?;
        let planned = plan(&wanted, &existing);
        if let [Change::Keep(hook)] = planned[..] {
            if tested {
                info!(subject = %place, hook, "had GitLab switch a webhook on again");
                changes.enabled += 1;
            }
            let made_at = existing.iter().find(|one| one.id == hook).and_then(|hook| hook.created_at);
            return Ok(InPlace { hook, made_at, changes });
        }
        let mut look_again = false;
        let mut survivor = None;
        for change in planned {
            debug!(subject = %place, ?change, "webhook");
            match change {
                Change::Keep(hook) => survivor = Some(hook),
                Change::Create => match client.create_hook(place.target, &body(&wanted, place, secret)).await {
                    Ok(hook) => {
                        info!(subject = %place, hook = hook.id, "made a webhook");
                        changes.created += 1;
                        wanted.up_to_date = Some(hook.id);
                        look_again = true;
                    }
                    Err(error) if error.is_transient() => {
                        lost = Some(error);
                        look_again = true;
                    }
                    Err(error) => return Err(refused(error)),
                },
                Change::Update(hook, drift) => {
                    match client.update_hook(place.target, hook, &body(&wanted, place, secret)).await {
                        Ok(_) => {
                            if drift != [Drift::Secret] {
                                info!(subject = %place, hook, drift = ?drift, "repaired a webhook");
                            }
                            changes.updated += 1;
                            wanted.up_to_date = Some(hook);
                            survivor = Some(hook);
                        }
                        // Somebody removed it between our listing and our change.
                        Err(error) if is_gone(&error) => look_again = true,
                        Err(error) if error.is_transient() => {
                            lost = Some(error);
                            look_again = true;
                        }
                        Err(error) => return Err(refused(error)),
                    }
                }
                // A test that was sent is no proof that it was received, so GitLab is asked whether it thinks so.
                Change::Enable(hook) if tested => return Err(stays_off(place, hook)),
                Change::Enable(hook) => {
                    enable(client, place, hook).await?;
                    (tested, look_again) = (true, true);
                }
                Change::Remove(hook) => {
                    match client.delete_hook(place.target, hook).await {
                        Ok(()) => changes.removed += 1,
                        Err(error) if is_gone(&error) => {}
                        Err(error) => return Err(refused(error)),
                    }
                    info!(subject = %place, hook, "removed a webhook of ours that was one too many");
                }
            }
        }
        match survivor {
            Some(hook) if !look_again => return Ok(InPlace { hook, made_at: None, changes }),
            _ => {}
        }
    }
    Err(match lost {
        Some(error) => refused(error),
        None => Failure {
            transient: true,
            ..Failure::new(
                place,
                reason::HOOK_REJECTED,
                format!("somebody else keeps changing the webhooks of {place}"),
            )
        },
    })
}

/// All that a hook is to be, at once: GitLab forgets the secret of a hook whose URL changes.
fn body(wanted: &Wanted, place: &Place, secret: &SecretString) -> HookBody {
    HookBody {
        url: wanted.url.to_string(),
        name: Some(NAME.to_owned()),
        description: Some(wanted.description()),
        token: Some(secret.clone()),
        signing_token: None,
        merge_requests_events: wanted.events.merge_requests,
        note_events: wanted.events.comments,
        confidential_note_events: Some(false),
        push_events: false,
        tag_push_events: Some(false),
        repository_update_events: (place.target == Target::System).then_some(false),
        enable_ssl_verification: wanted.ssl_verification,
    }
}

/// Has GitLab deliver a test; one that is received makes it switch the hook on again.
async fn enable(client: &Client, place: &Place, hook: i64) -> Result<(), Failure> {
    // GitLab makes the test of what there is: a project without merge requests may still have commits.
    for trigger in ["merge_requests_events", "note_events", "push_events"] {
        match client.test_hook(place.target, hook, trigger).await {
            Ok(()) => return Ok(()),
            Err(Error::Rejected { .. }) => {}
            Err(error) => return Err(from_error(place, &error)),
        }
    }
    Err(stays_off(place, hook))
}

fn stays_off(place: &Place, hook: i64) -> Failure {
    debug!(subject = %place, hook, "a webhook stays switched off");
    Failure::new(
        place,
        reason::HOOK_DISABLED,
        format!(
            "GitLab has switched the webhook of {place} off because deliveries failed, and a test delivery fails too: make \
             the receiver reachable from GitLab"
        ),
    )
}

pub(super) fn is_gone(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. })
}
