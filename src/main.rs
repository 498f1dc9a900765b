//! The one binary; see `gitlab-connector --help`.

fn main() {}
