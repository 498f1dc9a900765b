"""The unmodified python-gitlab against the simulator: lists everything and creates a hook.

Usage: python_gitlab.py URL TOKEN
"""

import sys

import gitlab

url, token = sys.argv[1], sys.argv[2]
client = gitlab.Gitlab(url, private_token=token)
client.auth()
assert client.user.bot, "the token's user is a bot"
version, _ = client.version()
assert version == "19.1.0-ee", version

groups = client.groups.list(get_all=True)
assert [group.full_path for group in groups if group.parent_id is None] == ["acme"], groups
acme = client.groups.get("acme", with_projects=False)
assert len(acme.descendant_groups.list(get_all=True)) == 4
projects = acme.projects.list(include_subgroups=True, get_all=True)
assert len(projects) == 4, len(projects)
keyset = client.projects.list(pagination="keyset", order_by="id", per_page=3, iterator=True)
assert sorted(project.id for project in keyset) == sorted(project.id for project in projects)

project = client.projects.get(projects[0].path_with_namespace)
found = project.mergerequests.list(state="all", order_by="updated_at", sort="asc", get_all=True, per_page=20)
assert len(found) == 50, len(found)
assert [each.updated_at for each in found] == sorted(each.updated_at for each in found)
page = project.mergerequests.list(iterator=True, per_page=20)
assert (page.total, page.total_pages, page.next_page) == (50, 3, 2)

merged = project.mergerequests.list(state="merged", get_all=False)[0]
merged = project.mergerequests.get(merged.iid)
assert merged.changes_count.isdigit()
notes = merged.notes.list(get_all=True)
assert len(notes) == 5 and any(note.system for note in notes), notes
assert merged.approvals.get().approved_by, "a merged merge request was approved"
assert merged.approval_state.get().rules[0]["name"] == "Reviewers"
assert len(list(merged.commits())) == 3
assert merged.discussions.list(get_all=True)
assert project.labels.list(get_all=True)
assert acme.members_all.list(get_all=True)
assert project.commits.list(get_all=False)
assert project.pipelines.list(get_all=False)
assert project.deployments.list(get_all=False)

hook = project.hooks.create({"url": "https://receiver.example.com/webhooks/gitlab", "merge_requests_events": True, "token": "s"})
assert hook.push_events and hook.enable_ssl_verification and hook.token_present, hook.attributes
assert "token" not in hook.attributes
hook.push_events = False
hook.save()
assert [each.push_events for each in project.hooks.list(get_all=True)] == [False]
group_hook = acme.hooks.create({"url": "https://receiver.example.com/webhooks/gitlab"})
group_hook.delete()
assert acme.hooks.list(get_all=True) == []

try:
    client.projects.get("acme/nothing")
    raise AssertionError("a hidden project was shown")
except gitlab.exceptions.GitlabGetError as error:
    assert (error.response_code, error.error_message) == (404, "404 Project Not Found"), error
try:
    gitlab.Gitlab(url, private_token="glpat-garbage").auth()
    raise AssertionError("a garbage token was accepted")
except gitlab.exceptions.GitlabAuthenticationError as error:
    assert error.response_code == 401

print("python-gitlab works unchanged")
