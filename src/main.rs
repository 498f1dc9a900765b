//! The one binary; see `gitlab-connector --help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    gitlab_connector::cli::run().await
}
