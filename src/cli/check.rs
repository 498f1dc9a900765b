//! `gitlab-connector check`.

use std::path::PathBuf;

use kube::Api;
use url::Url;

use super::{ACCESS_MISSING, DONE, FAILED, Failure, Output, cluster, matrix, say};
use crate::{
    access::{self, Access, Entry, Needs, Outcome, What},
    api::{GitLabConnection, GitLabConnectionSpec, Scope},
    cluster::fetch,
    connection,
    gitlab::{Client, Instance, Metrics, Token},
    guard::Consent,
    manifest,
    references::References,
};

/// What is looked at.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A connection in the cluster, which takes the right to read its Secrets.
    #[arg(conflicts_with_all = ["files", "url"])]
    name: Option<String>,

    #[command(flatten)]
    cluster: cluster::Args,

    /// Whether Secrets of the cluster are used only where they say so, as the installation has it.
    #[arg(long, value_name = "WHEN", env = "SECRET_CONSENT", default_value = "required")]
    secret_consent: Consent,

    /// Manifests of GitLabConnection and Secret; `-` is standard input.
    #[arg(short, long = "file", value_name = "FILE", conflicts_with = "url")]
    files: Vec<PathBuf>,

    /// Look at this connection of the files only.
    #[arg(long, value_name = "NAME", requires = "files")]
    connection: Option<String>,

    /// Root of a GitLab, such as https://gitlab.com/.
    #[arg(long, required_unless_present_any = ["files", "name"])]
    url: Option<Url>,

    /// A file that holds a token. Default: the environment variable GITLAB_TOKEN.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// A group to follow; may be given several times.
    #[arg(long = "group", value_name = "PATH")]
    groups: Vec<String>,

    /// A project to follow; may be given several times.
    #[arg(long = "project", value_name = "PATH")]
    projects: Vec<String>,

    /// Also look whether the token may manage webhooks.
    #[arg(long)]
    webhooks: bool,

    /// PEM certificates that are trusted beside the system's.
    #[arg(long, value_name = "FILE")]
    ca_bundle_file: Option<PathBuf>,

    /// How the answer is printed.
    #[arg(short, long, default_value = "text")]
    output: Output,
}

pub(super) async fn run(args: Args) -> Result<u8, Failure> {
    if let Some(name) = &args.name {
        return check_in_cluster(name, &args).await;
    }
    if args.cluster.is_given() {
        return Err(Failure::bad_input(
            "--namespace, --context and --kubeconfig find a connection in the cluster: give its NAME",
        ));
    }
    if !args.files.is_empty() {
        return check_files(&args).await;
    }
    let (instance, token) = given(&args)?;
    let client = Client::new(&instance, vec![token], &Metrics::default()).map_err(Failure::bad_input)?;
    let scope = Scope {
        groups: args.groups.iter().map(|group| group.as_str().into()).collect(),
        projects: args.projects.iter().map(|project| project.as_str().into()).collect(),
        exclude_projects: Vec::new(),
        include_subgroups: true,
        include_archived: true,
    };
    let names = client.token_names();
    let needs = Needs { hook_managers: if args.webhooks { names.clone() } else { Vec::new() }, readers: names };
    let access = access::verify(&client, &scope, &needs).await;
    print(&[(None, &access)], args.output)?;
    Ok(exit_code(&access, &needs))
}

async fn check_files(args: &Args) -> Result<u8, Failure> {
    let manifests = manifest::read(&args.files).map_err(Failure::bad_input)?;
    let wanted = |name: &str| args.connection.as_deref().is_none_or(|wanted| wanted == name);
    let (mut looked_at, mut worst) = (Vec::new(), DONE);
    for given in manifests.connections.iter().filter(|given| wanted(&given.name)) {
        let spec = &given.connection.spec;
        let (access, code) = look(&given.namespace, spec, &manifests.references).await?;
        worst = worst.max(code);
        looked_at.push((format!("{}/{}", given.namespace, given.name), access));
    }
    if looked_at.is_empty() {
        let name = args.connection.as_deref().unwrap_or_default();
        return Err(Failure::bad_input(format!("--connection: no GitLabConnection '{name}' in the files")));
    }
    let named: Vec<_> = looked_at.iter().map(|(name, access)| (Some(name.as_str()), access)).collect();
    print(&named, args.output)?;
    Ok(worst)
}

async fn check_in_cluster(name: &str, args: &Args) -> Result<u8, Failure> {
    let found = cluster::find(&args.cluster).await?;
    let namespace = &found.namespace;
    let connections: Api<GitLabConnection> = Api::namespaced(found.client.clone(), namespace);
    let spec = connections.get(name).await.map_err(|error| found.failure(&error))?.spec;
    let references = fetch(&found.client, namespace, &connection::named(&spec), args.secret_consent).await;
    let references = references.map_err(|error| found.failure(&error))?;
    let (access, code) = look(namespace, &spec, &references).await?;
    print(&[(Some(&format!("{namespace}/{name}")), &access)], args.output)?;
    Ok(code)
}

/// Asks GitLab with the tokens of a connection.
async fn look(namespace: &str, spec: &GitLabConnectionSpec, references: &References) -> Result<(Access, u8), Failure> {
    let observed = connection::observe(namespace, spec, references).map_err(Failure::bad_input)?;
    if let Some(missing) = observed.missing.first() {
        let message = format!("{}: {}", missing.field, missing.lookup);
        return Err(Failure { code: ACCESS_MISSING, message });
    }
    let client = observed.client(&Metrics::default()).map_err(Failure::bad_input)?;
    let needs = connection::needs(spec, &observed);
    let access = access::verify(&client, &spec.scope, &needs).await;
    let code = exit_code(&access, &needs);
    Ok((access, code))
}

fn given(args: &Args) -> Result<(Instance, Token), Failure> {
    let url =
        args.url.clone().ok_or_else(|| Failure::bad_input("--url: name the GitLab, or give manifests with -f"))?;
    // Never an option: others can see a command line.
    let secret = match (&args.token_file, std::env::var("GITLAB_TOKEN")) {
        (Some(file), _) => read(file, "--token-file")?.trim().to_owned(),
        (None, Ok(token)) if !token.is_empty() => token,
        (None, _) => return Err(Failure::bad_input("no token: set GITLAB_TOKEN, or name a file with --token-file")),
    };
    let mut instance = Instance::at(url);
    if let Some(file) = &args.ca_bundle_file {
        instance.ca_bundle = Some(read(file, "--ca-bundle-file")?.into_bytes());
    }
    Ok((instance, Token { name: "token".to_owned(), secret: secret.into() }))
}

fn read(file: &PathBuf, option: &str) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| Failure::bad_input(format!("{option} {}: {error}", file.display())))
}

/// The questions about webhooks.
const HOOKS: [What; 2] = [What::GroupHooks, What::ProjectHooks];

fn exit_code(access: &Access, needs: &Needs) -> u8 {
    let may_manage_hooks =
        needs.hook_managers.is_empty() || HOOKS.iter().any(|what| !access.hook_managers(*what).is_empty());
    let unknown = |entry: &Entry| HOOKS.contains(&entry.what) && entry.finding.outcome == Outcome::Unknown;
    match access.verdict().outcome {
        Outcome::Ok if may_manage_hooks => DONE,
        Outcome::Ok if access.matrix.iter().any(unknown) => FAILED,
        Outcome::Unknown => FAILED,
        Outcome::Ok | Outcome::Denied => ACCESS_MISSING,
    }
}

fn print(looked_at: &[(Option<&str>, &Access)], output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        let all: Vec<_> = looked_at.iter().map(|(name, access)| matrix::json(*name, access)).collect();
        let text = match all.as_slice() {
            [one] => serde_json::to_string_pretty(one),
            several => serde_json::to_string_pretty(several),
        };
        say(&(text.map_err(Failure::failed)? + "\n"));
        return Ok(());
    }
    for (name, access) in looked_at {
        say(&matrix::text(*name, access, matrix::Commands::All));
    }
    Ok(())
}
