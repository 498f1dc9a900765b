//! URLs of PostgreSQL databases, which are never printed.

use url::Url;

/// The URL without parameters that the driver does not know. It would leave them out too, and log their values.
pub(super) fn without_unknown(url: &str) -> String {
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
    // What cannot be parsed is said by the driver.
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    let given: Vec<(String, String)> =
        parsed.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let (known, unknown): (Vec<_>, Vec<_>) =
        given.iter().partition(|(name, _)| KNOWN.contains(&name.as_str()) || name.starts_with("options["));
    if unknown.is_empty() {
        return url.to_owned();
    }
    let names: Vec<&str> = unknown.iter().map(|(name, _)| name.as_str()).collect();
    tracing::warn!(parameters = names.join(", "), "parameters of the database URL are not known and left out");
    parsed.query_pairs_mut().clear().extend_pairs(known);
    parsed.into()
}
