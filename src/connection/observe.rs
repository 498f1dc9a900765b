//! What a connection's references hold: tokens, certificates, headers, the webhook secret, the database. Pure.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::Unusable;
use crate::{
    access::{Needs, Verdict},
    api::{CaBundle, CredentialSelector, GitLabConnectionSpec, KeyRef, Mode, SELECTED_TOKEN_KEY, StoreRef},
    gitlab::{Client, Instance, Metrics, Token},
    guard::{Destination, Place, Use, Wanted},
    references::{Lookup, References},
};

/// Name of the token of `spec.webhooks.credentialRef`, where it is none of the readers.
const HOOK_MANAGER: &str = "webhooks";

/// All that the references of a connection hold.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Which GitLab, and the way to it.
    pub instance: Instance,
    /// Every token, readers first.
    pub tokens: Vec<Token>,
    /// Names of the tokens that read.
    pub readers: Vec<String>,
    /// Where each of those comes from: its name, and its place in a Secret.
    pub sources: Vec<(String, KeyRef)>,
    /// Names of the tokens that may have to manage webhooks.
    pub hook_managers: Vec<String>,
    /// The secret that GitLab sends along, where the spec names one.
    pub hook_secret: Option<SecretString>,
    /// The database, where the spec names one.
    pub database: Option<Database>,
    /// References that lead nowhere.
    pub missing: Vec<Missing>,
}

impl Observed {
    /// Whether certificates, proxy or headers are missing: nothing should be sent then.
    fn way_is_incomplete(&self) -> bool {
        let on_the_way = ["spec.tls", "spec.proxy", "spec.headers"];
        self.missing.iter().any(|missing| on_the_way.iter().any(|field| missing.field.starts_with(field)))
    }

    /// What of that which the pods of imports read may not be used.
    #[must_use]
    pub fn withheld(&self) -> Withheld {
        let refused =
            |missing: &&Missing| matches!(missing.lookup, Lookup::NotOffered { .. } | Lookup::NoneOffered { .. });
        let of_one = |missing: &Missing| match missing.field.as_str() {
            // Pods have nothing of it.
            field if field.starts_with("spec.webhooks") => Withheld::Nothing,
            field if field.starts_with("spec.credential") => Withheld::Tokens,
            _ => Withheld::Common,
        };
        self.missing.iter().filter(refused).map(of_one).max().unwrap_or(Withheld::Nothing)
    }

    /// Whether GitLab can be asked at all. Without its proxy, certificates or headers a token might go where it should not.
    #[must_use]
    pub fn may_ask(&self) -> bool {
        !self.tokens.is_empty() && !self.way_is_incomplete()
    }

    /// A client for the GitLab, with every token; sends nothing.
    ///
    /// # Errors
    /// When certificate, proxy or headers cannot be used.
    pub fn client(&self, metrics: &Metrics) -> Result<Client, Unusable> {
        Ok(Client::new(&self.instance, self.tokens.clone(), metrics)?)
    }
}

/// What of the Secrets that the pods of imports read may not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Withheld {
    /// Nothing.
    Nothing,
    /// A token: some pods may have it.
    Tokens,
    /// What every pod has: the database, a certificate, the proxy, a header.
    Common,
}

/// A database, and what the spec says of its use.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its URL.
    pub url: SecretString,
    /// Certificates that its own is checked against.
    pub ca_bundle: Option<Vec<u8>>,
    /// The most connections to it at once.
    pub max_connections: u32,
}

impl Database {
    /// Whether it is an SQLite file, which in a cluster would go with the pod that fills it.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.url.expose_secret().starts_with("sqlite:")
    }
}

/// A reference that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The field, such as `spec.credentials[primary].secretRef`.
    pub field: String,
    /// What is not there.
    pub lookup: Lookup,
}

/// A `spec.url` that no client can use, although the rules let it pass.
#[derive(Debug, thiserror::Error)]
#[error("spec.url '{url}': {source}")]
pub struct BadUrl {
    url: String,
    source: url::ParseError,
}

/// Follows every reference of a connection in `namespace`.
///
/// # Errors
/// When the URL cannot be parsed. References that lead nowhere are no error: they are [`Observed::missing`].
pub fn observe(namespace: &str, spec: &GitLabConnectionSpec, references: &References) -> Result<Observed, BadUrl> {
    let url = Url::parse(&spec.url).map_err(|source| BadUrl { url: spec.url.clone(), source })?;
    let mut look = Look { namespace, references, to_gitlab: Vec::new(), to_receiver: Vec::new(), missing: Vec::new() };

    let proxy = proxy(spec, &mut look);
    look.to_gitlab = on_the_way_to(&url, spec, proxy.as_ref());
    look.to_receiver = look.to_gitlab.iter().cloned().chain(receiver(spec)).collect();
    let (mut tokens, sources) = readers(spec, &mut look);
    let readers: Vec<String> = tokens.iter().map(|token| token.name.clone()).collect();
    let hook_managers = match &spec.webhooks.credential_ref {
        None => readers.clone(),
        Some(at) => match spec.credentials.iter().find(|credential| credential.secret_ref == *at) {
            Some(reader) => vec![reader.name.clone()],
            None => {
                let name = unused(HOOK_MANAGER, &tokens);
                let token = look.secret("spec.webhooks.credentialRef", at, Use::Credential);
                tokens.extend(token.map(|secret| Token { name: name.clone(), secret }));
                vec![name]
            }
        },
    };
    let instance = Instance {
        url,
        ca_bundle: spec.tls.ca_bundle.as_ref().and_then(|bundle| look.ca_bundle("spec.tls.caBundle", bundle)),
        insecure_skip_verify: spec.tls.insecure_skip_verify,
        proxy,
        headers: headers(spec, &mut look),
    };
    let hook_secret =
        spec.webhooks.secret_ref.as_ref().and_then(|at| look.secret("spec.webhooks.secretRef", at, Use::Webhook));
    let database = spec.store.as_ref().and_then(|store| database(store, &mut look));
    let missing = look.missing;
    Ok(Observed { instance, tokens, readers, sources, hook_managers, hook_secret, database, missing })
}

/// What the tokens of a connection are needed for.
#[must_use]
pub fn needs(spec: &GitLabConnectionSpec, observed: &Observed) -> Needs {
    let wanted = !matches!(spec.webhooks.mode, Mode::Disabled | Mode::Manual);
    Needs {
        readers: observed.readers.clone(),
        hook_managers: if wanted { observed.hook_managers.clone() } else { Vec::new() },
    }
}

/// What is to be said of references that lead nowhere.
#[must_use]
pub fn missing_references(observed: &Observed) -> Option<Verdict> {
    let first = observed.missing.first()?;
    let rest = match observed.missing.len() {
        1 => String::new(),
        more => format!(" (and {} more)", more - 1),
    };
    Some(Verdict::bad(first.lookup.reason(), format!("{}: {}{rest}", first.field, first.lookup)))
}

fn readers(spec: &GitLabConnectionSpec, look: &mut Look<'_>) -> (Vec<Token>, Vec<(String, KeyRef)>) {
    let (mut tokens, mut sources) = (Vec::new(), Vec::new());
    let mut add = |name: String, at: &KeyRef, secret: SecretString| {
        let name = unused(&name, &tokens);
        sources.push((name.clone(), at.clone()));
        tokens.push(Token { name, secret });
    };
    for credential in &spec.credentials {
        let field = format!("spec.credentials[{}].secretRef", credential.name);
        if let Some(secret) = look.secret(&field, &credential.secret_ref, Use::Credential) {
            add(credential.name.clone(), &credential.secret_ref, secret);
        }
    }
    let selector = spec.credential_selector.iter();
    let selected: Vec<_> = selector
        .clone()
        .flat_map(|selector| look.references.selected(look.namespace, selector, SELECTED_TOKEN_KEY))
        .collect();
    if selected.is_empty() && spec.credentials.is_empty() {
        let missing = selector.clone().map(|selector| look.nobody(selector));
        look.missing.extend(missing.collect::<Vec<_>>());
    }
    let mut withheld = 0;
    for name in selected {
        let at = KeyRef { name: name.to_owned(), key: SELECTED_TOKEN_KEY.to_owned() };
        // A Secret that the list of credentials names already is one token, not two.
        if spec.credentials.iter().any(|credential| credential.secret_ref == at) {
            continue;
        }
        match look.look_up(&at, Use::Credential) {
            // Whoever may not read Secrets must not learn their names by their labels.
            Err(Lookup::NotOffered { .. }) => withheld += 1,
            Err(lookup) => look.missing.push(Missing { field: "spec.credentialSelector".to_owned(), lookup }),
            Ok(secret) => add(at.name.clone(), &at, secret),
        }
    }
    if withheld > 0 {
        let missing = selector.map(|selector| look.withheld(selector, withheld));
        look.missing.extend(missing.collect::<Vec<_>>());
    }
    (tokens, sources)
}

/// A name for one more token. A Secret may be called as another token is.
fn unused(name: &str, tokens: &[Token]) -> String {
    let mut name = name.to_owned();
    while tokens.iter().any(|token| token.name == name) {
        name.insert_str(0, "other-");
    }
    name
}

fn database(store: &StoreRef, look: &mut Look<'_>) -> Option<Database> {
    let url = look.secret("spec.store.secretRef", &store.secret_ref, Use::Database)?;
    let ca_bundle = match &store.ca_bundle {
        // Without it, the password might go where it should not.
        Some(bundle) => Some(look.ca_bundle("spec.store.caBundle", bundle)?),
        None => None,
    };
    Some(Database { url, ca_bundle, max_connections: store.max_connections.unsigned_abs().max(1) })
}

fn proxy(spec: &GitLabConnectionSpec, look: &mut Look<'_>) -> Option<SecretString> {
    let proxy = spec.proxy.as_ref()?;
    match &proxy.secret_ref {
        Some(at) => look.secret("spec.proxy.secretRef", at, Use::Proxy),
        None => proxy.url.clone().map(SecretString::from),
    }
}

fn headers(spec: &GitLabConnectionSpec, look: &mut Look<'_>) -> Vec<(String, SecretString)> {
    let mut headers = Vec::new();
    for header in &spec.headers {
        let value = match &header.secret_ref {
            Some(at) => look.secret(&format!("spec.headers[{}].secretRef", header.name), at, Use::Header),
            None => header.value.clone().map(SecretString::from),
        };
        headers.extend(value.map(|value| (header.name.clone(), value)));
    }
    headers
}

/// Who gets to see what is sent to GitLab. A proxy sees it where the connection also says which certificates are trusted.
fn on_the_way_to(url: &Url, spec: &GitLabConnectionSpec, proxy: Option<&SecretString>) -> Vec<Destination> {
    let place = Place::of(url);
    let name = format!("'{}'", place.as_ref().map_or("", Place::host));
    let mut all = vec![Destination { place, name }];
    if spec.proxy.is_some() {
        let place = proxy.and_then(|proxy| Place::of(&Url::parse(proxy.expose_secret()).ok()?));
        all.push(Destination { place, name: "the proxy of spec.proxy".to_owned() });
    }
    all
}

/// GitLab sends the secret of the webhooks on, where the connection has it sent.
fn receiver(spec: &GitLabConnectionSpec) -> Option<Destination> {
    let url = spec.webhooks.url.as_ref()?;
    let place = Url::parse(url).ok().as_ref().and_then(Place::of);
    Some(Destination { place, name: "the receiver of spec.webhooks.url".to_owned() })
}

struct Look<'a> {
    namespace: &'a str,
    references: &'a References,
    /// Who gets to see what is sent to GitLab.
    to_gitlab: Vec<Destination>,
    /// Who gets to see what GitLab sends to the receiver.
    to_receiver: Vec<Destination>,
    missing: Vec<Missing>,
}

impl Look<'_> {
    /// The selector that is the only way to a token, and picks none.
    fn nobody(&self, selector: &CredentialSelector) -> Missing {
        let (namespace, labels) = (self.namespace.to_owned(), labels(selector, ", "));
        Missing { field: "spec.credentialSelector".to_owned(), lookup: Lookup::NoneSelected { namespace, labels } }
    }

    /// The selector that picks Secrets which may not be used.
    fn withheld(&self, selector: &CredentialSelector, count: usize) -> Missing {
        let (namespace, labels) = (self.namespace.to_owned(), labels(selector, ","));
        let lookup = Lookup::NoneOffered { namespace, labels, count };
        Missing { field: "spec.credentialSelector".to_owned(), lookup }
    }

    fn secret(&mut self, field: &str, at: &KeyRef, usage: Use) -> Option<SecretString> {
        let secret = self.look_up(at, usage);
        self.found(field, secret)
    }

    fn look_up(&self, at: &KeyRef, usage: Use) -> Result<SecretString, Lookup> {
        let sent_to = match usage {
            Use::Credential | Use::Header => self.to_gitlab.as_slice(),
            Use::Webhook => self.to_receiver.as_slice(),
            // Nobody, or where they lead by themselves.
            Use::Ca | Use::Database | Use::Proxy => &[],
        };
        self.references.secret(self.namespace, at, Wanted { usage, sent_to })
    }

    fn ca_bundle(&mut self, field: &str, bundle: &CaBundle) -> Option<Vec<u8>> {
        if let Some(at) = &bundle.config_map_ref {
            let text = self.references.config(self.namespace, at);
            return self.found(&format!("{field}.configMapRef"), text).map(String::into_bytes);
        }
        let at = bundle.secret_ref.as_ref()?;
        let secret = self.secret(&format!("{field}.secretRef"), at, Use::Ca)?;
        Some(secret.expose_secret().as_bytes().to_vec())
    }

    fn found<T>(&mut self, field: &str, lookup: Result<T, Lookup>) -> Option<T> {
        lookup.map_err(|lookup| self.missing.push(Missing { field: field.to_owned(), lookup })).ok()
    }
}

fn labels(selector: &CredentialSelector, between: &str) -> String {
    let labels: Vec<_> = selector.match_labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
    labels.join(between)
}
