//! The usual company: small enough to count by hand.

use gitlab_simulator::world::{Role, Scope};
use gitlab_simulator::{Options, Simulator, World};

/// Reads the group.
pub(crate) const READER: &str = "glpat-reads-everything-0123";
/// Owns the group, and so may make webhooks.
pub(crate) const OWNER: &str = "glpat-owns-everything-4567";

/// A GitLab with one group, two projects and three merge requests; a reader and an owner.
pub(crate) fn acme() -> World {
    World::new()
        .with_group("acme", |group| {
            group
                .member("ada", Role::Developer)
                .member("grace", Role::Maintainer)
                .project("web", |project| {
                    project
                        .merge_request("Add a page", |one| {
                            one.by("ada").diff(10, 2).push(2).comment("grace", "nice").approve("grace").merge("grace")
                        })
                        .merge_request("Add another", |one| one.by("grace").comment("ada", "hm"))
                })
                .project("api", |project| project.merge_request("Speak", |one| one.by("ada")))
        })
        .with_group_token(READER, "acme", Role::Developer, &[Scope::ReadApi])
        .with_group_token(OWNER, "acme", Role::Owner, &[Scope::Api])
}

/// Serves it on a free port.
pub(crate) async fn serve(world: World) -> Simulator {
    Simulator::start(world, Options::default()).await.unwrap()
}

/// Adds the usual reader to a World that was generated.
pub(crate) fn reader_of(world: &mut World, group: &str) {
    let group = world.group_by_path(group).unwrap().id;
    world.create_group_token(READER, group, Role::Developer, &[Scope::ReadApi]);
}
