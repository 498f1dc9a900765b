//! The versions whose schemas we know.

use crate::world::Version;

/// The versions whose schemas we know. A version between two has the schema of the older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    /// 15.5 and everything older.
    V15_5,
    /// 16.3
    V16_3,
    /// 17.2
    V17_2,
    /// 18.0
    V18_0,
    /// 19.1 and everything newer.
    V19_1,
}

impl Level {
    /// The level of a version.
    pub(crate) fn of(version: Version) -> Level {
        let since = [
            (Version::new(19, 1), Level::V19_1),
            (Version::new(18, 0), Level::V18_0),
            (Version::new(17, 2), Level::V17_2),
            (Version::new(16, 3), Level::V16_3),
        ];
        let known = since.into_iter().find(|(first, _)| version >= *first);
        known.map_or(Level::V15_5, |(_, level)| level)
    }
}
