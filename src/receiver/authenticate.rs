//! Is this delivery from the GitLab we know? Pure: headers, body, secrets and the time go in, a verdict comes out.
//!
//! GitLab proves itself in one of two ways, see `webhook-signature` and `X-Gitlab-Token` below. A connection without a
//! secret accepts nothing: a receiver that trusts anyone would let anyone write into the database.

use std::fmt;

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

/// The longest token that is looked at. GitLab's field takes 255 characters.
const LONGEST_TOKEN: usize = 1024;

/// The secrets of a connection, ready to be held against what is sent: any of them will do. None accepts nothing.
#[derive(Clone, Default)]
pub struct Accepted {
    /// Digests, so that comparing tells neither where two secrets differ nor how long they are.
    tokens: Vec<[u8; 32]>,
    /// The keys of those that start with `whsec_`, which check signatures too.
    keys: Vec<Vec<u8>>,
}

impl Accepted {
    /// Makes secrets ready. A newline at the end of one is not part of it: GitLab drops it too, and no header could carry it.
    #[must_use]
    pub fn of(secrets: &[SecretString]) -> Accepted {
        let usable = || secrets.iter().map(|secret| secret.expose_secret().trim()).filter(|secret| !secret.is_empty());
        let key = |secret: &str| BASE64.decode(secret.strip_prefix(SIGNING_PREFIX)?).ok();
        Accepted {
            tokens: usable().map(|secret| Sha256::digest(secret).into()).collect(),
            keys: usable().filter_map(key).filter(|key| !key.is_empty()).collect(),
        }
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted").field("secrets", &self.tokens.len()).finish_non_exhaustive()
    }
}

/// What a sender shows for itself, made ready once for however many connections it is held against.
pub(super) struct Proof<'h> {
    headers: &'h HeaderMap,
    /// The digest of the token, if one was sent; none fits a token that is too long to be one.
    token: Option<Option<[u8; 32]>>,
}

impl<'h> Proof<'h> {
    pub(super) fn of(headers: &'h HeaderMap) -> Proof<'h> {
        let digest = |token: &[u8]| (token.len() <= LONGEST_TOKEN).then(|| Sha256::digest(token).into());
        Proof { headers, token: headers.get(TOKEN).map(|token| digest(token.as_bytes())) }
    }
}

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
pub(super) fn needs_body(proof: &Proof<'_>, accepted: &Accepted) -> bool {
    proof.headers.contains_key(SIGNATURE) && !accepted.keys.is_empty()
}

/// The verdict over what came with a delivery's raw `body`. The body may be empty unless [`needs_body`].
pub(super) fn authenticate(proof: &Proof<'_>, body: &[u8], accepted: &Accepted, now: Timestamp) -> Result<(), Refusal> {
    if needs_body(proof, accepted) {
        return check_signature(proof.headers, body, accepted, now);
    }
    check_token(proof, accepted)
}

fn check_token(proof: &Proof<'_>, accepted: &Accepted) -> Result<(), Refusal> {
    let Some(sent) = proof.token else {
        return Err(Refusal::Unproven);
    };
    if accepted.tokens.is_empty() {
        return Err(Refusal::NoSecret);
    }
    let sent = sent.ok_or(Refusal::WrongToken)?;
    // Every secret is compared, so that the time taken does not tell which one was right.
    let equal = accepted.tokens.iter().fold(Choice::from(0), |equal, token| equal | token.ct_eq(&sent));
    if bool::from(equal) { Ok(()) } else { Err(Refusal::WrongToken) }
}

fn check_signature(headers: &HeaderMap, body: &[u8], accepted: &Accepted, now: Timestamp) -> Result<(), Refusal> {
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
    for key in &accepted.keys {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Refusal::WrongSignature)?;
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

    fn secrets(secrets: &[&str]) -> Accepted {
        Accepted::of(&secrets.iter().map(|secret| SecretString::from(*secret)).collect::<Vec<_>>())
    }

    fn authenticate(headers: &HeaderMap, body: &[u8], accepted: &Accepted, now: Timestamp) -> Result<(), Refusal> {
        super::authenticate(&Proof::of(headers), body, accepted, now)
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

        assert_eq!(authenticate(&empty_token, b"", &secrets(&[]), at(0)), Err(Refusal::NoSecret));
        assert_eq!(authenticate(&empty_token, b"", &secrets(&["", "\n"]), at(0)), Err(Refusal::NoSecret));
        assert_eq!(authenticate(&HeaderMap::new(), b"", &secrets(&["new"]), at(0)), Err(Refusal::Unproven));
        assert_eq!(authenticate(&signed(GOOD), BODY, &secrets(&["whsec_"]), at(SENT)), Err(Refusal::Unproven));
    }

    #[test]
    fn a_token_of_a_length_that_none_has_is_wrong_and_not_even_hashed() {
        let long = "x".repeat(LONGEST_TOKEN + 1);
        let headers = headers(&[("x-gitlab-token", &long)]);

        assert_eq!(Proof::of(&headers).token, Some(None));
        assert_eq!(authenticate(&headers, b"", &secrets(&[&long]), at(0)), Err(Refusal::WrongToken));
    }

    #[test]
    fn secrets_cannot_be_printed() {
        assert_eq!(format!("{:?}", secrets(&["hunter2", KEY])), "Accepted { secrets: 2, .. }");
    }
}
