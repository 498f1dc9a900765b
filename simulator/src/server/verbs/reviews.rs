//! What happens to merge requests and their notes.

use serde_json::{Value, json};

use super::sent::{Sent, nothing};
use super::verb::{Done, Verb, verb};
use crate::world::World;

const MERGE_REQUEST: &str = "project, iid, user";

pub(super) static VERBS: &[Verb] = &[
    verb("live", "", "lets one believable thing happen", live),
    verb("open", "project, user, title", "opens a merge request", open),
    verb("comment", "project, iid, user, body", "writes a comment", |world, sent| note(sent, world, World::comment)),
    verb("diff-comment", "project, iid, user, body", "writes a comment on a line", |world, sent| {
        note(sent, world, World::diff_comment)
    }),
    verb("internal-comment", "project, iid, user, body", "writes a comment for members only", |world, sent| {
        note(sent, world, World::internal_comment)
    }),
    verb("reply", "note, user, body", "answers in the thread of a note", |world, sent| {
        let id = world.reply(sent.number("note")?, sent.actor(), words(sent)).ok_or_else(nothing)?;
        Ok(json!({ "note": id }))
    }),
    verb("resolve", "note, user", "resolves the thread of a note", |world, sent| {
        world.resolve(sent.number("note")?, sent.actor()).ok_or_else(nothing)?;
        Ok(json!({}))
    }),
    verb("unresolve", "note", "opens the thread of a note again", |world, sent| {
        world.unresolve(sent.number("note")?).ok_or_else(nothing)?;
        Ok(json!({}))
    }),
    verb("push-under", "note, user", "pushes a commit that changes the lines of a thread", |world, sent| {
        world.push_under(sent.number("note")?, sent.actor()).ok_or_else(nothing)?;
        Ok(json!({}))
    }),
    verb("delete-note", "note", "deletes a note, silently", |world, sent| {
        let note = world.delete_note(sent.number("note")?).ok_or_else(nothing)?;
        Ok(json!({ "note": note.id }))
    }),
    verb("approve", MERGE_REQUEST, "approves", |world, sent| on(sent, world, World::approve)),
    verb("unapprove", MERGE_REQUEST, "withdraws an approval", |world, sent| on(sent, world, World::unapprove)),
    verb("request-changes", MERGE_REQUEST, "asks for changes", |world, sent| on(sent, world, World::request_changes)),
    verb("review", MERGE_REQUEST, "submits a review without a verdict", |world, sent| on(sent, world, World::review)),
    verb("request-review", "project, iid, user, reviewer", "asks someone to review", |world, sent| {
        let reviewer = sent.text("reviewer")?;
        on(sent, world, |world, id, user| world.request_review(id, user, reviewer))
    }),
    verb("merge", MERGE_REQUEST, "merges", |world, sent| on(sent, world, World::merge)),
    verb("auto-merge", MERGE_REQUEST, "leaves the merge to GitLab", |world, sent| on(sent, world, World::auto_merge)),
    verb("conflict", "project, iid", "changes the same lines on the target branch, until a push", |world, sent| {
        on(sent, world, |world, id, _| world.conflict(id))
    }),
    verb("close", MERGE_REQUEST, "closes", |world, sent| on(sent, world, World::close)),
    verb("reopen", MERGE_REQUEST, "opens again", |world, sent| on(sent, world, World::reopen)),
    verb("ready", MERGE_REQUEST, "marks as ready", |world, sent| on(sent, world, World::mark_ready)),
    verb("draft", MERGE_REQUEST, "marks as draft", |world, sent| on(sent, world, World::mark_draft)),
    verb("retitle", "project, iid, user, title", "changes the title", |world, sent| {
        on(sent, world, |world, id, user| world.retitle(id, user, words(sent)))
    }),
    verb("label", "project, iid, user, label", "adds a label", |world, sent| {
        let label = sent.text("label")?;
        on(sent, world, |world, id, user| world.add_label(id, user, label))
    }),
    verb("unlabel", "project, iid, user, label", "takes a label away", |world, sent| {
        let label = sent.text("label")?;
        on(sent, world, |world, id, user| world.remove_label(id, user, label))
    }),
    verb("push", MERGE_REQUEST, "pushes a commit", |world, sent| {
        on(sent, world, |world, id, user| world.push_commits(id, user, 1))
    }),
    verb("delete", "project, iid", "deletes a merge request, silently", |world, sent| {
        on(sent, world, |world, id, _| world.delete_merge_request(id).map(drop))
    }),
];

fn words<'s>(sent: &'s Sent<'_>) -> &'s str {
    sent.optional("body").or_else(|| sent.optional("title")).unwrap_or("Changed from outside")
}

fn live(world: &mut World, _: &Sent<'_>) -> Done {
    let happened = world.live(&mut fastrand::Rng::new()).ok_or_else(nothing)?;
    Ok(json!({ "project": happened.project, "iid": happened.iid, "user": happened.user, "what": happened.what }))
}

fn open(world: &mut World, sent: &Sent<'_>) -> Done {
    let project = sent.project(world)?;
    let id = world.open_merge_request(project, sent.actor(), words(sent)).ok_or_else(nothing)?;
    Ok(json!({ "merge_request": id, "iid": world.merge_request(id).map(|found| found.iid) }))
}

fn on(sent: &Sent<'_>, world: &mut World, act: impl FnOnce(&mut World, i64, &str) -> Option<()>) -> Done {
    let id = sent.merge_request(world)?;
    act(world, id, sent.actor()).ok_or_else(nothing)?;
    Ok(json!({ "merge_request": id }))
}

fn note(
    sent: &Sent<'_>,
    world: &mut World,
    write: impl FnOnce(&mut World, i64, &str, &str) -> Option<i64>,
) -> Result<Value, String> {
    let id = sent.merge_request(world)?;
    let note = write(world, id, sent.actor(), words(sent)).ok_or_else(nothing)?;
    Ok(json!({ "merge_request": id, "note": note }))
}
