//! Small parts that several fields share: references to Secrets, durations, TLS, proxy and headers.

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use jiff::SignedDuration;
use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// One key of one Secret (or ConfigMap) in the namespace of the connection. A Secret of a cluster is used only if its
/// annotation gitlab-connector.dev/use names the use, and sent only to the hosts of gitlab-connector.dev/hosts.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyRef {
    /// Name of the object, in the namespace of the connection. Other namespaces cannot be reached.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// Key in the object's data.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.key)
    }
}

/// A group or project as people write it: its full path, or its numeric id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum NamedRef {
    /// Numeric id, which survives renames.
    Id(i64),
    /// Full path, such as `acme/platform`.
    Path(String),
}

impl fmt::Display for NamedRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Path(path) => f.write_str(path),
        }
    }
}

impl From<String> for NamedRef {
    fn from(text: String) -> Self {
        text.parse().map_or(Self::Path(text), Self::Id)
    }
}

impl From<&str> for NamedRef {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<NamedRef> for String {
    fn from(named: NamedRef) -> Self {
        named.to_string()
    }
}

impl JsonSchema for NamedRef {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "NamedRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

/// A duration as people write it: `10m`, `1h30m`, `180d`.
///
/// Units are s, m, h, d (24 hours) and w (7 days).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HumanDuration {
    text: String,
    value: SignedDuration,
}

/// Text that is no [`HumanDuration`].
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not a duration: write numbers with s, m, h, d or w, such as 10m or 1h30m")]
pub struct HumanDurationError(String);

impl HumanDuration {
    /// So many minutes.
    #[must_use]
    pub fn minutes(minutes: i64) -> Self {
        Self { text: format!("{minutes}m"), value: SignedDuration::from_mins(minutes) }
    }

    /// So many days of 24 hours.
    #[must_use]
    pub fn days(days: i64) -> Self {
        Self { text: format!("{days}d"), value: SignedDuration::from_hours(24 * days) }
    }

    /// The duration itself.
    #[must_use]
    pub fn get(&self) -> SignedDuration {
        self.value
    }
}

impl FromStr for HumanDuration {
    type Err = HumanDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || HumanDurationError(text.to_owned());
        let (mut seconds, mut number) = (0_i64, None::<i64>);
        for character in text.chars() {
            if let Some(digit) = character.to_digit(10) {
                let so_far = number.unwrap_or(0);
                number = Some(so_far * 10 + i64::from(digit)).filter(|number| *number <= 99_999);
                if number.is_none() {
                    return Err(refused());
                }
                continue;
            }
            let unit = match character {
                's' => 1,
                'm' => 60,
                'h' => 3_600,
                'd' => 86_400,
                'w' => 604_800,
                _ => return Err(refused()),
            };
            seconds += number.take().ok_or_else(refused)? * unit;
        }
        if text.is_empty() || number.is_some() {
            return Err(refused());
        }
        Ok(Self { text: text.to_owned(), value: SignedDuration::from_secs(seconds) })
    }
}

impl TryFrom<String> for HumanDuration {
    type Error = HumanDurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HumanDuration> for String {
    fn from(duration: HumanDuration) -> Self {
        duration.text
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl JsonSchema for HumanDuration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HumanDuration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 32})
    }
}

/// Labels that pick Secrets.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("size(self.matchLabels) > 0")
        .message("spec.credentialSelector.matchLabels is empty, which would send every Secret of the namespace to GitLab: name at least one label")
        .reason(Reason::FieldValueRequired)
)]
pub struct CredentialSelector {
    /// A Secret is picked when it carries all of these labels.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 16))]
    pub match_labels: BTreeMap<String, String>,
}

/// How the certificate of the GitLab is checked.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// Certificates in PEM that are trusted beside those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<CaBundle>,

    /// True: accept any certificate. Tokens can then be stolen on the way; prefer caBundle.
    #[serde(default)]
    pub insecure_skip_verify: bool,
}

/// Where a bundle of certificates is found.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.secretRef) != has(self.configMapRef)")
        .message("spec.tls.caBundle and spec.store.caBundle must each name exactly one of secretRef and configMapRef")
)]
pub struct CaBundle {
    /// Secret and key that hold the certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<KeyRef>,

    /// ConfigMap and key that hold the certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<KeyRef>,
}

/// A proxy, with its credentials in a Secret if it has any.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.url) != has(self.secretRef)")
        .message("spec.proxy must set exactly one of url and secretRef: a proxy that wants a password goes into the Secret, as a whole URL")
)]
pub struct Proxy {
    /// The proxy, such as http://proxy.example.com:3128, when it needs no password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    #[x_kube(
        validation = Rule::new(r"self.matches('^https?://[^/?#@\\s]+/?$')")
            .message("spec.proxy.url must be an http:// or https:// URL without user or password: a proxy that wants them goes into spec.proxy.secretRef")
    )]
    pub url: Option<String>,

    /// Secret and key that hold the proxy's URL with user and password, such as http://user:password@proxy:3128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<KeyRef>,
}

/// One header added to every request.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.value) != has(self.secretRef)")
        .message("spec.headers[] must set exactly one of value and secretRef")
)]
pub struct Header {
    /// Name of the header.
    #[schemars(length(max = 128))]
    #[x_kube(
        validation = Rule::new("self.matches('^[A-Za-z0-9-]+$')")
            .message("spec.headers[].name must be letters, digits and '-', such as CF-Access-Client-Id"),
        validation = Rule::new("!(self.lowerAscii() in ['private-token', 'authorization', 'host'])")
            .message("spec.headers[].name must not be Private-Token, Authorization or Host: tokens go into spec.credentials")
    )]
    pub name: String,

    /// Its value, when that is no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub value: Option<String>,

    /// Secret and key that hold the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<KeyRef>,
}

/// Where the rows go.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreRef {
    /// Secret and key that hold the URL of the database: postgres://user:password@host/database, or sqlite:path for "sync".
    /// In a cluster an SQLite file would go with the pod that fills it, so none is taken there. The URL is in a Secret, where
    /// the API server cannot look: that rule is checked when an import starts, and said in the condition ImportSucceeded.
    pub secret_ref: KeyRef,

    /// Certificates in PEM of the authority that signed a PostgreSQL's own, trusted beside those of the system. The server
    /// is then checked as with sslmode=verify-full, unless the URL names another sslmode: require checks all but the name
    /// of the host, and the others check nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<CaBundle>,

    /// The most connections to a PostgreSQL that each worker of an import, and the receiver, may have open at once. A role
    /// of the database that is allowed fewer than all of them together needs less here, or less in spec.import.parallelism;
    /// 1 is enough for everything, and slower.
    #[serde(default = "six")]
    #[x_kube(
        validation = Rule::new("self >= 1 && self <= 64")
            .message("spec.store.maxConnections must be between 1 and 64: it is for each worker of an import, and for the receiver")
    )]
    pub max_connections: i32,
}

fn six() -> i32 {
    6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_their_units() {
        for (text, seconds) in [("10m", 600), ("1h30m", 5_400), ("180d", 15_552_000), ("1w", 604_800), ("0s", 0)] {
            assert_eq!(text.parse::<HumanDuration>().unwrap().get(), SignedDuration::from_secs(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "10", "m", "10 m", "-1m", "1.5h", "10y", "100000d", "1m5"] {
            assert!(text.parse::<HumanDuration>().is_err(), "{text}");
        }
    }

    #[test]
    fn digits_are_an_id_and_the_rest_is_a_path() {
        assert_eq!(NamedRef::from("42"), NamedRef::Id(42));
        assert_eq!(NamedRef::from("acme/tool"), NamedRef::Path("acme/tool".into()));
    }
}
