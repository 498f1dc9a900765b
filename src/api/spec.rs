//! What a person asks for: the spec of a `GitLabConnection`.

use std::fmt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{
    Analysis, CredentialSelector, GitLabConnectionStatus, Header, HumanDuration, Import, KeyRef, NamedRef, Proxy,
    StoreRef, Tls, Webhooks,
};

/// A URL may be corrected as long as nothing came of it.
const SAME_GITLAB: &str = "self.spec.url == oldSelf.spec.url || !has(oldSelf.status) || !((has(oldSelf.status.webhooks) && oldSelf.status.webhooks.desired > 0) || (has(oldSelf.status.import) && has(oldSelf.status.import.lastRun)))";

/// What to connect: a GitLab, the Secrets that hold its tokens, the groups and projects to follow, and a database.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "gitlab-connector.dev",
    version = "v1alpha1",
    kind = "GitLabConnection",
    namespaced,
    status = "GitLabConnectionStatus",
    derive = "PartialEq",
    validation = Rule::new(SAME_GITLAB)
        .message("spec.url cannot change once there are webhooks or rows, because they belong to the GitLab they came from: delete this connection, and make one for the other GitLab")
        .field_path(".spec.url"),
    shortname = "glconn",
    category = "gitlab",
    doc = "Connects a GitLab to a database you own: verifies tokens, keeps webhooks healthy, imports merge requests, reviews and repositories, and keeps them fresh.",
    printcolumn(name = "URL", type_ = "string", json_path = ".spec.url"),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#),
    printcolumn(
        name = "Projects",
        type_ = "integer",
        json_path = ".status.import.projects",
        description = "Projects that the last import followed."
    ),
    printcolumn(
        name = "Webhooks",
        type_ = "string",
        json_path = ".status.webhooks.summary",
        description = "Webhooks in place of those wanted, and the mode in force."
    ),
    printcolumn(
        name = "Last import",
        type_ = "date",
        json_path = ".status.import.lastSuccess.finishedAt",
        description = "When the last successful import ended."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    ),
    printcolumn(name = "Next import", type_ = "string", json_path = ".status.import.next", priority = 1)
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("size(self.credentials) > 0 || has(self.credentialSelector)")
        .message("spec.credentials is empty and spec.credentialSelector is not set: name at least one Secret that holds a GitLab token")
        .reason(Reason::FieldValueRequired)
        .field_path(".credentials"),
    validation = Rule::new("self.webhooks.mode != 'Group' || size(self.scope.groups) > 0")
        .message("spec.webhooks.mode is Group but spec.scope.groups is empty: name a group there, or use the mode Auto or Project")
        .field_path(".webhooks.mode")
)]
pub struct GitLabConnectionSpec {
    /// Root of the GitLab instance, such as https://gitlab.com/ or https://git.example.com/gitlab/. No path to its API. It
    /// cannot change once there are webhooks or rows: they belong to the GitLab they came from.
    #[schemars(length(max = 1024))]
    #[x_kube(
        validation = Rule::new(r"isURL(self) && self.matches('^https?://[^/?#@\\s]+(/[^?#\\s]*)?$')")
            .message("spec.url must be the http:// or https:// root of a GitLab, such as https://gitlab.com/, without user, query or fragment"),
        validation = Rule::new(r"!self.matches('/api(/v[0-9]+)?(/|$)')")
            .message("spec.url must be the root of the GitLab, not its API: remove the path from /api on")
    )]
    pub url: String,

    /// Tokens that read. Each needs the scope read_api, so no fine-grained one will do, and at least the role Reporter
    /// (Developer for private projects whose merge requests only members see); tokens of several users share the load.
    #[serde(default)]
    #[schemars(length(max = 32))]
    #[x_kube(
        validation = Rule::new("self.all(a, self.exists_one(b, b.name == a.name))")
            .message("spec.credentials has two entries with the same name: give each token a name of its own")
    )]
    pub credentials: Vec<Credential>,

    /// Secrets of this namespace that carry these labels join the tokens, each with its key "token". In a cluster they have to
    /// be offered as any other: their annotation gitlab-connector.dev/use names "credential".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_selector: Option<CredentialSelector>,

    /// How the certificate of the GitLab is checked.
    #[serde(default)]
    pub tls: Tls,

    /// Proxy for all requests to the GitLab. Default: the proxy of the environment. NO_PROXY is honoured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,

    /// Headers added to every request, for an access proxy in front of the GitLab.
    #[serde(default)]
    #[schemars(length(max = 20))]
    #[x_kube(
        validation = Rule::new("self.all(a, self.exists_one(b, b.name.lowerAscii() == a.name.lowerAscii()))")
            .message("spec.headers names the same header twice: keep one of them")
    )]
    pub headers: Vec<Header>,

    /// What to follow.
    pub scope: Scope,

    /// How GitLab tells us of changes.
    #[serde(default)]
    pub webhooks: Webhooks,

    /// How and when everything is read.
    #[serde(default)]
    pub import: Import,

    /// Where the rows go. A cluster needs it; "sync" falls back to an SQLite file here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreRef>,

    /// What figures are made by, beside what GitLab tells.
    #[serde(default)]
    pub analysis: Analysis,

    /// How often access and webhooks are looked at again, such as 10m. A little jitter is added.
    #[serde(default = "ten_minutes")]
    #[x_kube(
        validation = Rule::new("self.matches('^([0-9]{1,5}[smhdw])+$') && self.matches('[1-9]')")
            .message("spec.interval must be a duration above zero of numbers with s, m, h, d or w, such as 10m or 1h30m")
    )]
    pub interval: HumanDuration,

    /// True: leave everything as it is; nothing is verified, repaired or imported until this is false again.
    #[serde(default)]
    pub suspend: bool,
}

fn ten_minutes() -> HumanDuration {
    HumanDuration::minutes(10)
}

/// One token that reads.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// Name of this token in status, messages and metrics.
    #[schemars(length(max = 63))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')")
            .message("spec.credentials[].name must be lower-case letters, digits, '-' or '.', such as primary")
    )]
    pub name: String,

    /// Secret and key that hold the token.
    pub secret_ref: KeyRef,
}

/// Groups and projects to follow.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("size(self.groups) + size(self.projects) > 0")
        .message("spec.scope is empty: name at least one group in spec.scope.groups or one project in spec.scope.projects")
        .reason(Reason::FieldValueRequired)
)]
pub struct Scope {
    /// Groups, by full path or by numeric id in quotes. Projects that are added to them later are followed automatically.
    #[serde(default)]
    #[schemars(length(max = 500), inner(length(max = 512)))]
    #[x_kube(
        validation = Rule::new(r"self.all(g, g != '0' && g.matches('^[^/:?#\\s]+(/[^/:?#\\s]+)*$'))")
            .message("spec.scope.groups must hold full paths such as acme/platform or numeric ids, not URLs, and without a slash at either end")
    )]
    pub groups: Vec<NamedRef>,

    /// Single projects, by full path or by numeric id in quotes, that no group above brings.
    #[serde(default)]
    #[schemars(length(max = 2000), inner(length(max = 512)))]
    #[x_kube(
        validation = Rule::new(r"self.all(p, p != '0' && p.matches('^[^/:?#\\s]+(/[^/:?#\\s]+)*$'))")
            .message("spec.scope.projects must hold full paths such as acme/tool or numeric ids, not URLs, and without a slash at either end")
    )]
    pub projects: Vec<NamedRef>,

    /// Projects to leave out: globs on full paths, such as acme/sandbox-*. "*" stays within one level, "**" crosses levels.
    #[serde(default)]
    #[schemars(length(max = 500), inner(length(min = 1, max = 512)))]
    pub exclude_projects: Vec<String>,

    /// Follow the projects of subgroups too.
    #[serde(default = "yes")]
    pub include_subgroups: bool,

    /// Follow archived projects too.
    #[serde(default = "yes")]
    pub include_archived: bool,
}

impl Scope {
    /// The full paths of projects that are left out. A pattern that cannot be read matches nothing here; imports refuse it.
    #[must_use]
    pub fn excluded(&self) -> GlobSet {
        let mut globs = GlobSetBuilder::new();
        let patterns = self.exclude_projects.iter().map(|pattern| GlobBuilder::new(pattern));
        for glob in patterns.filter_map(|mut pattern| pattern.literal_separator(true).build().ok()) {
            globs.add(glob);
        }
        globs.build().unwrap_or_default()
    }
}

pub(super) fn yes() -> bool {
    true
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
