//! Values that databases dislike.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a property becomes. Where a text is asked for and there is none, one is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Odd {
    /// Its text with a NUL in it, which PostgreSQL refuses.
    Nul,
    /// Its text with half of a surrogate pair, as JavaScript writes it: `\ud800`.
    LoneSurrogate,
    /// Its text with bytes that are not UTF-8.
    InvalidUtf8,
    /// Its text 10 MB long.
    HugeText,
    /// Its text 1,000 characters long.
    LongText,
    /// No text.
    EmptyText,
    /// A time in the year 0.
    YearZero,
    /// A time in the year 10000.
    YearTenThousand,
    /// A time whose offset is longer than a day.
    OffsetBeyondADay,
    /// A number, an id or the number at the end of a global id beyond 2³¹.
    #[serde(rename = "beyond_32_bits")]
    Beyond32Bits,
    /// The same beyond 2⁵³, which JavaScript rounds.
    #[serde(rename = "beyond_53_bits")]
    Beyond53Bits,
    /// The same beyond 2⁶⁴.
    #[serde(rename = "beyond_64_bits")]
    Beyond64Bits,
    /// Its number with a minus.
    Negative,
    /// Its number with a half.
    Fraction,
    /// Its number in quotes.
    Quoted,
    /// Null.
    Null,
    /// Left out.
    Absent,
    /// Any value at all.
    Value(Value),
}
