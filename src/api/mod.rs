//! The API: `GitLabConnection`, as a person types it and as the operator reports back.
//!
//! Pure data. Every doc comment on a field is what `kubectl explain` shows, so it is written for the person who types the
//! YAML. The rules of the schema (OpenAPI and CEL) live on the types, and nowhere else: the API server applies them in a
//! cluster, [`crate::manifest`] evaluates the same ones for files.

// The derive of kube copies each struct, `pub` and all, into a function, and its printer columns repeat their keys.
#![allow(unreachable_pub, clippy::duplicated_attributes)]

mod access_status;
mod analysis;
pub mod conditions;
mod import_spec;
mod pod_template;
mod references;
mod schema;
mod spec;
mod status;
mod webhooks_spec;

pub use access_status::{AccessEntry, AccessOutcome, CredentialStatus, InstanceStatus, RateLimitStatus};
pub use analysis::Analysis;
pub use import_spec::{AuditSchedule, Import, Resource, ScheduleError};
pub use pod_template::PodTemplate;
pub use references::{
    CaBundle, CredentialSelector, Header, HumanDuration, HumanDurationError, KeyRef, NamedRef, Proxy, StoreRef, Tls,
};
pub use schema::{crd, crd_yaml};
pub use spec::{Credential, GitLabConnection, GitLabConnectionSpec, Scope};
pub use status::{
    AuditStatus, FailureStatus, GitLabConnectionStatus, ImportStatus, ProgressStatus, RunOutcome, RunStatus,
    RunningStatus, WebhooksStatus,
};
pub use webhooks_spec::{Adopt, DeletionPolicy, Events, Mode, Webhooks};

/// API group of all our resources; also the prefix of our annotations and labels.
pub const GROUP: &str = "gitlab-connector.dev";

/// API version of [`GitLabConnection`].
pub const VERSION: &str = "v1alpha1";

/// Annotation: set it to any new value to have access and webhooks looked at at once.
///
/// The value last handled is reported as `status.lastHandledReconcileAt`.
pub const RECONCILE_REQUESTED_AT: &str = "gitlab-connector.dev/reconcile-requested-at";

/// Annotation: set it to any new value to have an import started at once.
///
/// The value last handled is reported as `status.lastHandledImportAt`.
pub const IMPORT_REQUESTED_AT: &str = "gitlab-connector.dev/import-requested-at";

/// Finalizer that lets us take our webhooks away before a connection goes.
pub const FINALIZER: &str = "gitlab-connector.dev/webhooks";

/// Key of a Secret that joined by `spec.credentialSelector`, under which its token is found.
pub const SELECTED_TOKEN_KEY: &str = "token";
