"""Refusals by class and word, rate limits, servers that fail for a while."""

from datetime import date, timedelta

import gitlab
import gitlab.exceptions as errors
import requests

from given import admin, client, done, place, project, refused, same, token, url

with refused(errors.GitlabAuthenticationError, 401, "401 Unauthorized"):
    gitlab.Gitlab(url, private_token="glpat-garbage").auth()
with refused(errors.GitlabGetError, 404, "404 Project Not Found"):
    client.projects.get("acme/nothing")
with refused(errors.GitlabGetError, 404, "404 Group Not Found"):
    client.groups.get("nothing")
with refused(errors.GitlabHttpError, 404, "404 Not Found"):
    client.http_get("/nothing")
with refused(errors.GitlabHttpError, 400, "url is missing"):
    client.http_post(f"/projects/{place['id']}/hooks", post_data={"token": "secret"})
with refused(errors.GitlabListError, 400, "sort does not have a valid value"):
    project.mergerequests.list(sort="sideways", get_all=True)
with refused(errors.GitlabListError, 400, "updated_after is invalid"):
    project.mergerequests.list(updated_after="yesterday", get_all=True)
made = project.labels.create({"name": "twice", "color": "#123456"})
with refused(errors.GitlabCreateError, 409, "Label already exists"):
    project.labels.create({"name": "twice", "color": "#123456"})
made.delete()

soon = (date.today() + timedelta(days=30)).isoformat()
reader = admin.groups.get("acme").access_tokens.create(
    {"name": "reader", "scopes": ["read_api"], "access_level": 20, "expires_at": soon}
)
narrow = gitlab.Gitlab(url, private_token=reader.token)
with refused(errors.GitlabCreateError, 403, "insufficient_scope"):
    narrow.projects.get(place["id"], lazy=True).labels.create({"name": "never", "color": "#123456"})
with refused(errors.GitlabListError, 403, "403 Forbidden"):
    narrow.groups.get("acme", lazy=True).hooks.list(get_all=True)
with refused(errors.GitlabAuthenticationError, 401, "401 Unauthorized"):
    narrow.groups.get("acme", lazy=True).access_tokens.list(get_all=True)


def fault(**wanted):
    """Something goes wrong from now on."""
    assert requests.post(f"{url}/-/simulator/faults", json=wanted).status_code == 201


def asked(path):
    """How often something was asked for."""
    log = requests.get(f"{url}/-/simulator/requests").json()
    return sum(path in request["path"] for request in log)


# Told to come later, it comes later, as often as it takes.
fault(pattern="GET /projects/:id/labels", kind="retry_later", seconds=0, times=2)
before = asked("/labels")
same([label.name for label in project.labels.list(get_all=False, search="nothing of the kind")], [])
assert asked("/labels") == before + 3
# One that is told not to wait hears of it, as does one whose patience ends.
fault(pattern="GET /projects/:id/labels", kind="too_many_requests", times=1)
message = {"error": "This endpoint has been requested too many times. Try again later."}
with refused(errors.GitlabHttpError, 429, message):
    client.http_get(f"/projects/{place['id']}/labels", obey_rate_limit=False)

# A server that fails for a while is asked again only by those who want that.
fault(pattern="GET /projects/:id", kind="status", status=502, times=1)
patient = gitlab.Gitlab(url, private_token=token, retry_transient_errors=True)
assert patient.projects.get(place["id"]).id == place["id"]
fault(pattern="GET /projects/:id", kind="status", status=502, times=1)
try:
    client.projects.get(place["id"])
    raise AssertionError("a bad gateway was taken for an answer")
except errors.GitlabGetError as refusal:
    assert refusal.response_code == 502
# A page from a proxy is no answer.
fault(pattern="GET /projects/:id", kind="html", status=200, times=1)
try:
    client.projects.get(place["id"])
    raise AssertionError("a page was taken for a project")
except errors.GitlabParsingError:
    pass
# A body that ends early is noticed, and asked for again.
fault(pattern="GET /projects/:id", kind="cut_body", times=1)
try:
    client.projects.get(place["id"])
    raise AssertionError("half a project was taken for a whole one")
except requests.exceptions.ChunkedEncodingError:
    pass

done()
