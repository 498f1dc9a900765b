"""A merge request from its first push to its merge, as tools drive it."""

import gitlab.exceptions as errors

from given import admin, client, done, facts, ids, place, project, refused, same

client.auth()
admin.auth()
people = [user for user in facts["users"] if not user["bot"] and user["username"] not in ("root", "ghost")]
ada, bo = people[:2]
label = project.labels.create({"name": "from outside", "color": "#336699", "description": "Made by a tool"})

# A branch, and a merge request of it.
project.branches.create({"branch": "add-login", "ref": place["default_branch"]})
made = project.mergerequests.create(
    {
        "source_branch": "add-login",
        "target_branch": place["default_branch"],
        "title": "Draft: Add login",
        "description": "As wished",
        "labels": ["from outside"],
        "assignee_ids": [client.user.id],
        "reviewer_ids": [ada["id"]],
    }
)
assert made.iid == max(one["iid"] for one in place["merge_requests"]) + 1
assert (made.state, made.draft, made.author["id"]) == ("opened", True, client.user.id)
same(made.labels, ["from outside"])
same(ids(made.reviewers), [ada["id"]])
with refused(errors.GitlabCreateError, 409, ["Another open merge request already exists for this source branch: !%d" % made.iid]):
    project.mergerequests.create(
        {"source_branch": "add-login", "target_branch": place["default_branch"], "title": "Once more"}
    )

# Changed by saving.
made.title = "Add login"
made.labels = []
made.reviewer_ids = [ada["id"], bo["id"], admin.user.id]
made.save()
found = project.mergerequests.get(made.iid)
assert (found.title, found.draft, found.labels) == ("Add login", False, [])
same(sorted(ids(found.reviewers)), sorted([ada["id"], bo["id"], admin.user.id]))
same([(event.action, event.label["name"]) for event in found.resourcelabelevents.list(get_all=True)], [("add", "from outside"), ("remove", "from outside")])
same([user.user["id"] for user in found.reviewer_details.list(get_all=True)], ids(found.reviewers))

# Comments come, change and go.
note = found.notes.create({"body": "A first look"})
note.body = "A second look"
note.save()
assert found.notes.get(note.id).body == "A second look"
note.delete()
with refused(errors.GitlabGetError, 404, "404 Not found"):
    found.notes.get(note.id)

# A thread, an answer, and its end.
theirs = admin.projects.get(place["id"], lazy=True).mergerequests.get(made.iid)
thread = theirs.discussions.create({"body": "Why not reuse the session?"})
answer = found.discussions.get(thread.id).notes.create({"body": "It would outlive the tab"})
assert found.blocking_discussions_resolved
thread = found.discussions.get(thread.id)
same([note["body"] for note in thread.attributes["notes"]], ["Why not reuse the session?", "It would outlive the tab"])
assert thread.attributes["notes"][1]["id"] == answer.id and not thread.attributes["notes"][0]["resolved"]
assert not project.mergerequests.get(made.iid).blocking_discussions_resolved
thread.resolved = True
thread.save()
thread = found.discussions.get(thread.id)
assert all(note["resolved"] and note["resolved_by"]["id"] == client.user.id for note in thread.attributes["notes"])
assert project.mergerequests.get(made.iid).blocking_discussions_resolved

# A thumb.
award = found.awardemojis.create({"name": "thumbsup"})
assert project.mergerequests.get(made.iid).upvotes == 1
same(ids(found.awardemojis.list(get_all=True)), [award.id])
found.awardemojis.delete(award.id)
assert project.mergerequests.get(made.iid).upvotes == 0

# Approved, withdrawn, approved again.
theirs.approve()
same([given["user"]["id"] for given in found.approvals.get().approved_by], [admin.user.id])
with refused(errors.GitlabAuthenticationError, 401, "401 Unauthorized"):
    theirs.approve()
theirs.unapprove()
same(found.approvals.get().approved_by, [])
theirs.approve()
actions = [note.body for note in found.notes.list(get_all=True, sort="asc") if note.system]
assert actions[-3:] == ["approved this merge request", "unapproved this merge request", "approved this merge request"], actions

# Closed, reopened, merged.
found.state_event = "close"
found.save()
assert project.mergerequests.get(made.iid).state == "closed"
found.state_event = "reopen"
found.save()
merged = project.mergerequests.get(made.iid)
merged.merge(should_remove_source_branch=True)
merged = project.mergerequests.get(made.iid)
assert (merged.state, merged.merge_user["id"]) == ("merged", client.user.id) and merged.merge_commit_sha
same([event.state for event in merged.resourcestateevents.list(get_all=True)], ["closed", "reopened", "merged"])
with refused(errors.GitlabMRClosedError, 405, "405 Method Not Allowed"):
    merged.merge()
with refused(errors.GitlabGetError, 404, "404 Branch Not Found"):
    project.branches.get("add-login")
assert project.commits.get(merged.merge_commit_sha).id == merged.merge_commit_sha
same([one["iid"] for one in project.commits.get(merged.merge_commit_sha).merge_requests()], [made.iid])
label.delete()

done()
