//! Repositories: branches and commits. The World keeps no files.

use std::rc::Rc;

use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::order::Order;
use crate::graphql::value::{Connection, Object, Value};
use crate::world::Project;

use super::kit::{On, page};

pub(crate) fn field(name: &str) -> Option<On<Project>> {
    Some(match name {
        "empty" => |_, project, _| Value::Bool(project.empty_repo()),
        "exists" => |_, project, _| Value::Bool(!project.empty_repo()),
        "rootRef" => |_, project, _| Value::str(project.default_branch.as_deref()),
        "branchNames" => |ctx, project, arguments| {
            let pattern = arguments.text("searchPattern").unwrap_or_default();
            let (skip, take) = (arguments.size("offset"), arguments.size("limit"));
            let names = ctx.world.branches_of(project).into_iter().map(|branch| branch.name);
            let found = names.filter(|name| glob(pattern, name)).skip(skip).take(take);
            Value::List(found.map(Value::Text).collect())
        },
        "lastCommit" => |ctx, project, arguments| last_commit(ctx, project, arguments),
        "commit" => |ctx, project, arguments| at(ctx, project, arguments.text("ref").unwrap_or_default()),
        "commits" => |ctx, project, arguments| {
            let after = ctx.time(arguments.text("committedAfter"));
            let before = ctx.time(arguments.text("committedBefore"));
            let (author, query) = (arguments.text("author"), arguments.text("query"));
            let found = ctx.world.commits_of(project).filter(|commit| {
                after.is_none_or(|after| commit.committed_at >= after)
                    && before.is_none_or(|before| commit.committed_at <= before)
                    && query.is_none_or(|query| commit.message.contains(query))
                    && author.is_none_or(|author| {
                        commit.author_name.contains(author) || commit.author_email.contains(author)
                    })
            });
            let rows = found.map(|commit| Object::Commit(commit, project));
            page(rows.collect(), Order::NUMBERED, arguments)
        },
        "tree" => |ctx, project, arguments| {
            if project.empty_repo() {
                return Value::Null;
            }
            let none = || Value::Object(Object::Connection(Rc::new(Connection::empty())));
            Value::record([("blobs", none()), ("trees", none()), ("lastCommit", last_commit(ctx, project, arguments))])
        },
        "blobs" | "paginatedTree" => |_, _, arguments| page(Vec::new(), Order::NUMBERED, arguments),
        "codeOwnersPath" | "diskPath" | "validateCodeownerFile" => |_, _, _| Value::Null,
        _ => return None,
    })
}

fn last_commit<'w>(ctx: &Context<'w>, project: &'w Project, arguments: &Arguments) -> Value<'w> {
    let name = arguments.text("ref").unwrap_or("HEAD");
    at(ctx, project, name)
}

/// The commit that a name stands for.
fn at<'w>(ctx: &Context<'w>, project: &'w Project, name: &str) -> Value<'w> {
    let found = if name == "HEAD" {
        ctx.world.commits_of(project).next()
    } else {
        ctx.world.resolve_ref(project, name).and_then(|sha| ctx.world.commit_of(project, sha))
    };
    Value::object(found.map(|commit| Object::Commit(commit, project)))
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
