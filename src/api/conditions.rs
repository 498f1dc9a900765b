//! Condition types and their reasons. They are part of the API: people alert on them.
//!
//! Polarity is positive but for [`RECONCILING`], [`STALLED`] and [`CREDENTIALS_EXPIRING`], which exist only while true.
//! Three reasons are documented error codes and spelled in snake case: [`reason::INVALID_CREDENTIALS`],
//! [`reason::INVALID_PERMISSIONS`] and [`reason::NO_RESOURCES`]. Every other reason is in CamelCase.

/// True: every named Secret and key exists, and GitLab accepts each token.
pub const CREDENTIALS_VALID: &str = "CredentialsValid";

/// True: groups, projects and merge requests in scope can be read.
pub const ACCESS_VERIFIED: &str = "AccessVerified";

/// True: each wanted webhook exists, equals the spec, and is executable.
pub const WEBHOOKS_READY: &str = "WebhooksReady";

/// True: an authentic delivery arrived since the webhooks last changed.
pub const DELIVERIES_SEEN: &str = "DeliveriesSeen";

/// True: the last import ended and nothing in scope is missing.
pub const IMPORT_SUCCEEDED: &str = "ImportSucceeded";

/// True: a token expires within 30 days. Informational: not part of [`READY`], and absent otherwise.
pub const CREDENTIALS_EXPIRING: &str = "CredentialsExpiring";

/// True: all that the spec asks for is true. Otherwise its reason is the first one that is not, in the order above.
pub const READY: &str = "Ready";

/// True: work is going on towards the spec. Absent otherwise.
pub const RECONCILING: &str = "Reconciling";

/// True: nothing will change until a person acts. Absent otherwise.
pub const STALLED: &str = "Stalled";

/// Why a condition is what it is.
pub mod reason {
    /// GitLab does not accept a token: it is wrong, revoked, or of a blocked user. A documented error code.
    pub const INVALID_CREDENTIALS: &str = "invalid_credentials";
    /// A token is accepted but may not do what is needed: a scope or a role is missing. A documented error code.
    pub const INVALID_PERMISSIONS: &str = "invalid_permissions";
    /// The tokens see nothing of the scope. A documented error code.
    pub const NO_RESOURCES: &str = "no_resources";

    /// It is as it should be.
    pub const SUCCEEDED: &str = "Succeeded";
    /// Work is going on.
    pub const PROGRESSING: &str = "Progressing";
    /// Work is going on, again: it failed before for a reason that may pass.
    pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
    /// `spec.suspend` is true.
    pub const SUSPENDED: &str = "Suspended";
    /// The spec cannot be followed as it stands.
    pub const INVALID_SPEC: &str = "InvalidSpec";
    /// A step that this one needs has not succeeded.
    pub const WAITING: &str = "Waiting";

    /// A Secret (or ConfigMap) that the spec names does not exist.
    pub const SECRET_NOT_FOUND: &str = "SecretNotFound";
    /// A Secret that the spec names exists, and its owner has not said that it may be used so, or sent there.
    pub const SECRET_NOT_OFFERED: &str = "SecretNotOffered";
    /// A Secret (or ConfigMap) that the spec names has not the key that it names.
    pub const SECRET_KEY_MISSING: &str = "SecretKeyMissing";
    /// A token's last day is over.
    pub const TOKEN_EXPIRED: &str = "TokenExpired";
    /// A token expires within 30 days.
    pub const EXPIRES_SOON: &str = "ExpiresSoon";

    /// A group or project of the scope does not exist, or is hidden from the tokens.
    pub const SCOPE_NOT_FOUND: &str = "ScopeNotFound";
    /// GitLab asked us to wait for longer than we have patience.
    pub const RATE_LIMITED: &str = "RateLimited";
    /// GitLab does not answer.
    pub const GITLAB_UNREACHABLE: &str = "GitLabUnreachable";
    /// GitLab's certificate is not trusted, or the connection could not be secured.
    pub const TLS_FAILURE: &str = "TLSFailure";
    /// Something answers that is no GitLab, such as a proxy's login page.
    pub const NOT_GITLAB: &str = "NotGitLab";
    /// GitLab's REST API answers, and `/api/graphql`, by which imports read, does not.
    pub const GRAPHQL_UNAVAILABLE: &str = "GraphQLUnavailable";
    /// GitLab is older than the oldest version that is supported.
    pub const UNSUPPORTED_VERSION: &str = "UnsupportedVersion";

    /// No token has the role (or the scope api) that webhooks need.
    pub const INSUFFICIENT_ROLE: &str = "InsufficientRole";
    /// This edition of GitLab has no group webhooks.
    pub const GROUP_HOOKS_UNAVAILABLE: &str = "GroupHooksUnavailable";
    /// The group or project holds as many webhooks as GitLab allows.
    pub const HOOK_LIMIT_EXCEEDED: &str = "HookLimitExceeded";
    /// GitLab does not accept the receiver's URL: it cannot be resolved, or local networks are not allowed.
    pub const HOOK_URL_REJECTED: &str = "HookURLRejected";
    /// GitLab has switched a webhook off because deliveries failed.
    pub const HOOK_DISABLED: &str = "HookDisabled";
    /// A person has to make the webhooks; the message says which, and status.webhooks.commands how (`sync` prints them).
    pub const MANUAL_ACTION_REQUIRED: &str = "ManualActionRequired";
    /// GitLab refused to make or change a webhook for a reason of its own.
    pub const HOOK_REJECTED: &str = "HookRejected";
    /// Kubernetes does not take the Secret that keeps the secret of the webhooks, or one of its name is somebody else's; or
    /// `sync` cannot write the file that keeps it.
    pub const HOOK_SECRET_REFUSED: &str = "HookSecretRefused";
    /// No URL is known under which GitLab reaches the receiver.
    pub const NO_RECEIVER_URL: &str = "NoReceiverURL";

    /// No authentic delivery has arrived since the webhooks last changed.
    pub const NO_DELIVERY_YET: &str = "NoDeliveryYet";
    /// GitLab reports that its deliveries fail.
    pub const DELIVERIES_FAILING: &str = "DeliveriesFailing";

    /// No import has run.
    pub const NEVER_RUN: &str = "NeverRun";
    /// The first import is running.
    pub const RUNNING: &str = "Running";
    /// The pods of an import do not start.
    pub const IMPORT_STUCK: &str = "ImportStuck";
    /// A quota or policy of the cluster forbids the Job of an import; it is tried again every five minutes.
    pub const JOB_FORBIDDEN: &str = "JobForbidden";
    /// Some projects were skipped or failed.
    pub const PARTIALLY_FAILED: &str = "PartiallyFailed";
    /// The last import did not come to its end.
    pub const FAILED: &str = "Failed";
    /// The database cannot be reached or refuses to store.
    pub const STORE_UNAVAILABLE: &str = "StoreUnavailable";

    /// All of them.
    pub const ALL: [&str; 39] = [
        INVALID_CREDENTIALS,
        INVALID_PERMISSIONS,
        NO_RESOURCES,
        SUCCEEDED,
        PROGRESSING,
        PROGRESSING_WITH_RETRY,
        SUSPENDED,
        INVALID_SPEC,
        WAITING,
        SECRET_NOT_FOUND,
        SECRET_NOT_OFFERED,
        SECRET_KEY_MISSING,
        TOKEN_EXPIRED,
        EXPIRES_SOON,
        SCOPE_NOT_FOUND,
        RATE_LIMITED,
        GITLAB_UNREACHABLE,
        TLS_FAILURE,
        NOT_GITLAB,
        GRAPHQL_UNAVAILABLE,
        UNSUPPORTED_VERSION,
        INSUFFICIENT_ROLE,
        GROUP_HOOKS_UNAVAILABLE,
        HOOK_LIMIT_EXCEEDED,
        HOOK_URL_REJECTED,
        HOOK_DISABLED,
        MANUAL_ACTION_REQUIRED,
        HOOK_REJECTED,
        HOOK_SECRET_REFUSED,
        NO_RECEIVER_URL,
        NO_DELIVERY_YET,
        DELIVERIES_FAILING,
        NEVER_RUN,
        RUNNING,
        IMPORT_STUCK,
        JOB_FORBIDDEN,
        PARTIALLY_FAILED,
        FAILED,
        STORE_UNAVAILABLE,
    ];
}
