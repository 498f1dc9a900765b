"""Who calls, users, members."""

import gitlab
import gitlab.exceptions as errors

from given import acme, admin, client, done, facts, first, groups, ids, place, project, refused, same, token, url, users

# Who calls.
client.auth()
mine = first(facts["tokens"], lambda one: one["secret"] == token)
assert (client.user.id, client.user.bot) == (mine["user"], True)
admin.auth()
assert (admin.user.username, admin.user.is_admin) == ("root", True)
assert client.version()[0] == facts["version"]
same(ids([client.personal_access_tokens.get("self")]), [mine["id"]])
same(client.personal_access_tokens.get("self").scopes, ["api"])
bearer = gitlab.Gitlab(url, oauth_token=token)
bearer.auth()
assert bearer.user.id == mine["user"], "a token is good as a bearer too"

# Users, found and filtered.
same(sorted(ids(admin.users.list(get_all=True, per_page=7))), sorted(users))
ada = first(facts["users"], lambda user: not user["bot"] and user["username"] not in ("root", "ghost"))
same(ids(client.users.list(username=ada["username"], get_all=True)), [ada["id"]])
assert ada["id"] in ids(client.users.list(search=ada["name"], get_all=True))
found = client.users.get(ada["id"])
assert (found.username, found.name, found.state) == (ada["username"], ada["name"], ada["state"])
bots = {user["id"] for user in facts["users"] if user["bot"]}
assert not bots & set(ids(client.users.list(humans=True, get_all=True)))
keyset = client.users.list(pagination="keyset", order_by="id", sort="asc", per_page=5, iterator=True)
same(ids(keyset), sorted(set(users) & set(ids(client.users.list(get_all=True)))))
with refused(errors.GitlabGetError, 404, "404 User Not Found"):
    client.users.get(999_999)

# Members: direct, and with those of the groups above.
direct = {member["user"]: member["access_level"] for member in groups["acme"]["members"]}
same(sorted(ids(acme.members.list(get_all=True))), sorted(direct))
for member in acme.members_all.list(get_all=True):
    assert member.access_level == direct[member.id]
same(sorted(ids(project.members.list(get_all=True))), sorted(member["user"] for member in place["members"]))
assert project.members_all.get(ada["id"]).access_level == direct[ada["id"]]
if ada["id"] not in [member["user"] for member in place["members"]]:
    with refused(errors.GitlabGetError, 404, "404 Not found"):
        project.members.get(ada["id"])
assert set(direct) <= set(ids(project.users.list(get_all=True)))
same(ids(acme.members.list(query=ada["username"], get_all=True)), [ada["id"]])
same(ids(acme.members.list(user_ids=[ada["id"]], get_all=True)), [ada["id"]])

# A member comes, rises and goes.
ghost = first(facts["users"], lambda user: user["username"] == "renovate")
member = project.members.create({"user_id": ghost["id"], "access_level": gitlab.const.AccessLevel.REPORTER})
assert (member.username, member.access_level) == ("renovate", 20)
with refused(errors.GitlabCreateError, 409, "Member already exists"):
    project.members.create({"user_id": ghost["id"], "access_level": 30})
member.access_level = gitlab.const.AccessLevel.DEVELOPER
member.save()
assert project.members.get(ghost["id"]).access_level == 30
member.delete()
with refused(errors.GitlabGetError, 404, "404 Not found"):
    project.members.get(ghost["id"])

done()
