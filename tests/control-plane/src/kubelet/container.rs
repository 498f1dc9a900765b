//! One container of a pod: started, probed, restarted as the policy says, and ended with the pod.

use std::fs::{self, OpenOptions};
use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateTerminated, LifecycleHandler, Pod, PodSpec, Probe,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use tokio::time::{Instant, sleep};

use super::backoff::Backoff;
use super::ledger::{self, Ledger};
use super::message;
use super::node::Node;
use super::probes::{self, Health};
use super::process::{Inside, Launch, Process};
use super::recipe::{self, Places};
use super::references::{self, References};
use super::status;
use super::stop::Stop;
use super::wait;

/// What the API server fills in where a pod does not say.
const GRACE_SECONDS: i64 = 30;

#[derive(Clone)]
pub(super) struct Supervisor<'a> {
    pub(super) node: &'a Node,
    pub(super) pod: &'a Pod,
    pub(super) spec: &'a PodSpec,
    pub(super) container: &'a Container,
    pub(super) init: bool,
    pub(super) ledger: &'a Ledger,
    pub(super) stop: Stop,
}

impl Supervisor<'_> {
    /// Runs the container until it need not run any more.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        // A container may have ended under an earlier kubelet.
        if self.exit_code().is_some_and(|code| !self.restarts(code)) {
            return;
        }
        while let Some(launch) = self.prepare().await {
            let begun = Instant::now();
            let code = self.once(&launch).await;
            if self.stop.is_asked() || !self.restarts(code) {
                return;
            }
            let pause = backoff.after(begun.elapsed());
            if pause.is_zero() {
                continue;
            }
            self.back_off(pause);
            tokio::select! {
                () = sleep(pause) => {}
                () = self.stop.asked() => return,
            }
        }
    }

    fn exit_code(&self) -> Option<i32> {
        let status = self.ledger.status(&self.container.name)?;
        status::ended(&status).map(|end| end.exit_code)
    }

    fn restarts(&self, code: i32) -> bool {
        ledger::restarts(self.spec, self.init, code)
    }

    /// Waits until everything that the container needs is there. Nothing when the pod ends before.
    async fn prepare(&mut self) -> Option<Launch> {
        let names = references::in_variables(self.spec);
        let namespace = self.pod.namespace().unwrap_or_default();
        let mut changes = self.node.changes.subscribe();
        loop {
            if self.stop.is_asked() {
                return None;
            }
            let Some(binary) = self.binary().await else {
                self.stop.asked().await;
                return None;
            };
            match self.recipe(binary).await {
                Ok(launch) => return Some(launch),
                Err(why) => self.wait_for("CreateContainerConfigError", why),
            }
            tokio::select! {
                () = wait::changed(&mut changes, &namespace, &names) => {}
                () = self.stop.asked() => return None,
            }
        }
    }

    /// The image's binary. An image that is not known is pulled in vain.
    async fn binary(&mut self) -> Option<PathBuf> {
        let image = self.container.image.clone().unwrap_or_default();
        let binary = self.node.images.get(&image);
        if binary.is_none() {
            let message = format!("failed to pull and unpack image {image:?}: this machine has no such image");
            self.wait_for("ErrImagePull", message);
            sleep(Duration::from_secs(1)).await;
            self.wait_for("ImagePullBackOff", format!("Back-off pulling image {image:?}"));
        }
        binary.cloned()
    }

    async fn recipe(&self, binary: PathBuf) -> Result<Launch, String> {
        if let Some(why) = recipe::unsupported(self.container) {
            return Err(why.to_owned());
        }
        let namespace = self.pod.namespace().unwrap_or_default();
        let client = &self.node.client;
        let references = References::read(client, &namespace, references::in_variables(self.spec))
            .await
            .map_err(|error| format!("cannot read what the variables name: {error}"))?;
        self.node.services.wait_until_ready().await.map_err(|error| error.to_string())?;
        let links = self.node.links(&namespace, self.spec.enable_service_links != Some(false));
        let places = self.places(binary).map_err(|error| format!("cannot prepare the container: {error}"))?;
        recipe::launch(self.pod, self.container, &references, &links, places)
    }

    fn places(&self, binary: PathBuf) -> io::Result<Places> {
        let namespace = self.pod.namespace().unwrap_or_default();
        let pod = self.node.directory.join("pods").join(self.pod.uid().unwrap_or_default());
        let name = &self.container.name;
        let places = Places {
            root: self.node.directory.join("root"),
            log: self.node.directory.join(format!("logs/{namespace}_{}_{name}.log", self.pod.name_any())),
            volumes: pod.join("volumes"),
            termination_log: pod.join("containers").join(name),
            base: self.node.base(&namespace)?,
            binary,
        };
        message::prepare(&places.termination_log)?;
        Ok(places)
    }

    /// One run of the container, from its start to its exit code.
    async fn once(&mut self, launch: &Launch) -> i32 {
        let restarts = self.restarted();
        let log_start = begin_log(&launch.log, restarts).unwrap_or_default();
        let started_at = Timestamp::now();
        let mut end = ContainerStateTerminated {
            started_at: Some(Time(started_at)),
            container_id: Some(format!(
                "process://{}-{}-{restarts}",
                self.pod.uid().unwrap_or_default(),
                self.container.name
            )),
            ..ContainerStateTerminated::default()
        };
        match launch.start(&self.node.machine).await {
            Ok(mut process) => {
                self.began(process.inside(), &end, &launch.command);
                end.exit_code = self.attend(&mut process).await;
                end.reason = Some(if end.exit_code == 0 { "Completed" } else { "Error" }.to_owned());
                end.message = self.last_words(launch, log_start, end.exit_code);
            }
            Err(why) => {
                end.exit_code = 128;
                end.reason = Some("StartError".to_owned());
                end.message = Some(why);
            }
        }
        end.finished_at = Some(Time(Timestamp::now()));
        let code = end.exit_code;
        self.ledger.ended(&self.container.name);
        let succeeded = self.init && code == 0;
        self.ledger.update(&self.container.name, |status| {
            status.state = Some(ContainerState { terminated: Some(end), ..ContainerState::default() });
            status.ready = succeeded;
            status.started = Some(false);
        });
        code
    }

    /// Counts this start, and says how often the container was restarted.
    fn restarted(&self) -> i32 {
        let mut restarts = 0;
        self.ledger.update(&self.container.name, |status| {
            let ended = status.state.clone().filter(|state| state.terminated.is_some());
            if ended.is_some() {
                status.last_state = ended;
            }
            if status.last_state.is_some() {
                status.restart_count += 1;
            }
            restarts = status.restart_count;
        });
        restarts
    }

    fn began(&self, inside: &Inside, end: &ContainerStateTerminated, command: &[String]) {
        tracing::debug!(pod = self.pod.name_any(), container = self.container.name, pid = inside.pid, ?command, "runs");
        self.ledger.runs(&self.container.name, inside.pid);
        self.ledger.update(&self.container.name, |status| {
            let running = ContainerStateRunning { started_at: end.started_at.clone() };
            status.state = Some(ContainerState { running: Some(running), ..ContainerState::default() });
            status.container_id.clone_from(&end.container_id);
            status.image_id = format!("local/{}", self.container.image.clone().unwrap_or_default());
        });
    }

    /// Stays with the process until it leaves, is found dead by its probes, or has to end with the pod.
    async fn attend(&mut self, process: &mut Process) -> i32 {
        let inside = process.inside().clone();
        let mut stop = self.stop.clone();
        let unwell = tokio::select! {
            code = process.wait() => return code,
            () = stop.asked() => None,
            why = probes::watch(self.container, &inside, |health| self.report(health)) => Some(why),
        };
        let Some(why) = unwell else {
            return self.end(process, async move { stop.due().await }).await;
        };

        tracing::info!(
            pod = self.pod.name_any(),
            container = self.container.name,
            why,
            "killed, and restarted if it may be"
        );
        let own = self.container.liveness_probe.as_ref().and_then(|probe| probe.termination_grace_period_seconds);
        let grace = grace(self.spec, own);
        let limit = async move {
            tokio::select! {
                () = sleep(grace) => {}
                () = stop.due() => {}
            }
        };
        self.end(process, limit).await
    }

    fn report(&self, health: Health) {
        let probed = self.container.readiness_probe.is_some();
        self.ledger.update(&self.container.name, |status| match health {
            Health::Started => {
                status.started = Some(true);
                status.ready = !probed && !self.init;
            }
            Health::Ready => status.ready = true,
            Health::Unready => status.ready = false,
        });
    }

    /// The hook, SIGTERM, and SIGKILL at the limit.
    async fn end(&self, process: &mut Process, limit: impl Future<Output = ()>) -> i32 {
        let graceful = async {
            self.before_stop(process.inside()).await;
            process.terminate().await;
            process.wait().await
        };
        tokio::select! {
            code = graceful => return code,
            () = limit => {}
        }
        process.kill().await;
        process.wait().await
    }

    async fn before_stop(&self, inside: &Inside) {
        let hook = self.container.lifecycle.as_ref().and_then(|lifecycle| lifecycle.pre_stop.clone());
        let Some(LifecycleHandler { exec, http_get, sleep: pause, tcp_socket: _ }) = hook else { return };
        if let Some(pause) = pause {
            sleep(Duration::from_secs(u64::try_from(pause.seconds).unwrap_or_default())).await;
            return;
        }
        // As patient as the pod's grace period, which cuts it off.
        let seconds = i32::try_from(grace(self.spec, None).as_secs()).ok();
        let action = Probe { exec, http_get, timeout_seconds: seconds, ..Probe::default() };
        if let Err(why) = probes::ask(self.container, inside, &action).await {
            tracing::warn!(pod = self.pod.name_any(), container = self.container.name, why, "preStop hook failed");
        }
    }

    fn last_words(&self, launch: &Launch, log_start: u64, code: i32) -> Option<String> {
        let target = self.container.termination_message_path.as_deref().unwrap_or("/dev/termination-log");
        let file = launch.mounts.iter().find(|mount| mount.target == target)?;
        let log = self.container.termination_message_policy.as_deref() == Some("FallbackToLogsOnError") && code != 0;
        message::read(&file.source).or_else(|| if log { message::tail(&launch.log, log_start) } else { None })
    }

    fn back_off(&self, pause: Duration) {
        let message = format!(
            "back-off {pause:?} restarting failed container={} pod={}_{}({})",
            self.container.name,
            self.pod.name_any(),
            self.pod.namespace().unwrap_or_default(),
            self.pod.uid().unwrap_or_default(),
        );
        self.wait_for("CrashLoopBackOff", message);
    }

    fn wait_for(&self, reason: &str, message: String) {
        self.ledger.update(&self.container.name, |status| {
            let ended = status.state.clone().filter(|state| state.terminated.is_some());
            if ended.is_some() {
                status.last_state = ended;
            }
            status::waiting(status, reason, Some(message));
        });
    }
}

/// How long a container may take to end.
pub(super) fn grace(spec: &PodSpec, own: Option<i64>) -> Duration {
    let seconds = own.or(spec.termination_grace_period_seconds).unwrap_or(GRACE_SECONDS);
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// Marks a restart in the log, and says where this run begins.
fn begin_log(path: &PathBuf, restarts: i32) -> io::Result<u64> {
    let mut log = OpenOptions::new().create(true).append(true).open(path)?;
    if restarts > 0 {
        writeln!(log, "--- restart {restarts} ---")?;
    }
    Ok(fs::metadata(path)?.len())
}
