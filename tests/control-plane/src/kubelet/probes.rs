//! Startup, readiness and liveness of a container, asked for as the kubelet does.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, HTTPGetAction, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::downward::ADDRESS;
use super::process::Inside;

/// What the probes found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Started,
    Ready,
    Unready,
}

/// Probes `container` for as long as it runs and reports what changes. Comes back when it has to be restarted, with why.
pub(super) async fn watch(container: &Container, inside: &Inside, report: impl Fn(Health)) -> String {
    let prober =
        |probe, healthy| Prober { container, inside, probe, streak: Streak::new(probe, healthy), begun: false };
    if let Some(probe) = &container.startup_probe
        && let Err(why) = prober(probe, None).change().await
    {
        return format!("failed startup probe: {why}");
    }
    report(Health::Started);

    let readiness = async {
        let Some(probe) = &container.readiness_probe else { return };
        let mut prober = prober(probe, Some(false));
        loop {
            match prober.change().await {
                Ok(()) => report(Health::Ready),
                Err(why) => {
                    tracing::debug!(container = container.name, why, "not ready");
                    report(Health::Unready);
                }
            }
        }
    };
    let liveness = async {
        let Some(probe) = &container.liveness_probe else { return std::future::pending().await };
        let mut prober = prober(probe, Some(true));
        loop {
            if let Err(why) = prober.change().await {
                return format!("failed liveness probe: {why}");
            }
        }
    };
    let never = async {
        readiness.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        why = liveness => why,
        () = never => String::new(),
    }
}

/// Asks once, within the probe's time.
pub(super) async fn ask(container: &Container, inside: &Inside, probe: &Probe) -> Result<(), String> {
    let limit = seconds(probe.timeout_seconds, 1).max(Duration::from_secs(1));
    if let Some(exec) = &probe.exec {
        // The command is killed in the container when its time is over.
        return inside.run(exec.command.as_deref().unwrap_or_default(), limit).await;
    }
    let asked = async {
        if let Some(get) = &probe.http_get {
            return http_get(container, get).await;
        }
        let socket = probe.tcp_socket.as_ref().ok_or("the probe names no action")?;
        let port = port(container, &socket.port)?;
        let address = (socket.host.as_deref().unwrap_or(ADDRESS), port);
        TcpStream::connect(address).await.map(drop).map_err(|error| format!("port {port}: {error}"))
    };
    timeout(limit, asked).await.unwrap_or_else(|_| Err(format!("no answer within {limit:?}")))
}

struct Prober<'a> {
    container: &'a Container,
    inside: &'a Inside,
    probe: &'a Probe,
    streak: Streak,
    begun: bool,
}

impl Prober<'_> {
    /// Probes until the verdict changes: to good, or to bad with the reason.
    async fn change(&mut self) -> Result<(), String> {
        loop {
            let pause = if self.begun {
                seconds(self.probe.period_seconds, 10).max(Duration::from_secs(1))
            } else {
                seconds(self.probe.initial_delay_seconds, 0)
            };
            sleep(pause).await;
            self.begun = true;
            let answer = ask(self.container, self.inside, self.probe).await;
            if self.streak.changes(answer.is_ok()) {
                return answer;
            }
        }
    }
}

/// So many equal answers in a row change the verdict.
struct Streak {
    successes: i32,
    failures: i32,
    verdict: Option<bool>,
    last: Option<bool>,
    length: i32,
}

impl Streak {
    fn new(probe: &Probe, verdict: Option<bool>) -> Self {
        Self {
            successes: probe.success_threshold.unwrap_or(1).max(1),
            failures: probe.failure_threshold.unwrap_or(3).max(1),
            verdict,
            last: None,
            length: 0,
        }
    }

    fn changes(&mut self, passed: bool) -> bool {
        self.length = if self.last == Some(passed) { self.length + 1 } else { 1 };
        self.last = Some(passed);
        let enough = self.length >= if passed { self.successes } else { self.failures };
        let changes = enough && self.verdict != Some(passed);
        if changes {
            self.verdict = Some(passed);
        }
        changes
    }
}

async fn http_get(container: &Container, get: &HTTPGetAction) -> Result<(), String> {
    if get.scheme.as_deref() == Some("HTTPS") {
        return Err("this kubelet knows no HTTPS probes".to_owned());
    }
    let port = port(container, &get.port)?;
    let host = get.host.as_deref().unwrap_or(ADDRESS);
    let path = get.path.as_deref().unwrap_or("/");
    let failed = |error: std::io::Error| format!("GET http://{host}:{port}{path}: {error}");

    let mut stream = TcpStream::connect((host, port)).await.map_err(failed)?;
    let extra: String =
        get.http_headers.iter().flatten().map(|header| format!("{}: {}\r\n", header.name, header.value)).collect();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: kube-probe/1.33\r\nAccept: */*\r\n\
         Connection: close\r\n{extra}\r\n"
    );
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await.map_err(failed)?;
    match line.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok()) {
        Some(200..=399) => Ok(()),
        Some(code) => Err(format!("GET http://{host}:{port}{path}: status {code}")),
        None => Err(format!("GET http://{host}:{port}{path}: not HTTP")),
    }
}

fn port(container: &Container, port: &IntOrString) -> Result<u16, String> {
    let number = match port {
        IntOrString::Int(number) => Some(*number),
        IntOrString::String(name) => {
            let named = container.ports.iter().flatten().find(|port| port.name.as_deref() == Some(name));
            named.map(|port| port.container_port)
        }
    };
    number.and_then(|number| u16::try_from(number).ok()).ok_or_else(|| format!("no port is named {port:?}"))
}

fn seconds(value: Option<i32>, default: u64) -> Duration {
    Duration::from_secs(value.map_or(default, |value| u64::try_from(value).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(verdict: Option<bool>, answers: &[bool]) -> Vec<bool> {
        let probe = Probe { success_threshold: Some(2), failure_threshold: Some(3), ..Probe::default() };
        let mut streak = Streak::new(&probe, verdict);
        answers.iter().map(|answer| streak.changes(*answer)).collect()
    }

    #[test]
    fn only_enough_equal_answers_in_a_row_change_the_verdict() {
        let (yes, no) = (true, false);

        assert_eq!(verdicts(Some(true), &[no, no, yes, no, no, no]), [no, no, no, no, no, yes]);
        assert_eq!(verdicts(Some(false), &[yes, no, yes, yes, yes]), [no, no, no, yes, no]);
        assert_eq!(verdicts(None, &[no, no, no]), [no, no, yes]);
    }

    #[test]
    fn a_port_may_be_named() {
        let container: Container = serde_json::from_value(serde_json::json!({
            "name": "main", "ports": [{"name": "http", "containerPort": 8080}],
        }))
        .unwrap();

        assert_eq!(port(&container, &IntOrString::String("http".to_owned())), Ok(8080));
        assert_eq!(port(&container, &IntOrString::Int(80)), Ok(80));
        assert!(port(&container, &IntOrString::String("grpc".to_owned())).is_err());
    }
}
