//! How GitLab searches in columns: its `fuzzy_search` (lib/gitlab/sql/pattern.rb).

/// Whether one of the columns holds every word of three letters and more; a shorter text must be the whole column.
pub(super) fn matches<'c>(text: &str, columns: impl IntoIterator<Item = &'c str>) -> bool {
    let text = text.trim().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().filter(|word| word.chars().count() >= 3).collect();
    columns.into_iter().map(str::to_lowercase).any(|column| match words.as_slice() {
        [] => column == text,
        words => words.iter().all(|word| column.contains(word)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whatever_their_case_and_order() {
        assert!(matches("LOGIN add", ["Add login", ""]));
        assert!(!matches("login", ["Add logout", "Log in"]));
        assert!(!matches("ad", ["Add login"]), "two letters are no pattern");
        assert!(matches("qa", ["QA"]));
    }
}
