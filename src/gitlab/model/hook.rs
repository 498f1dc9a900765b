//! Webhooks: as GitLab shows them, and as we ask for them.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// A webhook as GitLab shows it. Its secrets never come back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Hook {
    /// GitLab's id.
    pub id: i64,
    /// Where deliveries go.
    pub url: String,
    /// From 17.1.
    #[serde(default)]
    pub name: Option<String>,
    /// From 17.1.
    #[serde(default)]
    pub description: Option<String>,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// Merge requests.
    #[serde(default)]
    pub merge_requests_events: Option<bool>,
    /// Comments.
    #[serde(default)]
    pub note_events: Option<bool>,
    /// Internal comments.
    #[serde(default)]
    pub confidential_note_events: Option<bool>,
    /// Pushes.
    #[serde(default)]
    pub push_events: Option<bool>,
    /// Tags.
    #[serde(default)]
    pub tag_push_events: Option<bool>,
    /// System hooks only.
    #[serde(default)]
    pub repository_update_events: Option<bool>,
    /// Whether GitLab checks our certificate.
    #[serde(default)]
    pub enable_ssl_verification: Option<bool>,
    /// `executable`, `temporarily_disabled`, `disabled`.
    #[serde(default)]
    pub alert_status: Option<String>,
    /// End of a temporary disabling.
    #[serde(default)]
    pub disabled_until: Option<Timestamp>,
    /// From 19.0.
    #[serde(default)]
    pub token_present: Option<bool>,
    /// From 19.0.
    #[serde(default)]
    pub signing_token_present: Option<bool>,
    /// Names of the custom headers; values never come back.
    #[serde(default)]
    pub custom_headers: Vec<HeaderName>,
}

/// The name of a custom header.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HeaderName {
    /// The name.
    pub key: String,
}

/// What a hook is made or changed to. A `None` is left out, so GitLab keeps or defaults it; but GitLab wipes the secret
/// when the URL changes, so send `url` and `token` together.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HookBody {
    /// Where deliveries go.
    pub url: String,
    /// Ignored before 17.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Ignored before 17.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The shared secret, sent back to us in `X-Gitlab-Token`.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    pub token: Option<SecretString>,
    /// Key of the signature; silently ignored before 19.0.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    pub signing_token: Option<SecretString>,
    /// Merge requests.
    pub merge_requests_events: bool,
    /// Comments.
    pub note_events: bool,
    /// Internal comments; GitLab's default is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidential_note_events: Option<bool>,
    /// GitLab's default is true.
    pub push_events: bool,
    /// Tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_push_events: Option<bool>,
    /// System hooks; GitLab's default there is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_update_events: Option<bool>,
    /// Whether GitLab checks our certificate.
    pub enable_ssl_verification: bool,
}

/// A call of a hook, as GitLab's log tells of it. From 17.3.
#[derive(Debug, Clone, Deserialize)]
pub struct HookEvent {
    /// The status of the answer, or `internal error`.
    #[serde(default)]
    pub response_status: Option<String>,
}

impl HookEvent {
    /// Whether the receiver took it.
    #[must_use]
    pub fn is_received(&self) -> bool {
        let status = self.response_status.as_ref().and_then(|status| status.parse::<u16>().ok());
        status.is_some_and(|status| (200..300).contains(&status))
    }
}

fn expose<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
}
