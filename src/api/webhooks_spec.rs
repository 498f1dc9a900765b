//! `spec.webhooks`: how GitLab tells us of changes.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{KeyRef, spec::yes};

/// How GitLab tells us of changes.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhooks {
    /// Which webhooks to make.
    /// Auto: group webhooks where edition, licence and token allow them, else one for each project, else a system webhook,
    /// else the exact commands for a person.
    /// Group: group webhooks (GitLab Premium and up, role Owner), and project webhooks for spec.scope.projects.
    /// Project: one for each project (role Maintainer).
    /// System: one for the whole instance (administrators, self-managed); it brings no comments.
    /// Manual: made by a person; the commands are shown.
    /// Disabled: none; imports alone keep the rows fresh.
    #[serde(default)]
    pub mode: Mode,

    /// URL under which GitLab reaches the receiver; always ends in /webhooks/gitlab, after which each webhook has a segment
    /// of its own. Default: the receiver URL of the installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    #[x_kube(
        validation = Rule::new(r"self.matches('^https?://[^/?#@\\s]+(/[^?#\\s]*)?/webhooks/gitlab(/[^?#\\s]*)?$')")
            .message("spec.webhooks.url must be an http:// or https:// URL whose path ends in /webhooks/gitlab, such as https://hooks.example.com/webhooks/gitlab")
    )]
    pub url: Option<String>,

    /// Secret and key of the token that manages webhooks: scope api, role Maintainer for project webhooks, Owner for group
    /// webhooks. Default: any token of spec.credentials that can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_ref: Option<KeyRef>,

    /// Secret and key of the secret that GitLab sends with each delivery. Default: one is generated and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<KeyRef>,

    /// What GitLab tells us of. Pushes are never asked for.
    #[serde(default)]
    pub events: Events,

    /// Have GitLab check the receiver's certificate.
    #[serde(default = "yes")]
    pub ssl_verification: bool,

    /// What becomes of our webhooks when the connection is deleted, in a cluster.
    /// Delete: they are removed; what cannot be removed, because a Secret is gone or GitLab refuses, is left and told of.
    /// Orphan: they stay.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// Which webhooks that exist are ours to change.
    /// Marked: those that carry our mark.
    /// ByURL: also those that point at our receiver, made by hand or by another tool.
    #[serde(default)]
    pub adopt: Adopt,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            url: None,
            credential_ref: None,
            secret_ref: None,
            events: Events::default(),
            ssl_verification: true,
            deletion_policy: DeletionPolicy::default(),
            adopt: Adopt::default(),
        }
    }
}

/// Which webhooks to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Mode {
    /// The best that edition and token allow.
    #[default]
    Auto,
    /// Group webhooks, and project webhooks for projects named on their own.
    Group,
    /// One webhook for each project.
    Project,
    /// One webhook for the instance.
    System,
    /// Made by a person.
    Manual,
    /// None.
    Disabled,
}

/// What GitLab tells us of.
#[derive(KubeSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Events {
    /// Merge requests: opened, changed, approved, merged, closed.
    #[serde(default = "yes")]
    pub merge_requests: bool,

    /// Comments on merge requests; confidential ones are not asked for.
    #[serde(default = "yes")]
    pub comments: bool,
}

impl Default for Events {
    fn default() -> Self {
        Self { merge_requests: true, comments: true }
    }
}

/// What becomes of our webhooks when the connection is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// They are removed.
    #[default]
    Delete,
    /// They stay.
    Orphan,
}

/// Which webhooks that exist are ours to change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Adopt {
    /// Those that carry our mark.
    #[default]
    Marked,
    /// Also those that point at our receiver.
    ByURL,
}
