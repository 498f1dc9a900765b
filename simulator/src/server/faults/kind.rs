//! What goes wrong: the connection, HTTP, the JSON, GraphQL, or the World behind it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::odd::Odd;

/// What a 429 tells about time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tells {
    /// `Retry-After` in seconds, and `RateLimit-*`.
    #[default]
    Everything,
    /// `Retry-After` as a date.
    Date,
    /// `RateLimit-Reset` only.
    ResetOnly,
    /// Everything, by a clock that is an hour behind.
    WrongClock,
    /// Nothing.
    Nothing,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of a variant name its fields")]
pub enum FaultKind {
    /// The answer takes this many milliseconds longer.
    Latency { millis: u64 },
    /// The request is never answered.
    Hang,
    /// Headers and `at` bytes come, then nothing more.
    HangBody { at: usize },
    /// The body drips: a few bytes each time, with this many milliseconds between them.
    SlowBody { millis: u64 },
    /// Headers and body drip, a byte at a time.
    SlowWire { millis: u64 },
    /// The body ends in the middle, and the connection with it.
    CutBody,
    /// The same after `at` bytes; `declared` sends the `Content-Length` of the whole.
    Cut { at: usize, declared: bool },
    /// The answer is complete for HTTP, but its text ends after `at` bytes.
    Truncate { at: usize },
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset without an answer.
    Reset,
    /// This and all connections end, and new ones are refused for that many seconds of real time.
    Refuse { seconds: u64 },

    /// Rack::Attack's 429: plain text, with `Retry-After` and `RateLimit-*`.
    RetryLater { seconds: u64 },
    /// The same, telling less or something wrong about time.
    Throttled { seconds: u64, tells: Tells },
    /// The application limiter's 429: JSON, and no header that says how long.
    TooManyRequests,
    /// A status with GitLab's JSON body, 500 or 503 for instance.
    Status { status: u16 },
    /// A record in which this text occurs cannot be shown: the answer that it is in has this status instead, 500 for
    /// instance. Answers without it, of smaller pages perhaps, are whole.
    PoisonedBy { text: String, status: u16 },
    /// A status without a body.
    Empty { status: u16 },
    /// A page of HTML: a proxy's sign-in with 200, a block of the address with 403, GitLab's own with 502 or 503.
    Html { status: u16 },
    /// 301, 302 or 307 to an address; `{self}` stands for the address that was asked, so that it is a loop.
    Redirect { status: u16, to: String },
    /// The token is not accepted this time, in REST's or GraphQL's words.
    Unauthorized,
    /// 200 with this text for a body: nothing at all, `null`, anything.
    Body { text: String },
    /// Another `Content-Type`, or none.
    ContentType { value: Option<String> },
    /// The body in UTF-16, as it says.
    Utf16,
    /// These headers are missing.
    DropHeaders { names: Vec<String> },
    /// A header says something else.
    SetHeader { name: String, value: String },
    /// `Link` and `Location` lead to another base, such as `http://gitlab.internal:8080`.
    LinkBase { base: String },

    /// A property becomes an odd value: `title`, or `author.username`.
    Odd { property: String, odd: Odd },
    /// A property comes twice, the second time as null.
    DuplicateKey { property: String },
    /// Every so many items of a list are null; the list is the answer itself, or a property such as `nodes`.
    NullItems { property: Option<String>, every: usize },
    /// A list ends after so many items, whatever the headers say.
    FewerItems { property: Option<String>, keep: usize },
    /// The first rows of each page after the first are gone: they have moved to the page before.
    ShiftRows { by: usize },
    /// The page before comes again; in GraphQL the first one.
    RepeatPage,

    /// GraphQL fields that time out (`MergeRequest.diffStatsSummary`): null, an error, and HTTP 200.
    FieldTimeout { fields: Vec<String> },
    /// GraphQL fields that fail with a message; perhaps `pathless`, perhaps with the object around them null.
    FieldError {
        fields: Vec<String>,
        message: String,
        #[serde(default)]
        pathless: bool,
        #[serde(default)]
        parent: bool,
    },
    /// GraphQL fails as a whole, with this status; `data` says whether `"data": null` is there.
    Errors {
        message: String,
        status: u16,
        #[serde(default)]
        data: bool,
    },
    /// A GraphQL field (`MergeRequest.closedAt`) does not exist, as on a server of another version.
    UnknownField { name: String },
    /// Cursors of GraphQL are not accepted.
    CursorRefused,

    /// A server of another version answers, as during a rolling upgrade.
    OtherVersion { version: String },
    /// A verb of the control API happens before the request is answered, or after it was, if `late`.
    Happens {
        verb: String,
        #[serde(default)]
        with: Value,
        #[serde(default)]
        late: bool,
    },

    /// A delivery of a webhook is lost.
    Lost,
    /// A delivery of a webhook comes twice.
    Twice,
}

impl FaultKind {
    /// The same in a window that ends in so many seconds: a 429 says when.
    pub(super) fn for_a_window(self, left: u64) -> FaultKind {
        match self {
            FaultKind::RetryLater { .. } => FaultKind::RetryLater { seconds: left },
            FaultKind::Throttled { tells, .. } => FaultKind::Throttled { seconds: left, tells },
            other => other,
        }
    }
}
