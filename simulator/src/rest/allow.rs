//! What a caller needs beside seeing a project: a feature that is on, and a role that is large enough.

use super::{Failure, Request, find};
use crate::world::{Feature, Project, Role, World};

/// The project of the first placeholder, if the caller reads its pipelines, jobs and environments.
pub(super) fn builds<'w>(world: &'w World, request: &Request) -> Result<&'w Project, Failure> {
    let project = find::project(world, request)?;
    if !world.reads_builds(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    Ok(project)
}

/// The project of the first placeholder, if the caller reads its code.
pub(super) fn code<'w>(world: &'w World, request: &Request) -> Result<&'w Project, Failure> {
    let project = find::project(world, request)?;
    if !world.reads_code(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    Ok(project)
}

/// The same where GitLab calls a repository that is off absent (`require_repository_enabled!`).
pub(super) fn repository<'w>(world: &'w World, request: &Request) -> Result<&'w Project, Failure> {
    let project = find::project(world, request)?;
    if project.repository_access == Feature::Disabled {
        return Err(Failure::not_found("Repository"));
    }
    code(world, request)
}

/// The project of the first placeholder, if the caller may change it with at least this role. Archived ones are read-only.
pub(super) fn change<'w>(world: &'w World, request: &Request, least: Role) -> Result<&'w Project, Failure> {
    let project = find::project_to_change(world, request)?;
    if project.archived || world.caller_role(&request.caller, project) < least {
        return Err(Failure::forbidden(""));
    }
    Ok(project)
}

/// The same for what CI/CD keeps.
pub(super) fn change_builds<'w>(world: &'w World, request: &Request, least: Role) -> Result<&'w Project, Failure> {
    let project = change(world, request, least)?;
    if !world.reads_builds(&request.caller, project) {
        return Err(Failure::forbidden(""));
    }
    Ok(project)
}
