"""Lists: all at once, by iterator, by keyset, with and without totals."""

import gitlab
import gitlab.exceptions as errors

from given import acme, client, done, facts, groups, ids, merge_requests, place, project, refused, same, url, token

# All at once, in several pages.
everything = project.mergerequests.list(get_all=True, per_page=7, order_by="created_at", sort="asc")
same(ids(everything), ids(sorted(merge_requests, key=lambda one: (one["created_at"], one["id"]))))
by_update = project.mergerequests.list(get_all=True, per_page=7, order_by="updated_at", sort="asc")
same(ids(by_update), ids(sorted(merge_requests, key=lambda one: (one["updated_at"], one["id"]))))
same([one.updated_at for one in by_update], sorted(one["updated_at"] for one in merge_requests))

# One page alone.
assert len(project.mergerequests.list(get_all=False)) == 20
page = project.mergerequests.list(page=3, per_page=7, order_by="updated_at", sort="asc")
same(ids(page), ids(by_update)[14:21])

# By iterator, which tells totals before the second page is read.
pages = project.mergerequests.list(iterator=True, per_page=7)
assert (pages.current_page, pages.prev_page, pages.next_page) == (1, None, 2)
assert (pages.per_page, pages.total, pages.total_pages) == (7, len(merge_requests), -(-len(merge_requests) // 7))
same(sorted(ids(pages)), sorted(ids(merge_requests)))

# Filters.
merged = project.mergerequests.list(state="merged", get_all=True)
same(sorted(ids(merged)), sorted(ids(one for one in merge_requests if one["state"] == "merged")))
some = project.mergerequests.list(iids=[3, 5, 8], get_all=True)
same(sorted(one.iid for one in some), [3, 5, 8])
middle = by_update[15].updated_at
late = project.mergerequests.list(updated_after=middle, get_all=True)
same(sorted(ids(late)), sorted(ids(by_update[15:])))
author = merge_requests[0]["author"]
same(
    sorted(ids(project.mergerequests.list(author_id=author, get_all=True))),
    sorted(ids(one for one in merge_requests if one["author"] == author)),
)

# Groups and projects, by offset and by keyset.
same(sorted(group.full_path for group in client.groups.list(get_all=True)), sorted(groups))
tops = client.groups.list(top_level_only=True, get_all=True)
same([group.full_path for group in tops], ["acme"])
below = [group for group in groups.values() if group["path"].startswith("acme/")]
same(sorted(ids(acme.descendant_groups.list(get_all=True))), sorted(ids(below)))
direct = [group for group in below if group["parent"] == groups["acme"]["id"]]
same(sorted(ids(acme.subgroups.list(get_all=True))), sorted(ids(direct)))
projects = sorted(ids(facts["projects"]))
same(sorted(ids(acme.projects.list(include_subgroups=True, get_all=True))), projects)
same(sorted(ids(acme.projects.list(get_all=True))), sorted(groups["acme"]["projects"]))
keyset = client.projects.list(pagination="keyset", order_by="id", sort="asc", per_page=3, iterator=True)
assert keyset.next_page is None and keyset.total is None, "keyset pages have no numbers"
same(ids(keyset), projects)
default = gitlab.Gitlab(url, private_token=token, pagination="keyset", order_by="id", per_page=2)
same(ids(default.projects.list(get_all=True)), projects[::-1])
same([one["id"] for one in client.http_list("/projects", pagination="keyset", order_by="id", get_all=True)], projects[::-1])
everywhere = acme.mergerequests.list(get_all=True, per_page=50)
same(sorted(ids(everywhere)), sorted(ids(one for found in facts["projects"] for one in found["merge_requests"])))

# What did not change since is not sent again.
path = f"/projects/{place['id']}/merge_requests"
first = client.http_request("get", path)
with refused(errors.GitlabHttpError, 304, ""):
    client.http_request("get", path, extra_headers={"If-None-Match": first.headers["ETag"]})

# Lazy objects cost no request of their own.
lazy = client.projects.get(place["path"], lazy=True)
assert lazy.mergerequests.get(3).id == ids([one for one in merge_requests if one["iid"] == 3])[0]
labels = client.groups.get("acme", lazy=True).labels.list(get_all=True)
same([(label.name, label.id) for label in labels], sorted((label["title"], label["id"]) for label in groups["acme"]["labels"]))

# Every field of a list arrives as the World has it.
for found in project.mergerequests.list(get_all=True, per_page=100):
    one = next(one for one in merge_requests if one["id"] == found.id)
    assert (found.iid, found.title, found.state, found.draft) == (one["iid"], one["title"], one["state"], one["draft"])
    assert (found.created_at, found.updated_at, found.merged_at) == (one["created_at"], one["updated_at"], one["merged_at"])
    assert (found.author or {}).get("id") == one["author"] and (found.merge_user or {}).get("id") == one["merge_user"]
    same(sorted(found.labels), sorted(one["labels"]))
    same([user["id"] for user in found.reviewers], [reviewer["user"] for reviewer in one["reviewers"]])
    assert found.user_notes_count == sum(not note["system"] for note in one["notes"])

done()
