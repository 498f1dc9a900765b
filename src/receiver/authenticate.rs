//! Is this delivery from the GitLab we know? Pure: headers, body, secrets and the time go in, a verdict comes out.
//!
//! GitLab proves itself in one of two ways, see `webhook-signature` and `X-Gitlab-Token` below. A connection without a
//! secret accepts nothing: a receiver that trusts anyone would let anyone write into the database.

use axum::http::{HeaderMap, HeaderName};
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The secret in clear, on every delivery of a hook that has one.
const TOKEN: HeaderName = HeaderName::from_static("x-gitlab-token");
/// Since GitLab 19.0, and only where the hook has a signing token: a list of `v1,<base64 HMAC-SHA256>`.
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// Since GitLab 19.0 on every delivery, signed or not, so its presence says nothing about signing.
pub(super) const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");

/// How far the clock of a signed delivery may be from ours, in seconds, before it counts as replayed.
const TOLERANCE: i64 = 300;

/// What a signing key starts with. Anything else is a secret that GitLab sends in clear.
const SIGNING_PREFIX: &str = "whsec_";

/// GitLab pads its keys; a person who copies one may lose the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a delivery is not believed. The answer to the sender never says which.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// No connection is served under this address, or it has no secret.
    NoSecret,
    /// Neither a token nor a signature came with it.
    Unproven,
    /// The token is not one of the accepted secrets.
    WrongToken,
    /// A part of the signature is missing or unreadable, or no signature fits.
    WrongSignature,
    /// The signature may be right, but it is too old or from the future.
    Stale,
}

impl Refusal {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Refusal::NoSecret => "no_secret",
            Refusal::Unproven => "unproven",
            Refusal::WrongToken => "wrong_token",
            Refusal::WrongSignature => "wrong_signature",
            Refusal::Stale => "stale",
        }
    }
}

/// Whether the verdict over `secrets` can only be given once the body is read.
///
/// A signature is looked at where one of the secrets can check it. Elsewhere the token decides: an administrator may have
/// added a signing token by hand, and that must not turn valid deliveries into refused ones. Nothing is lost by it, since
/// whoever has the token could leave the signature out.
pub(super) fn needs_body(headers: &HeaderMap, secrets: &[SecretString]) -> bool {
    headers.contains_key(SIGNATURE) && signing_keys(secrets).next().is_some()
}

/// The verdict over a delivery's headers and raw `body`. The body may be empty unless [`needs_body`].
pub(super) fn authenticate(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[SecretString],
    now: Timestamp,
) -> Result<(), Refusal> {
    if needs_body(headers, secrets) {
        return check_signature(headers, body, secrets, now);
    }
    check_token(headers, secrets)
}

fn check_token(headers: &HeaderMap, secrets: &[SecretString]) -> Result<(), Refusal> {
    let Some(token) = headers.get(TOKEN) else {
        return Err(Refusal::Unproven);
    };
    // A newline at the end of a Secret is not part of it: GitLab drops it too, and no header could carry it.
    let usable = || secrets.iter().map(|secret| secret.expose_secret().trim()).filter(|secret| !secret.is_empty());
    if usable().next().is_none() {
        return Err(Refusal::NoSecret);
    }
    // Every secret is compared, so that the time taken does not tell which one was right.
    let equal = usable().fold(Choice::from(0), |equal, secret| equal | same(token.as_bytes(), secret.as_bytes()));
    if bool::from(equal) { Ok(()) } else { Err(Refusal::WrongToken) }
}

fn check_signature(headers: &HeaderMap, body: &[u8], secrets: &[SecretString], now: Timestamp) -> Result<(), Refusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(timestamp)) = (text(ID), text(TIMESTAMP)) else {
        return Err(Refusal::WrongSignature);
    };
    let sent: i64 = timestamp.parse().map_err(|_| Refusal::WrongSignature)?;
    if sent.abs_diff(now.as_second()) > TOLERANCE.unsigned_abs() {
        return Err(Refusal::Stale);
    }

    let claimed: Vec<Vec<u8>> = headers
        .get_all(SIGNATURE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split_ascii_whitespace())
        .filter_map(|signature| BASE64.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    for key in signing_keys(secrets) {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| Refusal::WrongSignature)?;
        mac.update(id.as_bytes());
        mac.update(b".");
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        // `verify_slice` compares in constant time.
        if claimed.iter().any(|signature| mac.clone().verify_slice(signature).is_ok()) {
            return Ok(());
        }
    }
    Err(Refusal::WrongSignature)
}

fn signing_keys(secrets: &[SecretString]) -> impl Iterator<Item = Vec<u8>> {
    secrets
        .iter()
        .filter_map(|secret| BASE64.decode(secret.expose_secret().trim().strip_prefix(SIGNING_PREFIX)?).ok())
        .filter(|key| !key.is_empty())
}

/// Whether two byte strings are equal, in a time that tells neither where they differ nor how long the secret one is.
fn same(left: &[u8], right: &[u8]) -> Choice {
    Sha256::digest(left).as_slice().ct_eq(Sha256::digest(right).as_slice())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    // The vector of GitLab's documentation.
    const KEY: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const BODY: &[u8] = br#"{"object_kind":"merge_request"}"#;
    const GOOD: &str = "v1,9BHFx52Ly8/6TNGpOTc7FjFZDHeps5sLVh07VzDeYTo=";
    const SENT: i64 = 1_744_578_123;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    fn signed(signature: &str) -> HeaderMap {
        headers(&[
            ("webhook-id", "f5e5f430-f57b-4e6e-9fac-d9128cd7232f"),
            ("webhook-timestamp", "1744578123"),
            ("webhook-signature", signature),
        ])
    }

    fn secrets(secrets: &[&str]) -> Vec<SecretString> {
        secrets.iter().map(|secret| SecretString::from(*secret)).collect()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_documented_signature_is_accepted() {
        assert_eq!(authenticate(&signed(GOOD), BODY, &secrets(&[KEY]), at(SENT)), Ok(()));
    }

    #[test]
    fn any_signature_of_the_list_and_any_key_will_do() {
        let list = format!("v1,AAAA v2,other {GOOD}");
        let keys = secrets(&["plain", "whsec_b3RoZXI=", KEY]);

        assert_eq!(authenticate(&signed(&list), BODY, &keys, at(SENT)), Ok(()));
    }

    #[test]
    fn a_key_that_lost_its_padding_still_works() {
        assert_eq!(authenticate(&signed(GOOD), BODY, &secrets(&[KEY.trim_end_matches('=')]), at(SENT)), Ok(()));
    }

    #[test]
    fn one_changed_byte_breaks_the_signature() {
        let body = br#"{"object_kind":"merge_requesT"}"#;

        assert_eq!(authenticate(&signed(GOOD), body, &secrets(&[KEY]), at(SENT)), Err(Refusal::WrongSignature));
    }

    #[test]
    fn a_signature_holds_for_five_minutes_either_way() {
        let verdict = |second| authenticate(&signed(GOOD), BODY, &secrets(&[KEY]), at(second));

        assert_eq!(verdict(SENT + 300), Ok(()));
        assert_eq!(verdict(SENT - 300), Ok(()));
        assert_eq!(verdict(SENT + 301), Err(Refusal::Stale));
        assert_eq!(verdict(SENT - 301), Err(Refusal::Stale));
    }

    #[test]
    fn a_timestamp_at_the_end_of_time_is_stale_and_not_a_panic() {
        for timestamp in [i64::MIN, i64::MAX] {
            let mut headers = signed(GOOD);
            headers.insert(TIMESTAMP, HeaderValue::from(timestamp));

            assert_eq!(authenticate(&headers, BODY, &secrets(&[KEY]), at(SENT)), Err(Refusal::Stale));
        }
    }

    #[test]
    fn a_wrong_signature_is_not_saved_by_a_right_token() {
        let mut headers = signed("v1,AAAA");
        headers.insert(TOKEN, HeaderValue::from_static("plain"));

        let verdict = authenticate(&headers, BODY, &secrets(&["plain", KEY]), at(SENT));

        assert_eq!(verdict, Err(Refusal::WrongSignature));
    }

    #[test]
    fn a_signature_that_nobody_can_check_leaves_the_token_to_decide() {
        let mut headers = signed(GOOD);
        headers.insert(TOKEN, HeaderValue::from_static("plain"));

        assert_eq!(authenticate(&headers, BODY, &secrets(&["plain"]), at(SENT)), Ok(()));
        assert_eq!(authenticate(&headers, BODY, &secrets(&["other"]), at(SENT)), Err(Refusal::WrongToken));
    }

    #[test]
    fn an_id_without_a_signature_does_not_ask_for_one() {
        let headers = headers(&[("webhook-id", "1"), ("webhook-timestamp", "1"), ("x-gitlab-token", "plain")]);

        assert_eq!(authenticate(&headers, BODY, &secrets(&["plain", KEY]), at(SENT)), Ok(()));
    }

    #[test]
    fn any_accepted_secret_opens_and_no_other() {
        let verdict =
            |token| authenticate(&headers(&[("x-gitlab-token", token)]), b"", &secrets(&["new", "old"]), at(0));

        assert_eq!(verdict("new"), Ok(()));
        assert_eq!(verdict("old"), Ok(()));
        for wrong in ["", "ne", "newx", "NEW", "new old"] {
            assert_eq!(verdict(wrong), Err(Refusal::WrongToken), "{wrong:?}");
        }
    }

    #[test]
    fn a_newline_at_the_end_of_a_secret_is_not_part_of_it() {
        let token = headers(&[("x-gitlab-token", "new")]);

        assert_eq!(authenticate(&token, b"", &secrets(&["new\n"]), at(0)), Ok(()));
        assert_eq!(authenticate(&signed(GOOD), BODY, &secrets(&[&format!("{KEY}\n")]), at(SENT)), Ok(()));
    }

    #[test]
    fn no_secret_and_no_proof_are_refused() {
        let empty_token = headers(&[("x-gitlab-token", "")]);

        assert_eq!(authenticate(&empty_token, b"", &[], at(0)), Err(Refusal::NoSecret));
        assert_eq!(authenticate(&empty_token, b"", &secrets(&["", "\n"]), at(0)), Err(Refusal::NoSecret));
        assert_eq!(authenticate(&HeaderMap::new(), b"", &secrets(&["new"]), at(0)), Err(Refusal::Unproven));
        assert_eq!(authenticate(&signed(GOOD), BODY, &secrets(&["whsec_"]), at(SENT)), Err(Refusal::Unproven));
    }

    #[test]
    fn comparing_tells_equal_from_different() {
        assert!(bool::from(same(b"secret", b"secret")));
        assert!(!bool::from(same(b"secret", b"secreT")));
        assert!(!bool::from(same(b"secret", b"secret ")));
        assert!(bool::from(same(b"", b"")));
    }
}
