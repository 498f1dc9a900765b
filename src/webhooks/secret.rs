//! A secret for GitLab to send along.

use rustls::crypto::ring;
use secrecy::SecretString;

/// A new secret: 32 random bytes in hexadecimal. `None` where the system gives no randomness.
#[must_use]
pub fn new_secret() -> Option<SecretString> {
    let mut bytes = [0_u8; 32];
    ring::default_provider().secure_random.fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
}
