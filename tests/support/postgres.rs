//! A throw-away PostgreSQL for the tests: one cluster a process, a fresh database a test.
//!
//! It listens on a socket in a temporary directory, and for pods on a port of this machine, does not wait for the disk, and dies with this process however
//! that ends: a shell holds the other end of a pipe of ours and stops the server when the pipe breaks.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use secrecy::{ExposeSecret, SecretString};

use super::ports::free_port;

/// A password that no output may contain.
pub(crate) const PASSWORD: &str = "hunter2-in-the-database";

struct Cluster {
    directory: PathBuf,
    port: u16,
    /// Whoever trusts this, in PEM, trusts the server as 127.0.0.1.
    authority: String,
    /// Holds the pipe; never waited for.
    _watchdog: Child,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The URL of a new, empty database.
pub(crate) async fn database() -> SecretString {
    encoded_in("UTF8").await
}

/// Who signed the server's certificate, in PEM.
pub(crate) fn authority() -> String {
    CLUSTER.get().unwrap().authority.clone()
}

/// A new database that keeps texts in another way.
pub(crate) async fn encoded_in(encoding: &str) -> SecretString {
    let cluster = tokio::task::spawn_blocking(|| CLUSTER.get_or_init(start)).await.unwrap();
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let status = Command::new(binaries().join("createdb"))
        .args([
            "--host",
            cluster.directory.to_str().unwrap(),
            "--port",
            &cluster.port.to_string(),
            "--username",
            "postgres",
            "--template",
            "template0",
            "--encoding",
            encoding,
            &name,
        ])
        .status()
        .unwrap();
    assert!(status.success(), "createdb failed");
    url("postgres", &name)
}

/// The URL for a role that needs a password, here a wrong one.
pub(crate) async fn url_with_wrong_password() -> SecretString {
    database().await;
    url(&format!("guarded:{PASSWORD}"), "postgres")
}

/// The same database for one who does not see the socket, such as a pod.
pub(crate) fn by_network(url: &SecretString) -> SecretString {
    let (before, _) = url.expose_secret().split_once("?host=").unwrap();
    before.replace("@localhost", "@127.0.0.1").into()
}

/// The same database for its owner, a role that may have so many connections at once.
pub(crate) fn limited_to(connections: u32, url: &SecretString) -> SecretString {
    let database = url.expose_secret().split(['/', '?']).nth(3).unwrap();
    let role = format!("few_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let cluster = CLUSTER.get().unwrap();
    say(cluster, &format!("create role {role} login connection limit {connections}"));
    say(cluster, &format!("alter database {database} owner to {role}"));
    self::url(&role, database)
}

fn url(role: &str, database: &str) -> SecretString {
    let cluster = CLUSTER.get().unwrap();
    format!("postgres://{role}@localhost:{}/{database}?host={}", cluster.port, cluster.directory.display()).into()
}

fn start() -> Cluster {
    let directory = std::env::temp_dir().join(format!("gitlab-connector-postgres-{}", std::process::id()));
    let data = directory.join("data");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir(&directory).unwrap();
    if root() {
        assert!(Command::new("chown").arg("postgres").arg(&directory).status().unwrap().success());
    }

    run(
        "initdb",
        &["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--username=postgres", "--pgdata", text(&data)],
    );
    let rules = "local all guarded scram-sha-256\nlocal all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all guarded 127.0.0.1/32 scram-sha-256\n";
    fs::write(data.join("pg_hba.conf"), rules).unwrap();
    let authority = certify(&data);
    let port = free_port();
    let settings = format!(
        "-c listen_addresses=127.0.0.1 -c ssl=on -c port={port} -c unix_socket_directories={} -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
         -c max_connections=200 -c log_min_messages=fatal",
        directory.display()
    );
    run(
        "pg_ctl",
        &[
            "start",
            "--wait",
            "--silent",
            "--pgdata",
            text(&data),
            "--log",
            text(&directory.join("log")),
            "--options",
            &settings,
        ],
    );
    let watchdog = watch(&directory, &data);

    let cluster = Cluster { directory, port, authority, _watchdog: watchdog };
    say(&cluster, "create role guarded login password 'another one'");
    cluster
}

/// Has the administrator say something.
fn say(cluster: &Cluster, sql: &str) {
    let status = Command::new(binaries().join("psql"))
        .args(["--quiet", "--host", text(&cluster.directory), "--port", &cluster.port.to_string()])
        .args(["--username", "postgres", "--command", sql, "postgres"])
        .status()
        .unwrap();
    assert!(status.success(), "psql failed");
}

/// Gives the server a certificate, and the authority that signed it.
fn certify(data: &Path) -> String {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().signed_by(&key, &authority).unwrap();
    fs::write(data.join("server.crt"), certificate.pem()).unwrap();
    // PostgreSQL takes no key that others may read.
    let file = data.join("server.key");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, key.serialize_pem()).unwrap();
    if root() {
        assert!(Command::new("chown").arg("postgres").arg(&file).status().unwrap().success());
    }
    authority.pem()
}

/// Stops the server when this process is gone, be it by a panic or a signal.
fn watch(directory: &Path, data: &Path) -> Child {
    let script = format!(
        "read -r _; {prefix} {ctl} stop --mode immediate --silent --pgdata {data}; rm -rf {directory}",
        prefix = if root() { "runuser -u postgres --" } else { "" },
        ctl = binaries().join("pg_ctl").display(),
        data = data.display(),
        directory = directory.display(),
    );
    // Interrupting the tests from a terminal must not take the watchdog along.
    let script = format!("trap '' INT TERM HUP; {script}");
    Command::new("sh")
        .arg("-c")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs one of PostgreSQL's programs as a user that it accepts.
fn run(program: &str, arguments: &[&str]) {
    let program = binaries().join(program);
    let mut command = if root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    let status = command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{} failed", program.display());
}

fn root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

/// The newest PostgreSQL of the machine.
fn binaries() -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is installed")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    versions.sort();
    versions.pop().expect("PostgreSQL is installed").join("bin")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
