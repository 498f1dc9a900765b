//! Commits.

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::value::{Object, Person, Value};
use crate::world::{Commit, Project};

use super::kit::{html, paragraph};
use super::pipeline;

/// Resolves a field of a commit.
pub(crate) type OnCommit = for<'w> fn(&Context<'w>, &'w Commit, &'w Project, &Arguments) -> Value<'w>;

pub(crate) fn field(name: &str) -> Option<OnCommit> {
    Some(match name {
        "id" => |_, commit, _, _| Value::Text(format!("gid://gitlab/Commit/{}", commit.sha)),
        "sha" => |_, commit, _, _| Value::Sha(commit.sha),
        "shortId" => |_, commit, _, _| Value::Text(commit.sha.short()),
        "title" | "fullTitle" | "name" => |_, commit, _, _| Value::Str(&commit.title),
        "titleHtml" | "fullTitleHtml" => |_, commit, _, _| Value::Text(html(&commit.title)),
        "message" => |_, commit, _, _| Value::Str(&commit.message),
        "description" => |_, commit, _, _| Value::Str(description(commit)),
        "descriptionHtml" => |_, commit, _, _| Value::Text(paragraph(description(commit))),
        "authorName" | "committerName" => |_, commit, _, _| Value::Str(&commit.author_name),
        "authorEmail" | "committerEmail" => |_, commit, _, _| Value::Str(&commit.author_email),
        "authoredDate" => |_, commit, _, _| Value::Time(commit.authored_at),
        "committedDate" => |_, commit, _, _| Value::Time(commit.committed_at),
        // A commit knows its author by e-mail only.
        "author" => |ctx, commit, _, _| {
            let user = ctx.user_by_email(&commit.author_email);
            Value::object(user.map(|user| Object::User(Person { user, of: None })))
        },
        "parentSha" => |_, commit, _, _| commit.parents.first().map_or(Value::Null, |sha| Value::Sha(*sha)),
        "webUrl" => |ctx, commit, of, _| {
            Value::Text(format!("{}/{}/-/commit/{}", ctx.world.settings.url, of.full_path, commit.sha))
        },
        "webPath" => |_, commit, of, _| Value::Text(format!("/{}/-/commit/{}", of.full_path, commit.sha)),
        "pipelines" => |ctx, commit, of, arguments| {
            if !ctx.rights(of).builds {
                return Value::Null;
            }
            let own = ctx.world.pipelines_of(of.id).filter(|pipeline| pipeline.sha == commit.sha);
            pipeline::page_of(ctx, own, arguments)
        },
        "tags" => |_, commit, of, _| {
            let tags = of.tags.iter().filter(|tag| tag.sha == commit.sha);
            Value::List(tags.map(|tag| Value::Str(&tag.name)).collect())
        },
        // The World keeps no contents of files, and signs nothing.
        "diffs" => |_, _, _, _| Value::List(Vec::new()),
        "authorGravatar" | "signature" | "signatureHtml" => |_, _, _, _| Value::Null,
        _ => return None,
    })
}

fn description(commit: &Commit) -> &str {
    let rest = commit.message.split_once('\n').map_or("", |(_, rest)| rest);
    rest.trim_start_matches('\n')
}
