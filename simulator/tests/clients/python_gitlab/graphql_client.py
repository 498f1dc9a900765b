"""GraphQL: the schema is fetched and every query is held against it before it is sent; then pages, variables, errors."""

import gitlab
from gql.transport.exceptions import TransportQueryError

from given import done, facts, first, merge_requests, place, same, token, url, users

client = gitlab.GraphQL(url, token=token, fetch_schema_from_transport=True)

ROWS = """
query($path: ID!, $after: String) {
  project(fullPath: $path) {
    mergeRequests(first: 7, after: $after, sort: CREATED_ASC) {
      count
      nodes {
        id iid title state draft createdAt updatedAt mergedAt
        author { id username }
        approvedBy { nodes { username } }
        reviewers { nodes { username mergeRequestInteraction { reviewState } } }
        labels { nodes { title } }
        commitCount
        notes { nodes { id system body } }
        diffStatsSummary { fileCount }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""

rows, after = [], None
while True:
    page = client.execute(ROWS, variable_values={"path": place["path"], "after": after})["project"]["mergeRequests"]
    assert page["count"] == len(merge_requests)
    rows += page["nodes"]
    after = page["pageInfo"]["endCursor"]
    if not page["pageInfo"]["hasNextPage"]:
        break
expected = sorted(merge_requests, key=lambda one: (one["created_at"], one["id"]))
same([row["id"] for row in rows], [f"gid://gitlab/MergeRequest/{one['id']}" for one in expected])


def named(ids):
    """The usernames of users."""
    return sorted(users[user]["username"] for user in ids)


for row, one in zip(rows, expected):
    assert (row["iid"], row["title"], row["state"], row["draft"]) == (str(one["iid"]), one["title"], one["state"], one["draft"])
    assert (row["author"] or {}).get("username") == (users[one["author"]]["username"] if one["author"] else None)
    same(sorted(user["username"] for user in row["approvedBy"]["nodes"]), named(one["approved_by"]))
    same(
        sorted((user["username"], user["mergeRequestInteraction"]["reviewState"]) for user in row["reviewers"]["nodes"]),
        sorted((users[reviewer["user"]]["username"], reviewer["state"].upper()) for reviewer in one["reviewers"]),
    )
    same(sorted(label["title"] for label in row["labels"]["nodes"]), sorted(one["labels"]))
    assert row["commitCount"] == len(one["commits"]) and row["diffStatsSummary"]["fileCount"] == len(one["files"])
    same(
        sorted(int(note["id"].rsplit("/", 1)[-1]) for note in row["notes"]["nodes"]),
        sorted(note["id"] for note in one["notes"]),
    )

# Who asks, and with what.
mine = first(facts["tokens"], lambda one: one["secret"] == token)
same(client.execute("{ currentUser { username bot } }"), {"currentUser": {"username": users[mine["user"]]["username"], "bot": True}})

# A field that does not exist is refused: by the client that knows the schema, and by GitLab.
unaware = gitlab.GraphQL(url, token=token)
try:
    unaware.execute("{ project(fullPath: \"acme\") { nothing } }")
    raise AssertionError("an unknown field was answered")
except TransportQueryError as refusal:
    same([error["message"] for error in refusal.errors], ["Field 'nothing' doesn't exist on type 'Project'"])
try:
    gitlab.GraphQL(url, token="glpat-garbage").execute("{ currentUser { username } }")
    raise AssertionError("a garbage token was accepted")
except TransportQueryError as refusal:
    same([error["message"] for error in refusal.errors], ["Invalid token"])

done()
