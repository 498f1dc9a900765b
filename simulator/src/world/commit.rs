//! Commits and their names.

use std::fmt;

use jiff::Timestamp;

/// The name of a commit, and of a discussion: 40 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha(pub [u8; 20]);

impl Sha {
    /// A name that depends on the seed alone.
    #[must_use]
    pub fn from_seed(seed: u64) -> Sha {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut bytes = [0; 20];
        random.fill(&mut bytes);
        Sha(bytes)
    }

    /// A name as it is written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Sha> {
        let digits = text.as_bytes();
        let mut sha = Sha::default();
        if digits.len() != 40 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        for (byte, pair) in sha.0.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(sha)
    }

    /// The first eight digits.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl fmt::Display for Sha {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0_u8; 40];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        formatter.write_str(std::str::from_utf8(&hex).unwrap_or_default())
    }
}

impl fmt::Debug for Sha {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A commit, which knows its author by e-mail only.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Its name.
    pub sha: Sha,
    /// Its parents' names.
    pub parents: Vec<Sha>,
    /// The first line of the message.
    pub title: String,
    /// The whole message.
    pub message: String,
    /// As Git wrote it.
    pub author_name: String,
    /// As Git wrote it.
    pub author_email: String,
    /// When the change was written.
    pub authored_at: Timestamp,
    /// When the commit was made.
    pub committed_at: Timestamp,
    /// Added lines.
    pub additions: i64,
    /// Deleted lines.
    pub deletions: i64,
}
