//! Serves a generated GitLab, for the demo, for benchmarks and for trying things.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use gitlab_simulator::world::{Edition, Role, Scale, Scope, Version};
use gitlab_simulator::{Options, Simulator, World};
use jiff::Timestamp;

/// A GitLab that behaves: state, REST, GraphQL, webhooks and faults.
#[derive(Debug, Parser)]
#[command(
    disable_version_flag = true,
    after_help = "Every option can be set by an environment variable as well, such as GITLAB_SIMULATOR_RATE_LIMIT.\n\
                  Faults and all that can happen are told in simulator/README.md, and by GET /-/simulator."
)]
struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080", env = "GITLAB_SIMULATOR_LISTEN", hide_env = true)]
    listen: SocketAddr,
    /// A relative root, such as /gitlab.
    #[arg(long, default_value = "", env = "GITLAB_SIMULATOR_ROOT", hide_env = true)]
    root: String,
    /// The same seed gives the same GitLab.
    #[arg(long, default_value_t = 1, env = "GITLAB_SIMULATOR_SEED", hide_env = true)]
    seed: u64,
    /// Projects, in the group `acme` and its subgroups.
    #[arg(long, default_value_t = 10, env = "GITLAB_SIMULATOR_PROJECTS", hide_env = true)]
    projects: usize,
    /// Merge requests for each project; some have more, some have less. Ten million in all are fine.
    #[arg(long, default_value_t = 50, env = "GITLAB_SIMULATOR_MERGE_REQUESTS", hide_env = true)]
    merge_requests: usize,
    /// People; by default as many as the work takes.
    #[arg(long, env = "GITLAB_SIMULATOR_USERS", hide_env = true)]
    users: Option<usize>,
    /// The days that the history spans; by default one year, up to six for large companies.
    #[arg(long, env = "GITLAB_SIMULATOR_DAYS", hide_env = true)]
    days: Option<i64>,
    /// How long every request takes, such as 50ms.
    #[arg(long, default_value = "0ms", value_parser = duration, env = "GITLAB_SIMULATOR_LATENCY", hide_env = true)]
    latency: Duration,
    /// Requests per user and minute before 429; unlimited by default.
    #[arg(long, env = "GITLAB_SIMULATOR_RATE_LIMIT", hide_env = true)]
    rate_limit: Option<u32>,
    /// Lets things happen by themselves, so many a minute.
    #[arg(long, num_args = 0..=1, default_missing_value = "12", value_name = "PER_MINUTE", env = "GITLAB_SIMULATOR_LIVE", hide_env = true)]
    live: Option<f64>,
    /// Builds each answer anew, where GitLab serves lists of merge requests from a cache of eight hours.
    #[arg(long, env = "GITLAB_SIMULATOR_NO_LIST_CACHE", hide_env = true)]
    no_list_cache: bool,
    /// Anonymous requests per address and minute before 429.
    #[arg(long, env = "GITLAB_SIMULATOR_ANONYMOUS_RATE_LIMIT", hide_env = true)]
    anonymous_rate_limit: Option<u32>,
    /// All requests per address and minute before 429.
    #[arg(long, env = "GITLAB_SIMULATOR_ADDRESS_RATE_LIMIT", hide_env = true)]
    address_rate_limit: Option<u32>,
    /// Prints every route of REST, with the version and edition that have it, and ends.
    #[arg(long)]
    routes: bool,
    /// Tells every route that was asked for and is not there on standard error, once.
    #[arg(long, env = "GITLAB_SIMULATOR_STRICT", hide_env = true)]
    strict: bool,
    /// `ce`, `ee`, or `ee-unlicensed`, where group hooks never fire.
    #[arg(long, default_value = "ee", value_parser = edition, env = "GITLAB_SIMULATOR_EDITION", hide_env = true)]
    edition: Edition,
    /// GitLab's version, 15.0 to 19.x.
    #[arg(long, default_value = "19.1.0", value_parser = version, env = "GITLAB_SIMULATOR_VERSION", hide_env = true)]
    version: Version,
    /// A token with scope `api` whose bot owns `acme`.
    #[arg(long, default_value = "glpat-simulator-owner", env = "GITLAB_SIMULATOR_TOKEN", hide_env = true)]
    token: String,
    /// A token with scope `read_api` whose bot is Developer in `acme`.
    #[arg(long, default_value = "glpat-simulator-reader", env = "GITLAB_SIMULATOR_READER_TOKEN", hide_env = true)]
    reader_token: String,
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| format!("{text:?} is not a time such as 50ms or 2s"))?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        _ => Err(format!("{text:?} is not a time such as 50ms or 2s")),
    }
}

fn edition(text: &str) -> Result<Edition, String> {
    Edition::from_name(text).ok_or_else(|| "known editions: ce, ee, ee-unlicensed".to_owned())
}

fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| format!("{text:?} is not a version such as 19.1.0"))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "gitlab-simulator: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> std::io::Result<()> {
    if args.routes {
        return print_routes();
    }
    let world = world(&args);
    let options = Options {
        listen: args.listen,
        root: args.root.trim_end_matches('/').to_owned(),
        latency: args.latency,
        tls: None,
        live: args.live,
        strict: args.strict,
    };
    let simulator = Simulator::start(world, options).await?;
    introduce(&simulator, &args)?;
    tokio::signal::ctrl_c().await
}

fn world(args: &Args) -> World {
    let merge_requests = args.projects * args.merge_requests;
    let years = match merge_requests {
        0..100_000 => 1,
        100_000..1_000_000 => 3,
        _ => 6,
    };
    let days = args.days.unwrap_or(360 * years);
    // A day of somebody's work each.
    let work = merge_requests / usize::try_from(days).unwrap_or(1).max(1);
    let people = args.users.unwrap_or_else(|| work.max(20));
    let until = Timestamp::now();
    let scale = Scale { projects: args.projects, merge_requests, people, days, until };
    let mut world = World::company(args.seed, scale)
        .with_edition(args.edition)
        .with_group_token(&args.token, "acme", Role::Owner, &[Scope::Api])
        .with_group_token(&args.reader_token, "acme", Role::Developer, &[Scope::ReadApi]);
    world.settings.version = args.version;
    world.settings.rate_limit = args.rate_limit;
    world.settings.anonymous_rate_limit = args.anonymous_rate_limit;
    world.settings.address_rate_limit = args.address_rate_limit;
    world.settings.cache_lists = !args.no_list_cache;
    world
}

fn print_routes() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for [method, template, since, edition] in gitlab_simulator::routes() {
        let line = format!("{method:<6} {template:<80} {since:<6} {edition}");
        writeln!(out, "{}", line.trim_end())?;
    }
    out.flush()
}

fn introduce(simulator: &Simulator, args: &Args) -> std::io::Result<()> {
    let url = simulator.url();
    let text = simulator.read(|world| {
        let groups: Vec<&str> = world.groups().map(|group| group.full_path.as_str()).collect();
        format!(
            "GitLab {} at {url}\n\
             groups          {}\n\
             projects        {}\n\
             merge requests  {}\n\
             owner token     {} (api)\n\
             reader token    {} (read_api)\n\
             \n\
             Try:\n  \
             curl -H 'PRIVATE-TOKEN: {}' {url}/api/v4/groups/acme/projects\n  \
             curl -X POST {url}/-/simulator/live\n  \
             curl {url}/-/simulator/counts\n  \
             curl -d '{{\"pattern\":\"GET /groups*\",\"kind\":\"retry_later\",\"seconds\":2,\"times\":3}}' {url}/-/simulator/faults\n",
            world.settings.full_version(),
            groups.join(" "),
            world.projects().count(),
            world.merge_request_count(),
            args.token,
            args.reader_token,
            args.reader_token,
        )
    });
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
