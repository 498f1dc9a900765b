"""What every script is given: where the simulator is, two tokens, and what there is in its World.

Usage: SCRIPT URL TOKEN ADMIN_TOKEN < FACTS
"""

import json
import sys
from contextlib import contextmanager

import gitlab

url, token, admin_token = sys.argv[1:4]
facts = json.load(sys.stdin)
client = gitlab.Gitlab(url, private_token=token)
admin = gitlab.Gitlab(url, private_token=admin_token)

groups = {group["path"]: group for group in facts["groups"]}
users = {user["id"]: user for user in facts["users"]}
# The project that the scripts look at most.
place = facts["projects"][0]
merge_requests = place["merge_requests"]
acme = client.groups.get("acme")
project = client.projects.get(place["path"])


def same(found, expected):
    """Both are the same, else both are shown."""
    found, expected = list(found), list(expected)
    assert found == expected, f"\nfound    {found}\nexpected {expected}"


def ids(items):
    """Ids in order, of what a client lists or of facts."""
    return [item["id"] if isinstance(item, dict) else item.id for item in items]


def first(items, wanted):
    """The first one that is wanted; a World without one would prove nothing."""
    return next(item for item in items if wanted(item))


@contextmanager
def refused(error, code, message):
    """What is done here is refused by GitLab, in these words."""
    try:
        yield
    except error as refusal:
        assert type(refusal) is error, repr(refusal)
        assert refusal.response_code == code, refusal.response_code
        assert refusal.error_message == message, repr(refusal.error_message)
        return
    raise AssertionError(f"not refused with {code} {message}")


def done():
    """The last word of a script that went through."""
    print(sys.argv[0].rsplit("/", 1)[-1], "is done")
