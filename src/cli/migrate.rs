//! `gitlab-connector migrate`.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{DONE, Failure, say};
use crate::store::Store;

/// Which database.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Args {
    /// postgres://user:password@host/database, or sqlite:path. A password is better kept in a file: others can see a command line.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database: Option<SecretString>,

    /// A file that holds the URL of the database.
    #[arg(long, value_name = "FILE")]
    database_url_file: Option<PathBuf>,
}

pub(super) async fn run(args: &Args) -> Result<u8, Failure> {
    let url = match (&args.database, &args.database_url_file) {
        (Some(url), _) => url.clone(),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file)
                .map_err(|error| Failure::bad_input(format!("--database-url-file {}: {error}", file.display())))?;
            SecretString::from(text.trim().to_owned())
        }
        (None, None) => return Err(Failure::bad_input("name a database with --database or --database-url-file")),
    };
    let store = Store::open(&url).await.map_err(Failure::failed)?;
    let migrated = store.migrate().await.map_err(Failure::failed)?;
    if migrated.from == migrated.to {
        say(&format!("the schema is up to date (version {})\n", migrated.to));
    } else {
        say(&format!("the schema went from version {} to version {}\n", migrated.from, migrated.to));
    }
    Ok(DONE)
}
