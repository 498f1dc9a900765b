//! Projects and repositories.

use crate::world::{Namespace, Owner, Project, Sha};

use super::kit::{On, ids, matches, page};
use super::{ci, label, member};
use crate::graphql::arguments::Arguments;
use crate::graphql::context::Context;
use crate::graphql::filters;
use crate::graphql::order::{By, Order};
use crate::graphql::value::{Object, Source, Value};

#[expect(clippy::too_many_lines, reason = "a table of fields")]
pub(crate) fn field(name: &str) -> Option<On<Project>> {
    Some(match name {
        "id" => |_, project, _| Value::Gid("Project", project.id),
        "name" => |_, project, _| Value::Str(&project.name),
        "path" => |_, project, _| Value::Str(&project.path),
        "fullPath" => |_, project, _| Value::Str(&project.full_path),
        "nameWithNamespace" => |_, project, _| Value::Str(&project.full_name),
        "description" => |_, project, _| Value::str(project.description.as_deref()),
        "archived" | "isSelfArchived" => |_, project, _| Value::Bool(project.archived),
        "visibility" => |_, project, _| Value::Str(project.visibility.name()),
        "createdAt" => |_, project, _| Value::Time(project.created_at),
        "updatedAt" => |_, project, _| Value::Time(project.updated_at),
        "lastActivityAt" => |_, project, _| Value::Time(project.last_activity_at),
        "webUrl" => |ctx, project, _| Value::Text(ctx.world.web_url(&project.full_path)),
        "webPath" => |_, project, _| Value::Text(format!("/{}", project.full_path)),
        "editPath" => |_, project, _| Value::Text(format!("/{}/edit", project.full_path)),
        "httpUrlToRepo" => |ctx, project, _| Value::Text(ctx.world.web_url(&format!("{}.git", project.full_path))),
        "sshUrlToRepo" => |ctx, project, _| {
            let host = ctx.world.settings.url.split("://").nth(1).unwrap_or_default();
            let host = host.split(['/', ':']).next().unwrap_or_default();
            Value::Text(format!("git@{host}:{}.git", project.full_path))
        },
        "group" => |ctx, project, _| Value::object(ctx.group(project.group()).map(Object::Group)),
        "rootGroup" => |ctx, project, _| {
            let root = ctx.world.ancestry(project.group()).last().copied();
            Value::object(ctx.group(root).map(Object::Group))
        },
        "namespace" => |ctx, project, _| namespace(ctx, project),
        "topics" => |_, project, _| Value::List(project.topics.iter().map(|topic| Value::Str(topic)).collect()),
        "starCount" => |_, _, _| Value::Int(0),
        "repository" => |ctx, project, _| {
            let readable = ctx.rights(project).code;
            Value::object(readable.then_some(Object::Repository(project)))
        },
        "markedForDeletion" => |_, project, _| Value::Bool(project.marked_for_deletion_on.is_some()),
        "markedForDeletionOn" => |ctx, project, _| {
            Value::time(project.marked_for_deletion_on.and_then(|day| ctx.time(Some(&day.to_string()))))
        },
        "permanentDeletionDate" => {
            |_, project, _| project.marked_for_deletion_on.map_or(Value::Null, |day| Value::Text(day.to_string()))
        }
        "maxAccessLevel" => |ctx, project, _| member::access_level(ctx, ctx.rights(project).role),

        "mergeRequestsEnabled" => |ctx, project, _| Value::Bool(ctx.merge_requests_enabled(project)),
        "mergeRequests" => filters::of_project,
        "mergeRequest" => |ctx, project, arguments| {
            let iid = arguments.text("iid").and_then(|iid| iid.parse().ok());
            ctx.merge_request(iid.and_then(|iid| ctx.world.merge_request_by_iid(project.id, iid)))
        },
        "openMergeRequestsCount" => |ctx, project, _| {
            if !ctx.merge_requests_enabled(project) {
                return Value::Null;
            }
            Value::count(ctx.world.open_merge_requests_of(project.id).count())
        },

        "label" => |ctx, project, arguments| {
            let title = arguments.text("title").unwrap_or_default();
            let found = ctx.world.labels_of_project(project).find(|label| label.title == title);
            Value::object(found.map(Object::Label))
        },
        "labels" => |ctx, project, arguments| {
            let own = Owner::Project(project.id);
            let above = arguments.flag("includeAncestorGroups");
            let labels = ctx.world.labels_of_project(project).filter(|label| above || label.owner == own);
            label::page_of(ctx, labels, arguments)
        },
        "projectMembers" => |ctx, project, arguments| member::page_of(ctx, Source::Project(project), arguments),

        "pipelines" => |ctx, project, arguments| {
            if !ctx.rights(project).builds {
                return Value::Null;
            }
            ci::pipelines(ctx, ctx.world.pipelines_of(project.id), arguments)
        },
        "pipeline" => |ctx, project, arguments| {
            if !ctx.rights(project).builds {
                return Value::Null;
            }
            ci::pipeline(ctx.world.pipelines_of(project.id).rev(), arguments)
        },
        "jobs" => |ctx, project, arguments| {
            if !ctx.rights(project).builds {
                return Value::Null;
            }
            let pipelines = ctx.world.pipelines_of(project.id);
            let jobs = pipelines.flat_map(|pipeline| pipeline.jobs.iter().map(move |job| (job, pipeline)));
            ci::jobs(ctx, jobs, Order::descending(By::Id), arguments)
        },
        "job" => |ctx, project, arguments| {
            if !ctx.rights(project).builds {
                return Value::Null;
            }
            ci::job(ctx.world.pipelines_of(project.id), arguments)
        },
        "deployment" => |ctx, project, arguments| {
            let iid = arguments.text("iid").and_then(|iid| iid.parse::<i64>().ok());
            let mut all = ctx.world.deployments_of(project.id).filter(|_| ctx.rights(project).builds);
            Value::object(all.find(|one| Some(one.iid) == iid).map(Object::Deployment))
        },

        "jobsEnabled" => |ctx, project, _| Value::Bool(ctx.rights(project).builds),
        "publicJobs" | "requestAccessEnabled" | "removeSourceBranchAfterMerge" => |_, _, _| Value::Bool(true),
        "mergeRequestsFfOnlyEnabled"
        | "onlyAllowMergeIfAllDiscussionsAreResolved"
        | "onlyAllowMergeIfPipelineSucceeds" => |_, _, _| Value::Bool(false),
        "allowsMultipleMergeRequestAssignees" | "allowsMultipleMergeRequestReviewers" => {
            |ctx, _, _| Value::Bool(ctx.world.settings.edition.licensed())
        }
        "avatarUrl" => |_, _, _| Value::Null,
        _ => return None,
    })
}

pub(crate) fn repository_field(name: &str) -> Option<On<Project>> {
    Some(match name {
        "empty" => |_, project, _| Value::Bool(project.empty_repo()),
        "exists" => |_, project, _| Value::Bool(!project.empty_repo()),
        "rootRef" => |_, project, _| Value::str(project.default_branch.as_deref()),
        "lastCommit" => |ctx, project, _| {
            let last = ctx.world.commits_of(project).next();
            Value::object(last.map(|commit| Object::Commit(commit, project)))
        },
        "commit" => |ctx, project, arguments| {
            let wanted = arguments.text("ref").unwrap_or_default();
            let head = project.default_branch.as_deref() == Some(wanted) || wanted == "HEAD";
            let found = if head {
                ctx.world.commits_of(project).next()
            } else {
                Sha::parse(wanted).and_then(|sha| ctx.world.commit_of(project, sha))
            };
            Value::object(found.map(|commit| Object::Commit(commit, project)))
        },
        "commits" => |ctx, project, arguments| {
            let after = ctx.time(arguments.text("committedAfter"));
            let before = ctx.time(arguments.text("committedBefore"));
            let author = arguments.text("author");
            let found = ctx.world.commits_of(project).filter(|commit| {
                after.is_none_or(|after| commit.committed_at >= after)
                    && before.is_none_or(|before| commit.committed_at <= before)
                    && author.is_none_or(|author| {
                        commit.author_name.contains(author) || commit.author_email.contains(author)
                    })
            });
            let rows = found.map(|commit| Object::Commit(commit, project));
            page(ctx, rows.collect(), Order::NUMBERED, arguments)
        },
        _ => return None,
    })
}

fn namespace<'w>(ctx: &Context<'w>, project: &'w Project) -> Value<'w> {
    match project.namespace {
        Namespace::Group(id) => ctx.group(Some(id)).map_or(Value::Null, |group| {
            Value::record([
                ("id", Value::Gid("Group", group.id)),
                ("name", Value::Str(&group.name)),
                ("path", Value::Str(&group.path)),
                ("fullName", Value::Str(&group.full_name)),
                ("fullPath", Value::Str(&group.full_path)),
                ("visibility", Value::Str(group.visibility.name())),
                ("description", Value::Str(&group.description)),
            ])
        }),
        Namespace::User(id) => ctx.world.user(id).map_or(Value::Null, |user| {
            Value::record([
                ("id", Value::Gid("Namespaces::UserNamespace", user.id)),
                ("name", Value::Str(&user.name)),
                ("path", Value::Str(&user.username)),
                ("fullName", Value::Str(&user.name)),
                ("fullPath", Value::Str(&user.username)),
                ("visibility", Value::Str("public")),
                ("description", Value::Str("")),
            ])
        }),
    }
}

/// The order of a list of projects; by default the newest come first.
pub(crate) fn order(sort: Option<&str>) -> Order {
    match sort.unwrap_or_default().to_ascii_lowercase().as_str() {
        "id_asc" => Order::ascending(By::Id),
        "name_asc" => Order::ascending(By::Name),
        "name_desc" => Order::descending(By::Name),
        "path_asc" => Order::ascending(By::Path),
        "path_desc" => Order::descending(By::Path),
        "created_asc" => Order::ascending(By::CreatedAt),
        "created_desc" => Order::descending(By::CreatedAt),
        "updated_asc" => Order::ascending(By::UpdatedAt),
        "updated_desc" => Order::descending(By::UpdatedAt),
        "latest_activity_asc" => Order::ascending(By::LastActivityAt),
        "latest_activity_desc" | "activity_desc" => Order::descending(By::LastActivityAt),
        _ => Order::descending(By::Id),
    }
}

/// A page of the projects of a group.
pub(crate) fn page_of_group<'w>(ctx: &Context<'w>, group: i64, arguments: &Arguments) -> Value<'w> {
    let mut groups = vec![group];
    if arguments.flag("includeSubgroups") {
        groups.extend(ctx.world.descendant_groups(group));
    }
    let ids = ids(arguments);
    let search = arguments.text("search").filter(|text| !text.is_empty()).map(str::to_lowercase);
    let with_archived = arguments.get("includeArchived").is_none_or(|value| value == true);
    let all = groups.iter().flat_map(|id| ctx.world.projects_of_group(*id));
    let found = all.filter_map(|id| ctx.project(Some(*id))).filter(|project| {
        (with_archived || !project.archived)
            && (!arguments.flag("archivedOnly") || project.archived)
            && (!arguments.flag("notAimedForDeletion") || project.marked_for_deletion_on.is_none())
            && (!arguments.flag("withMergeRequestsEnabled") || ctx.merge_requests_enabled(project))
            && ids.as_ref().is_none_or(|ids| ids.contains(&project.id))
            && search.as_ref().is_none_or(|text| matches(text, &project.name, &project.path))
    });
    page(ctx, found.map(Object::Project).collect(), order(arguments.text("sort")), arguments)
}

/// Whether merge requests of the project show in lists of its group.
pub(crate) fn lists_merge_requests(ctx: &Context<'_>, project: &Project, arguments: &Arguments) -> bool {
    ctx.rights(project).merge_requests && (arguments.flag("includeArchived") || !project.archived)
}
