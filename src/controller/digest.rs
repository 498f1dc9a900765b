//! Short names for things that are too long for one.

use sha2::{Digest, Sha256};

/// Eight hexadecimal digits that depend on every part and on where it ends.
pub(super) fn short(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
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
