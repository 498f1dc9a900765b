//! Commits.

use crate::world::{Commit, Project};

use super::kit::Within;
use crate::graphql::value::{Object, Person, Value};

pub(crate) fn field(name: &str) -> Option<Within<Commit, Project>> {
    Some(match name {
        "id" => |_, commit, _| Value::Text(format!("gid://gitlab/Commit/{}", commit.sha)),
        "sha" => |_, commit, _| Value::Sha(commit.sha),
        "shortId" => |_, commit, _| Value::Text(commit.sha.short()),
        "title" | "fullTitle" | "name" => |_, commit, _| Value::Str(&commit.title),
        "message" => |_, commit, _| Value::Str(&commit.message),
        "description" => |_, commit, _| {
            let rest = commit.message.split_once('\n').map_or("", |(_, rest)| rest);
            Value::Str(rest.trim_start_matches('\n'))
        },
        "authorName" | "committerName" => |_, commit, _| Value::Str(&commit.author_name),
        "authorEmail" | "committerEmail" => |_, commit, _| Value::Str(&commit.author_email),
        "authoredDate" => |_, commit, _| Value::Time(commit.authored_at),
        "committedDate" => |_, commit, _| Value::Time(commit.committed_at),
        // A commit knows its author by e-mail only.
        "author" => |ctx, commit, _| {
            let user = ctx.user_by_email(&commit.author_email);
            Value::object(user.map(|user| Object::User(Person { user, of: None })))
        },
        "parentSha" => |_, commit, _| commit.parents.first().map_or(Value::Null, |sha| Value::Sha(*sha)),
        "webUrl" => |ctx, commit, of| {
            Value::Text(format!("{}/{}/-/commit/{}", ctx.world.settings.url, of.full_path, commit.sha))
        },
        "webPath" => |_, commit, of| Value::Text(format!("/{}/-/commit/{}", of.full_path, commit.sha)),
        "authorGravatar" => |_, _, _| Value::Null,
        _ => return None,
    })
}
