//! The REST endpoints that we use, one method each, one file a subject. Lists come as [`super::Pages`].

pub(super) mod deployments;
pub(super) mod groups;
pub(super) mod hooks;
pub(super) mod instance;
pub(super) mod merge_requests;
pub(super) mod pipelines;
pub(super) mod probe;
pub(super) mod projects;
