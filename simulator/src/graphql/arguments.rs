//! The arguments of a field.

use serde_json::Value as Json;

/// The arguments of a field, variables and defaults filled in.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    values: Vec<(String, Json)>,
    /// Whether the answer's `count` is asked for, so worth counting.
    pub(crate) counted: bool,
    /// Whether its `totalTimeToMerge` is.
    pub(crate) summed: bool,
    /// The most that a page holds.
    pub(crate) page_size: i64,
}

impl Arguments {
    /// Arguments with these values.
    pub(crate) fn of_values(values: Vec<(String, Json)>, counted: bool, summed: bool, page_size: i64) -> Arguments {
        Arguments { values, counted, summed, page_size }
    }

    /// An argument that was given, or has a default, and is not null.
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        let (_, value) = self.values.iter().find(|(known, _)| known == name)?;
        Some(value).filter(|value| !value.is_null())
    }

    /// A string, an enum value or an ID.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A boolean; false when absent.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Json::as_bool).unwrap_or_default()
    }

    /// A list; one value is a list of one.
    pub(crate) fn list(&self, name: &str) -> Option<&[Json]> {
        let value = self.get(name)?;
        Some(value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice))
    }

    /// A list of strings.
    pub(crate) fn texts(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.list(name)?.iter().filter_map(Json::as_str).collect())
    }

    /// A number of things; none when absent or negative.
    pub(crate) fn size(&self, name: &str) -> usize {
        let number = self.get(name).and_then(Json::as_i64).unwrap_or_default();
        usize::try_from(number).unwrap_or_default()
    }

    /// Whether nothing else was given than some of these.
    pub(crate) fn only(&self, names: &[&str]) -> bool {
        self.values.iter().all(|(name, value)| value.is_null() || names.contains(&name.as_str()))
    }

    /// Whether a list was given that names nothing.
    pub(crate) fn has_empty_list(&self) -> bool {
        self.values.iter().any(|(_, value)| value.as_array().is_some_and(Vec::is_empty))
    }
}
