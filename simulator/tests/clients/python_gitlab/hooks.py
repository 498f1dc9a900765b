"""Webhooks of projects, groups and the instance: made, changed, tested, resent, deleted."""

import gitlab.exceptions as errors

from given import acme, admin, client, done, facts, ids, place, project, refused, same
from receiver import Receiver

receiver = Receiver()

hook = project.hooks.create({"url": receiver.url, "merge_requests_events": True, "token": "secret"})
assert (hook.url, hook.project_id, hook.push_events, hook.merge_requests_events) == (receiver.url, place["id"], True, True)
assert hook.enable_ssl_verification and hook.token_present and hook.alert_status == "executable", hook.attributes
assert "token" not in hook.attributes, "a secret is never shown again"
same(ids(project.hooks.list(get_all=True)), [hook.id])

# Saving sends only what was changed; the URL is not, so the secret stays.
hook.push_events = False
hook.note_events = True
hook.save()
again = project.hooks.get(hook.id)
assert (again.push_events, again.note_events, again.token_present) == (False, True, True), again.attributes

# A test says what the receiver did.
hook.test("merge_requests_events")
headers, body = receiver.next()
assert (headers["X-Gitlab-Event"], headers["X-Gitlab-Token"]) == ("Merge Request Hook", "secret")
assert body["object_kind"] == "merge_request" and body["project"]["id"] == place["id"], body
assert body["object_attributes"]["iid"] in [one["iid"] for one in place["merge_requests"]]
receiver.status = 500
try:
    hook.test("merge_requests_events")
    raise AssertionError("a test that the receiver failed is not well")
except errors.GitlabHookTestError as refusal:
    assert refusal.response_code == 422, refusal
with refused(errors.GitlabHookTestError, 400, "trigger does not have a valid value"):
    hook.test("nothing_events")

# The log, newest first, and a second delivery of what is in it.
receiver.status = 204
path = f"/projects/{place['id']}/hooks/{hook.id}/events"
failed, delivered = client.http_list(path, get_all=True)
assert (failed["response_status"], delivered["response_status"]) == ("500", "200")
assert delivered["trigger"] == "merge_request_hooks" and delivered["request_data"] == body
assert delivered["request_headers"]["X-Gitlab-Token"] == "[REDACTED]", delivered["request_headers"]
first, _ = receiver.next()
assert client.http_post(f"{path}/{failed['id']}/resend")["response_status"] == 204
second, _ = receiver.next()
assert first["Idempotency-Key"] == second["Idempotency-Key"], "the receiver can tell that it is the same"

# What happens is delivered without being asked for.
note = project.mergerequests.get(place["merge_requests"][0]["iid"]).notes.create({"body": "Please have a look"})
headers, body = receiver.next()
assert (headers["X-Gitlab-Event"], body["object_attributes"]["id"]) == ("Note Hook", note.id)
assert body["merge_request"]["id"] == place["merge_requests"][0]["id"]

hook.delete()
with refused(errors.GitlabGetError, 404, "404 Not found"):
    project.hooks.get(hook.id)
with refused(errors.GitlabCreateError, 422, "Invalid url given"):
    project.hooks.create({"url": "ftp://receiver.example.com"})

# Of a group.
group_hook = acme.hooks.create({"url": receiver.url, "subgroup_events": True, "member_events": True})
assert (group_hook.group_id, group_hook.subgroup_events, group_hook.project_events) == (acme.id, True, False)
group_hook.test("push_events")
_, body = receiver.next()
assert body["object_kind"] == "push" and body["project_id"] in ids(facts["projects"]), body
group_hook.member_events = False
group_hook.save()
same([found.member_events for found in acme.hooks.list(get_all=True)], [False])
group_hook.delete()
same(acme.hooks.list(get_all=True), [])

# Of the instance.
system_hook = admin.hooks.create({"url": receiver.url, "push_events": True})
same(ids(admin.hooks.list(get_all=True)), [system_hook.id])
admin.hooks.delete(system_hook.id)
with refused(errors.GitlabListError, 403, "403 Forbidden"):
    client.hooks.list(get_all=True)

done()
