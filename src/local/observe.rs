//! What a connection's references hold: tokens, certificates, headers, the webhook secret, the database.

use secrecy::SecretString;
use url::Url;

use crate::{
    api::{CaBundle, GitLabConnectionSpec, KeyRef, SELECTED_TOKEN_KEY},
    gitlab::{Instance, Token},
    manifest::{Given, Lookup, Manifests},
};

/// Name of the token of `spec.webhooks.credentialRef`, where it is none of the readers.
const HOOK_MANAGER: &str = "webhooks";

/// All that the references of a connection hold.
#[derive(Debug)]
pub struct Observed {
    /// Which GitLab, and the way to it.
    pub instance: Instance,
    /// Every token, readers first.
    pub tokens: Vec<Token>,
    /// Names of the tokens that read.
    pub readers: Vec<String>,
    /// Names of the tokens that may have to manage webhooks.
    pub hook_managers: Vec<String>,
    /// The secret that GitLab sends along, where the spec names one.
    pub hook_secret: Option<SecretString>,
    /// The database, where the spec names one.
    pub database: Option<SecretString>,
    /// References that lead nowhere.
    pub missing: Vec<Missing>,
}

impl Observed {
    /// Whether certificates, proxy or headers are missing: nothing should be sent then.
    #[must_use]
    pub fn way_is_incomplete(&self) -> bool {
        let on_the_way = ["spec.tls", "spec.proxy", "spec.headers"];
        self.missing.iter().any(|missing| on_the_way.iter().any(|field| missing.field.starts_with(field)))
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

/// Follows every reference of a connection.
///
/// # Errors
/// When the URL cannot be parsed. References that lead nowhere are no error: they are [`Observed::missing`].
pub fn observe(given: &Given, manifests: &Manifests) -> Result<Observed, BadUrl> {
    let spec = &given.connection.spec;
    let url = Url::parse(&spec.url).map_err(|source| BadUrl { url: spec.url.clone(), source })?;
    let mut look = Look { namespace: &given.namespace, manifests, missing: Vec::new() };

    let mut tokens = readers(spec, &mut look);
    let readers: Vec<String> = tokens.iter().map(|token| token.name.clone()).collect();
    let hook_managers = match &spec.webhooks.credential_ref {
        None => readers.clone(),
        Some(at) => match spec.credentials.iter().find(|credential| credential.secret_ref == *at) {
            Some(reader) => vec![reader.name.clone()],
            None => {
                let token = look.secret("spec.webhooks.credentialRef", at);
                tokens.extend(token.map(|secret| Token { name: HOOK_MANAGER.to_owned(), secret }));
                vec![HOOK_MANAGER.to_owned()]
            }
        },
    };
    let instance = Instance {
        url,
        ca_bundle: spec.tls.ca_bundle.as_ref().and_then(|bundle| look.ca_bundle(bundle)),
        insecure_skip_verify: spec.tls.insecure_skip_verify,
        proxy: proxy(spec, &mut look),
        headers: headers(spec, &mut look),
    };
    let hook_secret = spec.webhooks.secret_ref.as_ref().and_then(|at| look.secret("spec.webhooks.secretRef", at));
    let database = spec.store.as_ref().and_then(|store| look.secret("spec.store.secretRef", &store.secret_ref));
    Ok(Observed { instance, tokens, readers, hook_managers, hook_secret, database, missing: look.missing })
}

fn readers(spec: &GitLabConnectionSpec, look: &mut Look<'_>) -> Vec<Token> {
    let mut tokens = Vec::new();
    for credential in &spec.credentials {
        let field = format!("spec.credentials[{}].secretRef", credential.name);
        let secret = look.secret(&field, &credential.secret_ref);
        tokens.extend(secret.map(|secret| Token { name: credential.name.clone(), secret }));
    }
    let Some(selector) = &spec.credential_selector else { return tokens };
    for name in look.manifests.selected(look.namespace, selector) {
        let at = KeyRef { name: name.to_owned(), key: SELECTED_TOKEN_KEY.to_owned() };
        // A Secret that the list of credentials names already is one token, not two.
        if spec.credentials.iter().any(|credential| credential.secret_ref == at) {
            continue;
        }
        let secret = look.secret("spec.credentialSelector", &at);
        tokens.extend(secret.map(|secret| Token { name: at.name.clone(), secret }));
    }
    tokens
}

fn proxy(spec: &GitLabConnectionSpec, look: &mut Look<'_>) -> Option<SecretString> {
    let proxy = spec.proxy.as_ref()?;
    match &proxy.secret_ref {
        Some(at) => look.secret("spec.proxy.secretRef", at),
        None => proxy.url.clone().map(SecretString::from),
    }
}

fn headers(spec: &GitLabConnectionSpec, look: &mut Look<'_>) -> Vec<(String, SecretString)> {
    let mut headers = Vec::new();
    for header in &spec.headers {
        let value = match &header.secret_ref {
            Some(at) => look.secret(&format!("spec.headers[{}].secretRef", header.name), at),
            None => header.value.clone().map(SecretString::from),
        };
        headers.extend(value.map(|value| (header.name.clone(), value)));
    }
    headers
}

struct Look<'a> {
    namespace: &'a str,
    manifests: &'a Manifests,
    missing: Vec<Missing>,
}

impl Look<'_> {
    fn secret(&mut self, field: &str, at: &KeyRef) -> Option<SecretString> {
        self.found(field, self.manifests.secret(self.namespace, at))
    }

    fn ca_bundle(&mut self, bundle: &CaBundle) -> Option<Vec<u8>> {
        if let Some(at) = &bundle.config_map_ref {
            let text = self.manifests.config(self.namespace, at);
            return self.found("spec.tls.caBundle.configMapRef", text).map(String::into_bytes);
        }
        let at = bundle.secret_ref.as_ref()?;
        let secret = self.secret("spec.tls.caBundle.secretRef", at)?;
        Some(secrecy::ExposeSecret::expose_secret(&secret).as_bytes().to_vec())
    }

    fn found<T>(&mut self, field: &str, lookup: Result<T, Lookup>) -> Option<T> {
        lookup.map_err(|lookup| self.missing.push(Missing { field: field.to_owned(), lookup })).ok()
    }
}
