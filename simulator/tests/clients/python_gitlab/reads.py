"""What hangs on a merge request, one by one and all of it."""

import gitlab.exceptions as errors

from given import done, first, ids, merge_requests, project, refused, same, users

for one in merge_requests:
    found = project.mergerequests.get(one["iid"])
    notes = found.notes.list(get_all=True, order_by="created_at", sort="asc")
    same(
        [(note.id, note.body, note.system, (note.author or {}).get("id"), note.created_at) for note in notes],
        [(note["id"], note["body"], note["system"], note["author"], note["created_at"]) for note in one["notes"]],
    )
    threads = found.discussions.list(get_all=True)
    same(
        sorted((thread.id, note["id"], note["type"]) for thread in threads for note in thread.attributes["notes"]),
        sorted((note["discussion"], note["id"], note["type"]) for note in one["notes"]),
    )
    same([commit.id for commit in found.commits(get_all=True)], one["commits"])
    same(ids(found.diffs.list(get_all=True)), one["versions"][::-1])
    same(sorted(change["new_path"] for change in found.changes()["changes"]), sorted(one["files"]))
    same(
        [(user.user["id"], user.state) for user in found.reviewer_details.list(get_all=True)],
        [(reviewer["user"], reviewer["state"]) for reviewer in one["reviewers"]],
    )
    same(
        [(event.id, event.state, event.user["id"]) for event in found.resourcestateevents.list(get_all=True)],
        [(event["id"], event["state"], event["user"]) for event in one["state_events"]],
    )
    same(
        [(event.id, event.action) for event in found.resourcelabelevents.list(get_all=True)],
        [(event["id"], event["action"]) for event in one["label_events"]],
    )
    same(
        sorted((award.id, award.name, award.user["id"]) for award in found.awardemojis.list(get_all=True)),
        sorted((award["id"], award["name"], award["user"]) for award in one["awards"]),
    )
    same(
        [(event.id, event.action) for event in found.resourcemilestoneevents.list(get_all=True)],
        [(event["id"], event["action"]) for event in one["milestone_events"]],
    )
    approvals = found.approvals.get()
    same([given["user"]["id"] for given in approvals.approved_by], one["approved_by"])
    assert approvals.approvals_required == one["approvals_required"], approvals.attributes
    rules = found.approval_state.get().rules
    assert sum(rule["approvals_required"] for rule in rules) >= one["approvals_required"], rules
    people = {user["username"] for user in found.participants(get_all=True)}
    wanted = {one["author"], *one["assignees"]} - {None}
    wanted |= {note["author"] for note in one["notes"] if not note["system"] and note["author"]}
    missing = {users[user]["username"] for user in wanted if users[user]["state"] == "active"} - people
    assert not missing, (one["iid"], missing)

# One of each.
one = first(merge_requests, lambda one: any(not note["system"] for note in one["notes"]) and len(one["commits"]) > 1)
found = project.mergerequests.get(one["iid"])
note = first(one["notes"], lambda note: not note["system"])
assert found.notes.get(note["id"]).body == note["body"]
assert note["id"] in [known["id"] for known in found.discussions.get(note["discussion"]).attributes["notes"]]
with refused(errors.GitlabGetError, 404, "404 Not found"):
    found.notes.get(999_999)
with refused(errors.GitlabGetError, 404, "404 Not found"):
    project.mergerequests.get(999_999)

done()
