//! Leaves of an answer as JSON: most of an answer's bytes, so each is written in one piece.

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::world::Sha;

/// A text, quoted.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    if is_plain(text.as_bytes()) {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(out, text);
    }
}

/// Whether nothing has to be escaped. Most texts are short, and byte by byte that would take longer than writing them: so
/// the bytes are looked at in blocks, of which the last one may overlap what is before it.
fn is_plain(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<32>() else {
        let ends = plain_ends::<16>(bytes).or_else(|| plain_ends::<8>(bytes)).or_else(|| plain_ends::<4>(bytes));
        return ends.unwrap_or_else(|| plain_bytes(bytes));
    };
    let (blocks, _) = bytes.as_chunks::<32>();
    plain_bytes(last) & plain_bytes(blocks.as_flattened())
}

/// The same for a text of no more than two blocks, and at least one.
fn plain_ends<const N: usize>(bytes: &[u8]) -> Option<bool> {
    Some(plain_bytes(bytes.first_chunk::<N>()?) & plain_bytes(bytes.last_chunk::<N>()?))
}

/// Without an early end this takes many bytes at once.
fn plain_bytes(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |plain, byte| plain & (*byte >= b' ') & (*byte != b'"') & (*byte != b'\\'))
}

pub(super) fn number(out: &mut Vec<u8>, number: i64) {
    let _ = serde_json::to_writer(out, &number);
}

/// A number that is sent as a string.
pub(super) fn digits(out: &mut Vec<u8>, value: i64) {
    out.push(b'"');
    number(out, value);
    out.push(b'"');
}

pub(super) fn global_id(out: &mut Vec<u8>, model: &str, id: i64) {
    out.extend_from_slice(b"\"gid://gitlab/");
    out.extend_from_slice(model.as_bytes());
    out.push(b'/');
    number(out, id);
    out.push(b'"');
}

/// Hexadecimal digits, quoted.
pub(super) fn sha(out: &mut Vec<u8>, sha: Sha) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut quoted = [b'"'; 42];
    for (pair, byte) in quoted[1..41].chunks_exact_mut(2).zip(sha.0) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    out.extend_from_slice(&quoted);
}

/// GraphQL's times are whole seconds, unlike REST's.
pub(super) fn time(out: &mut Vec<u8>, at: Timestamp) {
    let utc = Offset::UTC.to_datetime(at);
    let mut quoted = *b"\"0000-00-00T00:00:00Z\"";
    let year = u16::try_from(utc.year()).unwrap_or_default();
    let rest = [utc.month(), utc.day(), utc.hour(), utc.minute(), utc.second()];
    let rest = rest.map(|part| u16::try_from(part).unwrap_or_default());
    let parts = [year / 100, year % 100].into_iter().chain(rest);
    for (place, part) in [1, 3, 6, 9, 12, 15, 18].into_iter().zip(parts) {
        quoted[place] += (part / 10) as u8;
        quoted[place + 1] += (part % 10) as u8;
    }
    out.extend_from_slice(&quoted);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_are_json() {
        for sample in ["", "plain", "a \"quote\"", "back\\slash", "two\nlines", "\u{0}", "\u{1f}", "\u{7f}", "grün 🦊"]
        {
            assert_eq!(written(|out| text(out, sample)), serde_json::to_string(sample).unwrap());
        }
        // Wherever it stands, in texts of any length.
        for (length, place) in (1..70).flat_map(|length| (0..length).map(move |place| (length, place))) {
            for odd in ["\"", "\\", "\n"] {
                let sample = format!("{}{odd}{}", "a".repeat(place), "a".repeat(length - place - 1));
                assert_eq!(written(|out| text(out, &sample)), serde_json::to_string(&sample).unwrap());
            }
        }
    }

    #[test]
    fn times_and_names_of_commits_look_like_gitlab_s() {
        let at = "2026-07-01T08:05:09.999Z".parse().unwrap();
        let name = Sha::from_seed(7);

        assert_eq!(written(|out| time(out, at)), "\"2026-07-01T08:05:09Z\"");
        assert_eq!(written(|out| sha(out, name)), format!("\"{name}\""));
        assert_eq!(written(|out| global_id(out, "Note", -7)), "\"gid://gitlab/Note/-7\"");
    }
}
