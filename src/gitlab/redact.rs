//! A server may echo what it was sent, and our messages quote servers. Here the secrets are taken out again.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Error, Instance, Token};

/// Stands where a secret was.
const HIDDEN: &str = "[hidden]";

/// Shorter values are not secrets, and hiding them would blot out words: an extra header may say `true`.
const SHORTEST: usize = 8;

/// The secrets that leave this process in requests.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<SecretString>);

impl Secrets {
    /// Those of a client: tokens, extra headers, the proxy's password.
    pub(super) fn of(instance: &Instance, tokens: &[Token]) -> Secrets {
        let mut secrets = Secrets::default();
        for token in tokens {
            secrets.add(token.secret.expose_secret());
        }
        for (_, value) in &instance.headers {
            secrets.add(value.expose_secret());
        }
        let proxy = instance.proxy.as_ref();
        if let Some(proxy) = proxy.and_then(|url| Url::parse(url.expose_secret().trim()).ok()) {
            let password = proxy.password().unwrap_or_default();
            secrets.add(password);
            secrets.add(&STANDARD.encode(format!("{}:{password}", proxy.username())));
        }
        secrets
    }

    pub(super) fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        if secret.len() >= SHORTEST {
            self.0.push(SecretString::from(secret));
        }
    }

    /// The text without the secrets.
    pub(super) fn hide(&self, text: &mut String) {
        for secret in &self.0 {
            if text.contains(secret.expose_secret()) {
                *text = text.replace(secret.expose_secret(), HIDDEN);
            }
        }
    }

    /// The error without the secrets.
    pub(super) fn hide_in(&self, mut error: Error) -> Error {
        if let Some(words) = error.words_mut() {
            self.hide(words);
        }
        error
    }

    /// The body of a refusal without the secrets, before anybody shortens it and leaves half of one.
    pub(super) fn hide_in_body(&self, body: &mut Vec<u8>) {
        let mut text = String::from_utf8_lossy(body).into_owned();
        self.hide(&mut text);
        *body = text.into_bytes();
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_of_a_client_is_hidden_and_short_values_are_not() {
        let instance = Instance {
            proxy: Some("http://user:proxy-password@proxy:3128".into()),
            headers: vec![("X-Pass".into(), "header-password\n".into()), ("X-On".into(), "true".into())],
            ..Instance::at("https://host/".parse().unwrap())
        };
        let token = Token { name: "primary".into(), secret: "glpat-secret".into() };
        let secrets = Secrets::of(&instance, &[token]);
        let basic = STANDARD.encode("user:proxy-password");
        let mut text = format!("true: glpat-secret, header-password, proxy-password, {basic}; true");

        secrets.hide(&mut text);

        assert_eq!(text, "true: [hidden], [hidden], [hidden], [hidden]; true");
    }
}
