//! Short names for things that are too long for one.

use sha2::{Digest, Sha256};

/// Eight hexadecimal digits that depend on every part and on where it ends.
pub(super) fn short(parts: &[&str]) -> String {
    long(parts).chars().take(8).collect()
}

/// As [`short`], and nothing else has the same.
pub(super) fn long(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A number below 1000 that is always the same for a text.
pub(super) fn share(text: &str) -> i64 {
    let digest = Sha256::digest(text);
    let number = digest.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    i64::from(number % 1000)
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_digest_depends_on_the_parts_and_not_only_on_their_letters() {
        assert_eq!(short(&["ab", "c"]), short(&["ab", "c"]));
        assert_ne!(short(&["ab", "c"]), short(&["a", "bc"]));
        assert_eq!(short(&[]).len(), 8);
    }
}
