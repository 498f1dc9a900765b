"""Access tokens: listed, made, used, rotated, taken back."""

from datetime import date, timedelta

import gitlab
import gitlab.exceptions as errors

from given import admin, admin_token, client, done, facts, first, groups, ids, place, refused, same, url

soon = (date.today() + timedelta(days=30)).isoformat()


def alive(secret):
    """Whether a secret opens the door."""
    try:
        gitlab.Gitlab(url, private_token=secret).auth()
        return True
    except errors.GitlabAuthenticationError:
        return False


# Bots make none.
with refused(errors.GitlabCreateError, 400, "400 Bad request - User does not have permission to create group access token"):
    client.groups.get("acme").access_tokens.create({"name": "exporter", "scopes": ["read_api"], "expires_at": soon})
acme = admin.groups.get("acme")
project = admin.projects.get(place["id"])

# Of a group: a bot of its own, a member of the group.
made = acme.access_tokens.create({"name": "exporter", "scopes": ["read_api"], "access_level": 20, "expires_at": soon})
assert (made.name, made.scopes, made.access_level, made.expires_at) == ("exporter", ["read_api"], 20, soon)
bot = gitlab.Gitlab(url, private_token=made.token)
bot.auth()
assert bot.user.bot and bot.user.id == made.user_id and bot.user.username.startswith(f"group_{acme.id}_bot_")
assert acme.members.get(made.user_id).access_level == 20
same(sorted(ids(bot.groups.get("acme").projects.list(get_all=True))), sorted(groups["acme"]["projects"]))
assert made.id in ids(acme.access_tokens.list(get_all=True))
assert acme.access_tokens.get(made.id).active

old = made.token
made.rotate(expires_at=soon)
assert not alive(old) and alive(made.token), "a rotated secret is dead at once"
made.delete()
assert not alive(made.token)

# Of a project.
made = project.access_tokens.create({"name": "reader", "scopes": ["read_api"], "expires_at": soon})
bot = gitlab.Gitlab(url, private_token=made.token)
bot.auth()
assert bot.user.username.startswith(f"project_{place['id']}_bot_")
same(ids(bot.projects.list(membership=True, get_all=True)), [place["id"]])
made.delete()
assert not alive(made.token)

# Of a person.
root = first(facts["tokens"], lambda one: one["secret"] == admin_token)
same(ids(admin.personal_access_tokens.list(user_id=root["user"], get_all=True)), [root["id"]])
ada = first(facts["users"], lambda user: not user["bot"] and user["username"] not in ("root", "ghost"))
made = admin.users.get(ada["id"], lazy=True).personal_access_tokens.create(
    {"name": "laptop", "scopes": ["api"], "expires_at": soon}
)
own = gitlab.Gitlab(url, private_token=made.token)
own.auth()
assert own.user.username == ada["username"]
same([(token.id, token.name) for token in own.personal_access_tokens.list(get_all=True)], [(made.id, "laptop")])
current = own.personal_access_tokens.get("self")
current.rotate()
assert not alive(made.token) and alive(current.token)
own = gitlab.Gitlab(url, private_token=current.token)
own.personal_access_tokens.delete("self")
assert not alive(current.token)

done()
