//! `control-plane up`: a Kubernetes on this machine until Ctrl-C.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use control_plane::{ControlPlane, Options, kubelet};
use tokio::signal::unix::{SignalKind, signal};

/// A Kubernetes on this machine, whose pods are processes, for tests and the demo.
#[derive(Debug, Parser)]
#[command(name = "control-plane")]
enum Command {
    /// Starts one and keeps it until Ctrl-C or SIGTERM.
    Up(Up),
}

#[derive(Debug, clap::Args)]
struct Up {
    /// Where its files go: kubeconfig, certificates, data, logs
    #[arg(long, value_name = "DIRECTORY")]
    directory: PathBuf,
    /// Write every request to audit.log in the directory
    #[arg(long)]
    audit: bool,
    /// A program that stands for a container image: pods of that image run it
    #[arg(long = "image", value_name = "NAME=BINARY", value_parser = image)]
    images: Vec<(String, PathBuf)>,
}

/// An image and its program.
fn image(text: &str) -> Result<(String, PathBuf), String> {
    let (name, binary) = text.split_once('=').ok_or("must be NAME=BINARY, such as tool:1=target/debug/tool")?;
    let binary = std::fs::canonicalize(binary).map_err(|error| format!("{binary}: {error}"))?;
    Ok((name.to_owned(), binary))
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Up(up) = Command::parse();
    match run(up).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_wrong(&format!("control-plane: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(up: Up) -> Result<(), Box<dyn Error>> {
    let mut terminated = signal(SignalKind::terminate())?;
    // Relative paths would mean something else to the servers.
    let directory = std::path::absolute(up.directory)?;
    let pods = directory.join("pods");
    let start = ControlPlane::start(Options { directory, audit: up.audit });
    let plane = tokio::select! {
        plane = start => plane?,
        _ = tokio::signal::ctrl_c() => return Ok(()),
        _ = terminated.recv() => return Ok(()),
    };
    say(&format!("control plane ready: {}", plane.url()));
    let options =
        kubelet::Options { directory: pods, images: up.images.into_iter().collect(), api_server: plane.address()? };
    let kubelet = kubelet::start(plane.client()?, options)?;
    say(&format!("kubeconfig: {}", plane.kubeconfig().display()));
    say(&format!("kubectl: {}", plane.kubectl().display()));
    say(&format!("helm: {}", plane.helm().display()));
    say("ready; Ctrl-C ends");

    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    kubelet.stop().await;
    Ok(())
}

#[allow(clippy::print_stdout, reason = "what a command says is its output")]
fn say(line: &str) {
    println!("{line}");
}

#[allow(clippy::print_stderr, reason = "what a command complains of is its output")]
fn say_wrong(line: &str) {
    eprintln!("{line}");
}
