//! URLs of PostgreSQL databases, which are never printed: what they say is understood here, or refused in words that help.

use std::fs::File;
use std::str::FromStr as _;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::Error;

/// Parameters that the driver knows, but for `options[…]`.
const KNOWN: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];
/// Those that name files.
const FILES: [&str; 7] = ["sslrootcert", "ssl-root-cert", "ssl-ca", "sslcert", "ssl-cert", "sslkey", "ssl-key"];
/// Those of which more than one thing may be said with commas between.
const HOSTS: [&str; 3] = ["host", "hostaddr", "port"];

/// What a URL asks for.
pub(super) struct Asked {
    pub(super) options: PgConnectOptions,
    /// Whoever says so knows of a pooler.
    pub(super) nothing_prepared: bool,
}

/// Reads a URL, and trusts `authorities` beside the system's where they are given.
pub(super) fn read(url: &str, authorities: Option<&[u8]>) -> Result<Asked, Error> {
    unambiguous(url)?;
    if authorities.is_some_and(|pem| !CertificateDer::pem_slice_iter(pem).any(|one| one.is_ok())) {
        return Err(Error::Untrusted("spec.store.caBundle holds no certificate in PEM".to_owned()));
    }
    let mut parsed = Url::parse(url).map_err(|_| unescaped())?;
    let given: Vec<(String, String)> =
        parsed.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    if given.iter().any(|(name, value)| HOSTS.contains(&name.as_str()) && value.contains(',')) {
        return Err(several_hosts());
    }
    primary(&given)?;
    for (name, file) in given.iter().filter(|(name, _)| FILES.contains(&name.as_str())) {
        if !system(name, file) && !file.starts_with("-----BEGIN") {
            File::open(file).map_err(|error| Error::Url(format!("{name}={file}: {error}")))?;
        }
    }

    // The driver would leave the others out too, and log their values.
    let (known, others): (Vec<_>, Vec<_>) =
        given.iter().partition(|(name, _)| KNOWN.contains(&name.as_str()) || name.starts_with("options["));
    let unknown: Vec<&str> =
        others.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "target_session_attrs").collect();
    if !unknown.is_empty() {
        tracing::warn!(parameters = unknown.join(", "), "parameters of the database URL are not known and left out");
    }
    let kept = known.iter().filter(|(name, value)| !system(name, value)).map(|(name, value)| (name, value));
    parsed.query_pairs_mut().clear().extend_pairs(kept);
    let options = PgConnectOptions::from_str(parsed.as_str())?.application_name("gitlab-connector");
    let mode = known.iter().any(|(name, _)| name == "sslmode" || name == "ssl-mode");
    Ok(Asked {
        // Connection poolers refuse what they do not know.
        options: trusting(options, mode, authorities).extra_float_digits(None),
        nothing_prepared: known.iter().any(|(name, value)| name == "statement-cache-capacity" && value == "0"),
    })
}

/// The system's authorities are trusted in any case.
fn system(name: &str, value: &str) -> bool {
    name == "sslrootcert" && value == "system"
}

/// Who names authorities wants them asked; `require` asks them too, and takes any host name, as PostgreSQL's own clients do.
fn trusting(options: PgConnectOptions, mode: bool, authorities: Option<&[u8]>) -> PgConnectOptions {
    let Some(authorities) = authorities else { return options };
    let checked = match options.get_ssl_mode() {
        PgSslMode::Require => PgSslMode::VerifyCa,
        _ if !mode => PgSslMode::VerifyFull,
        said => said,
    };
    options.ssl_mode(checked).ssl_root_cert_from_pem(authorities.to_vec())
}

/// A `#`, `/` or `?` in a password ends what a URL takes for its host: the rest of the password would be looked up as one,
/// or be a parameter that is named in a log.
fn unambiguous(url: &str) -> Result<(), Error> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (path, query) = rest[end..].split_once('?').unwrap_or((&rest[end..], ""));
    let free = ["user", "password", "application_name", "options"];
    let holds_a_host =
        |pair: &str| pair.contains('@') && !pair.split_once('=').is_some_and(|(name, _)| free.contains(&name));
    if rest.contains('#') || path.contains('@') || query.split('&').any(holds_a_host) {
        return Err(unescaped());
    }
    if rest[..end].rsplit('@').next().is_some_and(|host| host.contains(',')) {
        return Err(several_hosts());
    }
    Ok(())
}

fn unescaped() -> Error {
    let rule = "it cannot be parsed: percent-encode user and password, with %23 for #, %2F for /, %3F for ?, %40 for @, %25 for %";
    Error::Url(rule.to_owned())
}

fn several_hosts() -> Error {
    Error::Url("it names several hosts: name one, such as the address that always leads to the primary".to_owned())
}

/// Which of several servers is wanted. There is one here, and it has to take writes in any case.
fn primary(given: &[(String, String)]) -> Result<(), Error> {
    let wanted = given.iter().find(|(name, _)| name == "target_session_attrs");
    if wanted.is_none_or(|(_, value)| ["any", "read-write", "primary"].contains(&value.as_str())) {
        return Ok(());
    }
    Err(Error::Url(
        "target_session_attrs may only be read-write, primary or any, because the connector writes".to_owned(),
    ))
}
