//! Pods run as processes of this machine, and their status is what the kubelet of a real node reports.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first surprise; clippy.toml covers only functions marked as tests"
)]

#[path = "kubelet/world.rs"]
mod world;

use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use world::{Home, World, condition, container, end};

/// Sleeps until it is asked to end, as a well-behaved server does.
const SERVE: &str = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 1 & wait $!; done";

/// What the restricted Pod Security Standard asks of a container.
fn restricted() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "runAsNonRoot": true,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "capabilities": {"drop": ["ALL"]},
    })
}

#[tokio::test]
async fn a_job_fails_the_index_whose_exit_code_says_so_and_completes_the_others() {
    let home = Home::new().await;
    let script = "echo said by $JOB_COMPLETION_INDEX > /dev/termination-log; [ $JOB_COMPLETION_INDEX != 1 ] || exit 42";

    home.create::<Job>(json!({"metadata": {"name": "import"}, "spec": {
        "completionMode": "Indexed", "completions": 3, "parallelism": 3, "backoffLimitPerIndex": 6,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": [
            {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [42]}},
        ]},
        "template": {"spec": {"restartPolicy": "Never", "automountServiceAccountToken": false, "containers": [
            {"name": "main", "image": "busybox", "args": ["-c", script], "securityContext": restricted()},
        ]}},
    }}))
    .await;

    let finished = |job: &Job| {
        let conditions = job.status.as_ref().and_then(|status| status.conditions.clone()).unwrap_or_default();
        conditions.iter().any(|condition| condition.type_ == "Failed" && condition.status == "True")
    };
    let status = home.until("import", finished).await.status.unwrap();
    let pods = home.api::<Pod>().list(&ListParams::default()).await.unwrap();
    let mut ends: Vec<(i32, String, String)> = pods.iter().map(end).collect();
    ends.sort();
    assert_eq!((status.completed_indexes.as_deref(), status.failed_indexes.as_deref()), (Some("0,2"), Some("1")));
    let end = |code, reason: &str, message: &str| (code, reason.to_owned(), message.to_owned());
    let expected =
        [end(0, "Completed", "said by 0\n"), end(0, "Completed", "said by 2\n"), end(42, "Error", "said by 1\n")];
    assert_eq!(ends, expected);
}

#[tokio::test]
async fn a_deployment_becomes_available_by_its_probes_and_is_restarted_by_them() {
    let home = Home::new().await;
    let health = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = health.local_addr().unwrap().port();
    let (answer, answers) = tokio::sync::watch::channel("200 OK");
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = health.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            let answer = format!("HTTP/1.1 {}\r\ncontent-length: 0\r\n\r\n", *answers.borrow());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });

    home.create::<Deployment>(json!({"metadata": {"name": "web"}, "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"terminationGracePeriodSeconds": 5, "containers": [{
            "name": "main", "image": "busybox", "args": ["-c", format!("touch /tmp/ready; {SERVE}")],
            "ports": [{"name": "health", "containerPort": port}],
            "securityContext": restricted(), "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
            "startupProbe": {"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 1},
            "readinessProbe": {"tcpSocket": {"port": "health"}, "periodSeconds": 1},
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": "health"}, "periodSeconds": 1, "failureThreshold": 1},
        }], "volumes": [{"name": "tmp", "emptyDir": {}}]}},
    }}))
    .await;
    let available =
        |deployment: &Deployment| deployment.status.as_ref().and_then(|status| status.available_replicas) == Some(1);
    home.until("web", available).await;
    let pod = home.api::<Pod>().list(&ListParams::default()).await.unwrap().items.remove(0);
    let name = pod.name_any();
    assert_eq!(condition(&pod, "Ready").as_deref(), Some("True"));

    answer.send("503 Service Unavailable").unwrap();
    home.until(&name, |pod: &Pod| container(pod).restart_count == 1).await;
    answer.send("200 OK").unwrap();

    let restarted = home.until(&name, |pod: &Pod| {
        condition(pod, "Ready").as_deref() == Some("True") && container(pod).restart_count > 0
    });
    let last = container(&restarted.await).last_state.unwrap().terminated.unwrap();
    assert_eq!((last.exit_code, last.reason.as_deref()), (0, Some("Completed")));
    assert!(home.logs(&name).await.starts_with("up\nbye\n--- restart 1 ---\nup\n"));
}

#[tokio::test]
async fn a_killed_container_is_restarted_ever_later_and_its_end_is_remembered() {
    let home = Home::new().await;
    home.pod("crash", "sleep 1000", json!({}), json!({"terminationGracePeriodSeconds": 1})).await;

    for restarts in 0..=2 {
        let runs = |pod: &Pod| {
            let status = container(pod);
            status.restart_count == restarts && status.state.is_some_and(|state| state.running.is_some())
        };
        home.until("crash", runs).await;
        home.kill("crash").await;
    }

    let message = home.until_waiting("crash", "CrashLoopBackOff").await;
    let pod = home.until("crash", |pod: &Pod| container(pod).restart_count == 3).await;
    assert!(message.starts_with("back-off 1s restarting failed container=main pod=crash_"), "{message}");
    let last = container(&pod).last_state.unwrap().terminated.unwrap();
    assert_eq!((last.exit_code, last.reason.as_deref()), (137, Some("Error")));
}

#[tokio::test]
async fn a_container_sees_what_its_spec_names_and_nothing_else() {
    let home = Home::new().await;
    home.create::<Secret>(json!({"metadata": {"name": "password"}, "stringData": {"word": "hunter2"}})).await;
    home.create::<Service>(json!({"metadata": {"name": "db"}, "spec": {"ports": [{"port": 5432}]}})).await;
    let script = "env | sort; id; grep -E 'Cap(Bnd|Eff)|NoNewPrivs' /proc/self/status; cat /mnt/word; echo; ls -ln /mnt/..data/word | \
                  cut -d' ' -f1-4; for path in / /mnt /usr; do touch $path/x; done 2>&1; touch /data/x && ls -n /data | tail -1 | \
                  cut -d' ' -f3,4; hostname; grep db /etc/hosts; echo $$$$; pwd; ls /";

    home.pod(
        "one",
        script,
        json!({
            "env": [
                {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "password", "key": "word"}}},
                {"name": "URL", "value": "//$(WORD)@db"},
                {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            ],
            "workingDir": "/data",
            "securityContext": restricted(),
            "volumeMounts": [{"name": "secret", "mountPath": "/mnt"}, {"name": "scratch", "mountPath": "/data"}],
        }),
        json!({
            "restartPolicy": "Never", "enableServiceLinks": false, "automountServiceAccountToken": false,
            "securityContext": {"fsGroup": 2000},
            "volumes": [
                {"name": "secret", "secret": {"secretName": "password", "defaultMode": 0o400}},
                {"name": "scratch", "emptyDir": {}},
            ],
        }),
    )
    .await;

    home.until_phase("one", "Succeeded").await;
    let log = home.logs("one").await;
    let namespace = &home.namespace;
    let port = home.world.plane.address().unwrap().port();
    let expected = format!(
        "HOME=/\nHOSTNAME=one\nKUBERNETES_SERVICE_HOST=127.0.0.1\nKUBERNETES_SERVICE_PORT={port}\n\
         KUBERNETES_SERVICE_PORT_HTTPS={port}\nNODE=local\n\
         PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/data\nURL=//hunter2@db\nWORD=hunter2\n\
         uid=65532(nonroot) gid=65532(nonroot) groups=65532(nonroot),2000\n\
         CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\n\
         hunter2\n-r--r----- 1 0 2000\n\
         touch: cannot touch '//x': Read-only file system\ntouch: cannot touch '/mnt/x': Read-only file system\n\
         touch: cannot touch '/usr/x': Read-only file system\n65532 2000\none\n\
         127.0.0.1 db.{namespace}.svc.cluster.local db.{namespace}.svc db.{namespace} db\n1\n/data\n"
    );
    let (seen, root) = log.split_at(log.find("/data\nbin").map_or(log.len(), |at| at + "/data\n".len()));
    assert_eq!(seen, expected);
    assert!(!root.contains("work") && root.contains("mnt\n") && root.ends_with("usr\nvar\n"), "{root}");
}

#[tokio::test]
async fn what_a_pod_lacks_is_waited_for_and_said() {
    let home = Home::new().await;
    let volume = json!({"volumes": [{"name": "v", "secret": {"secretName": "late"}}], "restartPolicy": "Never"});
    let key = json!({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "late", "key": "a"}}}]});
    home.pod("volume", "cat /v/a", json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]}), volume).await;
    home.pod("variable", "echo $A", key, json!({"restartPolicy": "Never"})).await;
    home.pod("root", "id", json!({"securityContext": {"runAsUser": 0, "runAsNonRoot": true}}), json!({})).await;
    home.pod("image", "id", json!({"image": "busybix"}), json!({})).await;
    home.pod("gated", "id", json!({}), json!({"schedulingGates": [{"name": "example.org/wait"}]})).await;
    home.pod("no-command", "", json!({"command": ["/no/such"]}), json!({"restartPolicy": "Never"})).await;

    let volume = home.until_waiting("volume", "ContainerCreating").await;
    let variable = home.until_waiting("variable", "CreateContainerConfigError").await;
    let root = home.until_waiting("root", "CreateContainerConfigError").await;
    let image = home.until_waiting("image", "ImagePullBackOff").await;
    let failed = home.until_phase("no-command", "Failed").await;

    assert_eq!(volume, "MountVolume.SetUp failed for volume \"v\": secret \"late\" not found");
    assert_eq!(variable, "configmap \"late\" not found");
    assert_eq!(root, "container's runAsUser breaks non-root policy (container: main)");
    assert_eq!(image, "Back-off pulling image \"busybix\"");
    assert_eq!(end(&failed).0, 127);
    assert_eq!(home.api::<Pod>().get("gated").await.unwrap().spec.unwrap().node_name, None);

    home.create::<Secret>(json!({"metadata": {"name": "late"}, "stringData": {"a": "came"}})).await;
    home.create::<ConfigMap>(json!({"metadata": {"name": "late"}, "data": {"a": "came too"}})).await;

    home.until_phase("volume", "Succeeded").await;
    home.until_phase("variable", "Succeeded").await;
    assert_eq!(home.logs("volume").await, "came");
    assert_eq!(home.logs("variable").await, "came too\n");
}

#[tokio::test]
async fn a_changed_secret_reaches_a_running_pod_and_is_on_no_command_line() {
    let home = Home::new().await;
    home.create::<Secret>(json!({"metadata": {"name": "password"}, "stringData": {"word": "old-word"}})).await;
    home.pod(
        "reader",
        "while :; do cat /v/word; echo; sleep 0.2; done",
        json!({
            "env": [{"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "password", "key": "word"}}}],
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            "securityContext": restricted(),
        }),
        json!({
            "terminationGracePeriodSeconds": 1,
            "volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "password"}}]}}],
        }),
    )
    .await;
    home.until_logged("reader", "old-word\n").await;
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let shown = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).contains("old-word");
    assert!(!processes.map(|process| process.path().join("cmdline")).any(|path| shown(&path)));

    let patch = json!({"stringData": {"word": "new"}});
    home.api::<Secret>().patch("password", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();

    let log = home.until_logged("reader", "new\n").await;
    assert!(!log.contains("No such file"), "{log}");
}

#[tokio::test]
async fn the_token_of_a_pod_is_its_service_account() {
    let home = Home::new().await;
    home.pod(
        "one",
        "cat /var/run/secrets/kubernetes.io/serviceaccount/token",
        json!({}),
        json!({"restartPolicy": "Never"}),
    )
    .await;
    home.until_phase("one", "Succeeded").await;

    let mut kubeconfig = Kubeconfig::read_from(home.world.plane.kubeconfig()).unwrap();
    let user = json!({"token": home.logs("one").await});
    kubeconfig.auth_infos[0].auth_info = Some(serde_json::from_value(user).unwrap());
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let reviews: Api<SelfSubjectReview> = Api::all(Client::try_from(config).unwrap());
    let review = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await.unwrap();

    let user = review.status.unwrap().user_info.unwrap();
    assert_eq!(user.username, Some(format!("system:serviceaccount:{}:default", home.namespace)));
    assert_eq!(user.extra.unwrap()["authentication.kubernetes.io/pod-name"], ["one"]);
}

#[tokio::test]
async fn deletion_asks_first_and_kills_when_the_time_is_over_and_says_how_it_went() {
    let home = Home::new().await;
    let hook = json!({"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "echo hook >> /proc/1/fd/1"]}}}});
    home.pod("polite", SERVE, hook, json!({"terminationGracePeriodSeconds": 30})).await;
    home.create::<Pod>(json!({"metadata": {"name": "stubborn", "finalizers": ["example.org/hold"]}, "spec": {
        "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "main", "image": "busybox", "args": ["-c", "trap '' TERM; echo up; sleep 1000"]}],
    }}))
    .await;
    home.until_logged("polite", "up").await;
    home.until_logged("stubborn", "up").await;

    let pods = home.api::<Pod>();
    pods.delete("polite", &DeleteParams::default()).await.unwrap();
    pods.delete("stubborn", &DeleteParams::default()).await.unwrap();

    tokio::time::timeout(Duration::from_secs(20), home.until_gone("polite")).await.unwrap();
    let killed = home.until_phase("stubborn", "Failed").await;
    assert_eq!(home.logs("polite").await, "up\nhook\nbye\n");
    assert_eq!(end(&killed), (137, "Error".to_owned(), String::new()));
    let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    pods.patch("stubborn", &PatchParams::default(), &patch).await.unwrap();
    home.until_gone("stubborn").await;
}

#[tokio::test]
async fn init_containers_go_first_and_share_the_volumes() {
    let home = Home::new().await;
    let mounts = json!([{"name": "shared", "mountPath": "/shared"}]);
    let init = |name: &str, script: &str| json!({"name": name, "image": "busybox", "args": ["-c", script], "volumeMounts": mounts});
    home.pod(
        "one",
        "cat /shared/words",
        json!({"volumeMounts": [{"name": "shared", "mountPath": "/shared", "readOnly": true}]}),
        json!({
            "restartPolicy": "Never",
            "initContainers": [
                init("first", "echo first >> /shared/words"),
                init("second", "echo second >> /shared/words"),
            ],
            "volumes": [{"name": "shared", "emptyDir": {}}],
        }),
    )
    .await;

    home.until_phase("one", "Succeeded").await;

    assert_eq!(home.logs("one").await, "first\nsecond\n");
}

#[tokio::test]
async fn a_pod_goes_on_while_the_api_server_is_away_and_is_begun_again_after_the_machine_was() {
    // A world of its own, which no other test misses.
    let world: &'static World = Box::leak(Box::new(World::start("away").await));
    let home = Home::on(world).await;
    let wait = "echo up; while [ ! -e /v/go ]; do sleep 0.1; done; echo went; exit 7";
    let spec = json!({"volumes": [{"name": "v", "configMap": {"name": "v"}}], "restartPolicy": "Never"});
    home.create::<ConfigMap>(json!({"metadata": {"name": "v"}, "data": {"a": ""}})).await;
    let mounts = json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]});
    home.pod("goes-on", wait, mounts, spec).await;
    home.pod("begins-again", SERVE, json!({}), json!({})).await;
    home.until_logged("goes-on", "up").await;
    home.until_logged("begins-again", "up").await;

    world.plane.stop_api_server().unwrap();
    world.plane.start_api_server().await.unwrap();
    let patch = Patch::Merge(json!({"data": {"go": ""}}));
    home.api::<ConfigMap>().patch("v", &PatchParams::default(), &patch).await.unwrap();
    let ended = home.until_phase("goes-on", "Failed").await;
    world.lose_power().await;

    assert_eq!(end(&ended).0, 7);
    let running = |pod: &Pod| {
        let status = container(pod);
        status.restart_count == 1 && status.state.is_some_and(|state| state.running.is_some())
    };
    let lost = container(&home.until("begins-again", running).await).last_state.unwrap().terminated.unwrap();
    assert_eq!((lost.exit_code, lost.reason.as_deref()), (137, Some("ContainerStatusUnknown")));
    assert_eq!(home.logs("begins-again").await, "up\n--- restart 1 ---\nup\n");
    assert_eq!(home.logs("goes-on").await, "up\nwent\n");
}

#[tokio::test]
async fn a_pod_that_is_active_for_too_long_fails_and_its_log_may_stand_for_its_last_words() {
    let home = Home::new().await;
    let policy = json!({"terminationMessagePolicy": "FallbackToLogsOnError"});
    let spec = json!({"activeDeadlineSeconds": 1, "terminationGracePeriodSeconds": 1});

    home.pod("slow", "echo working; sleep 1000", policy, spec).await;

    let failed = home.until_phase("slow", "Failed").await;
    assert_eq!(end(&failed), (137, "Error".to_owned(), "working\n".to_owned()));
    assert_eq!(failed.status.unwrap().reason.as_deref(), Some("DeadlineExceeded"));
}
