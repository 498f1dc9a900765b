//! Plan once, claim dynamically, fetch, convert, commit.
