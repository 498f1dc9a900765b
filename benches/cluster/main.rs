//! What many connections cost: time until all are Ready, memory, CPU, and requests to GitLab and to the API server, of one
//! controller and one receiver on a real control plane, against one simulated GitLab.
//!
//! `cargo bench --bench cluster` measures 500 connections, each with a group, a webhook and no import.
//! `-- --connections N` measures N; `-- --imports` lets each import once, by a Job, into one PostgreSQL.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "a program that prints figures and may stop at the first surprise"
)]

mod counts;
mod place;
#[path = "../../tests/support/ports.rs"]
#[allow(dead_code, reason = "tests need more of it")]
mod ports;
#[path = "../../tests/support/postgres.rs"]
#[allow(dead_code, reason = "tests need more of it")]
mod postgres;
mod process;

use std::time::{Duration, Instant};

use counts::Counts;
use place::Place;
use process::{Process, Usage};

/// How often connections are looked at, and for how many intervals they are watched at rest.
const INTERVAL: Duration = Duration::from_secs(30);
const INTERVALS: u32 = 3;

/// What is measured.
#[derive(Debug, Clone, Copy)]
struct Plan {
    connections: usize,
    imports: bool,
}

fn main() {
    let mut plan = Plan { connections: 500, imports: false };
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--imports" => plan.imports = true,
            "--connections" => {
                let number = arguments.next().and_then(|number| number.parse().ok());
                plan.connections = number.expect("--connections takes a number");
            }
            other => panic!("not known: {other}"),
        }
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure(plan));
}

async fn measure(plan: Plan) {
    let place = Place::lay_out(plan).await;
    let receiver = Process::start(&place, "receiver").await;
    let mut controller = Process::start(&place, "controller").await;
    let empty = [controller.usage(), receiver.usage()];
    println!(
        "{} connections, each with a group, a project and a webhook, {}; looked at every {} s\n",
        plan.connections,
        if plan.imports { "imported once" } else { "no import" },
        INTERVAL.as_secs()
    );
    println!("memory without a connection: controller {:.1} MiB, receiver {:.1} MiB\n", empty[0].mib(), empty[1].mib());
    Row::head();

    let clock = Clock::start(&place, &controller, &receiver);
    place.apply_all().await;
    place.until_all_ready().await;
    clock.stop(plan, "from apply to all Ready");

    // What a first look leaves to a second.
    place.until_looked(plan.connections).await;
    let clock = Clock::start(&place, &controller, &receiver);
    place.until_looked(plan.connections * INTERVALS as usize).await;
    clock.stop(plan, &format!("at rest, {INTERVALS} intervals"));

    controller.end().await;
    controller = Process::start(&place, "controller").await;
    let clock = Clock::start(&place, &controller, &receiver);
    place.until_looked(plan.connections).await;
    clock.stop(plan, "after a restart of the controller");
    let full = [controller.usage(), receiver.usage()];
    for (name, (empty, full)) in ["controller", "receiver"].iter().zip(empty.iter().zip(full)) {
        #[allow(clippy::cast_precision_loss, reason = "a figure to print")]
        let each = (full.mib() - empty.mib()) * 1024.0 / plan.connections as f64;
        println!(
            "\n{name}: {:.1} MiB at the end, {:.1} MiB at most, {each:.1} KiB a connection",
            full.mib(),
            full.peak_mib()
        );
    }
    controller.end().await;
    receiver.end().await;
    place.leave();
}

/// What a phase began with.
struct Clock<'a> {
    place: &'a Place,
    processes: [&'a Process; 2],
    began: Instant,
    used: [Usage; 2],
    counts: Counts,
}

impl<'a> Clock<'a> {
    fn start(place: &'a Place, controller: &'a Process, receiver: &'a Process) -> Clock<'a> {
        let processes = [controller, receiver];
        let used = processes.map(Process::usage);
        Clock { place, processes, began: Instant::now(), used, counts: place.counts() }
    }

    /// Prints what the phase has cost.
    fn stop(self, plan: Plan, name: &str) {
        let wall = self.began.elapsed();
        let now = self.processes.map(Process::usage);
        let cpu = [0, 1].map(|of| now[of].cpu.saturating_sub(self.used[of].cpu).as_secs_f64());
        let counts = self.place.counts().since(&self.counts);
        Row { name, wall, cpu, memory: now.map(|usage| usage.mib()) }.print();
        counts.print(plan.connections);
    }
}

/// A line of the table.
struct Row<'a> {
    name: &'a str,
    wall: Duration,
    cpu: [f64; 2],
    memory: [f64; 2],
}

impl Row<'_> {
    fn head() {
        println!("{:<36} {:>8} {:>22} {:>22}", "", "", "CPU s", "memory MiB");
        println!(
            "{:<36} {:>8} {:>11} {:>10} {:>11} {:>10}",
            "", "wall s", "controller", "receiver", "controller", "receiver"
        );
    }

    fn print(&self) {
        let Row { name, wall, cpu: [controller, receiver], memory: [of_controller, of_receiver] } = self;
        println!(
            "{name:<36} {:>8.1} {controller:>11.2} {receiver:>10.2} {of_controller:>11.1} {of_receiver:>10.1}",
            wall.as_secs_f64()
        );
    }
}
