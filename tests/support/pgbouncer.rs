//! A real pgbouncer before the tests' PostgreSQL, as its manual configures it: it lends a session for one transaction.
//!
//! It stops when the value is dropped, or this process is gone: a shell holds the other end of a pipe of ours.

use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::binary::Directory;
use super::ports::free_port;

/// A pooler, and the database behind it.
pub(crate) struct Pooler {
    /// The database by way of the pooler.
    pub(crate) url: SecretString,
    _shell: Child,
    _directory: Directory,
}

impl Pooler {
    /// A pooler that has so many sessions to lend.
    pub(crate) async fn before(database: &SecretString, sessions: u32) -> Pooler {
        Pooler::with(database, sessions, "").await
    }

    /// One that leaves start-up options out instead of refusing them.
    pub(crate) async fn lenient(database: &SecretString, sessions: u32) -> Pooler {
        Pooler::with(database, sessions, "ignore_startup_parameters = extra_float_digits, options\n").await
    }

    async fn with(database: &SecretString, sessions: u32, more: &str) -> Pooler {
        let url = Url::parse(database.expose_secret()).unwrap();
        let socket = url.query_pairs().find(|(name, _)| name == "host").unwrap().1.into_owned();
        let (directory, port) = (Directory::new(), free_port());
        let settings = format!(
            "[databases]\n* = host={socket} port={server} user=postgres\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = {sessions}\nmax_client_conn = 100\n{more}",
            server = url.port().unwrap(),
        );
        let file = directory.write("pgbouncer.ini", &settings);
        // It does not run as root.
        let script = format!(
            "trap '' INT TERM HUP; chmod 755 {directory}; \
             as=$([ $(id -u) = 0 ] && echo '-u postgres'); PATH=$PATH:/usr/sbin; \
             pgbouncer -q $as {file} & read -r _; kill $!",
            directory = directory.path().display(),
            file = file.display(),
        );
        let shell = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for attempt in 0.. {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                break;
            }
            assert!(attempt < 500, "pgbouncer does not listen; ./test installs it");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let url = format!("postgres://postgres@127.0.0.1:{port}{}", url.path()).into();
        Pooler { url, _shell: shell, _directory: directory }
    }
}
