//! The chart and the plain manifests, by the real Helm and kubectl.

use std::path::Path;

use serde_json::Value;
use tokio::process::Command;

use crate::harness::cluster;
use crate::support::binary::Ended;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const CHART: &str = "charts/gitlab-connector";

/// Runs Helm as an administrator.
async fn helm(arguments: &[&str]) -> Ended {
    let plane = &cluster().await.plane;
    let mut command = Command::new(plane.helm());
    command.args(arguments).current_dir(ROOT).env("KUBECONFIG", plane.kubeconfig());
    command.output().await.unwrap().into()
}

/// What the chart comes to with these values.
async fn rendered(values: &[&str]) -> Vec<Value> {
    let ended = helm(&[&["template", "gitlab-connector", CHART, "--namespace", "metrics"], values].concat()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.text());
    let documents: Vec<Value> = serde_saphyr::from_multiple(&ended.stdout).unwrap();
    documents.into_iter().filter(Value::is_object).collect()
}

#[tokio::test]
async fn helm_finds_nothing_to_complain_of() {
    helm(&["lint", "--strict", CHART]).await.says(0, &["0 chart(s) failed"]);
}

#[tokio::test]
async fn a_value_that_cannot_be_is_refused_with_its_name() {
    for (value, name) in [
        ("controller.replica=2", "'replica' not allowed"),
        ("controller.port=http", "/controller/port"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
        ("receiver.url=https://hooks.example.com/", "/receiver/url"),
        ("receiver.ingress.enabled=true", "/receiver/ingress/host"),
        ("receiver.extraEnv[0].nam=HTTPS_PROXY", "'nam' not allowed"),
        ("secretConsent=never", "/secretConsent"),
    ] {
        let ended = helm(&["template", "gitlab-connector", CHART, "--set", value]).await;

        ended.says(1, &["values don't meet the specifications", name]);
    }
}

#[tokio::test]
async fn the_plain_manifests_are_what_the_chart_renders() {
    let ended = helm(&[
        "template",
        "gitlab-connector",
        CHART,
        "--namespace=gitlab-connector",
        "--no-hooks",
        // It comes from crds/, where kubectl finds it too.
        "--set=crds.enabled=false",
    ])
    .await;
    assert_eq!(ended.code, Some(0), "{}", ended.text());
    // They are no part of a release of Helm.
    let of_helm = ["helm.sh/chart:", "app.kubernetes.io/managed-by:", "# Source:"];
    let is_ours = |line: &&str| !of_helm.iter().any(|mark| line.trim_start().starts_with(mark));
    let manifests: String = ended.stdout.split_inclusive('\n').filter(is_ours).collect();

    let path = Path::new(ROOT).join("deploy/gitlab-connector.yaml");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &manifests).unwrap();
    }

    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == manifests,
        "deploy/gitlab-connector.yaml is stale: run UPDATE=1 cargo test --test cluster the_plain_manifests"
    );
}

#[tokio::test]
async fn kubectl_applies_the_plain_manifests() {
    let cluster = cluster().await;
    let namespace = cluster.kubectl(&["create", "-f", &format!("{ROOT}/deploy/namespace.yaml")]).await;
    assert_eq!(namespace.code, Some(0), "{}", namespace.text());

    let deploy = format!("{ROOT}/deploy");
    let ended =
        cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-k", &deploy]).await;

    ended.says(
        0,
        &[
            "customresourcedefinition.apiextensions.k8s.io/gitlabconnections.gitlab-connector.dev",
            "deployment.apps/gitlab-connector-controller",
            "deployment.apps/gitlab-connector-receiver",
        ],
    );
    // The namespace enforces the restricted standard: a pod that breaks it gets a warning here.
    assert!(!ended.text().contains("Warning"), "{}", ended.text());
}

#[tokio::test]
async fn an_image_named_for_the_plain_manifests_is_also_that_of_the_imports() {
    let copy = std::env::temp_dir().join(format!("gitlab-connector-deploy-{:08x}", fastrand::u32(..)));
    for folder in ["deploy", "crds"] {
        std::fs::create_dir_all(copy.join(folder)).unwrap();
        for file in std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), copy.join(folder).join(file.file_name())).unwrap();
        }
    }
    let kustomization = copy.join("deploy/kustomization.yaml");
    let text = std::fs::read_to_string(&kustomization).unwrap();
    let text = text.replace("newName: gitlab-connector", "newName: registry.example.com/connector");
    std::fs::write(&kustomization, text.replace("namespace: gitlab-connector", "namespace: metrics")).unwrap();

    let ended = cluster().await.kubectl(&["kustomize", copy.join("deploy").to_str().unwrap()]).await;

    std::fs::remove_dir_all(&copy).unwrap();
    let objects: Vec<Value> = serde_saphyr::from_multiple(&ended.stdout).unwrap();
    let controller = objects
        .iter()
        .find(|object| object["metadata"]["name"] == "gitlab-connector-controller" && object["kind"] == "Deployment")
        .unwrap();
    let container = &controller["spec"]["template"]["spec"]["containers"][0];
    let import =
        container["env"].as_array().unwrap().iter().find(|variable| variable["name"] == "IMPORT_IMAGE").unwrap();
    assert_eq!(
        (&import["value"], controller["metadata"]["namespace"].as_str()),
        (&container["image"], Some("metrics"))
    );
    assert!(container["image"].as_str().unwrap().starts_with("registry.example.com/connector:"), "{container}");
}

#[tokio::test]
async fn only_a_release_that_watches_everything_has_rights_everywhere() {
    let kinds = |objects: &[Value]| -> Vec<String> {
        objects.iter().map(|object| object["kind"].as_str().unwrap().to_owned()).collect()
    };
    let lease = |objects: &[Value]| {
        let named = |object: &&Value| object["metadata"]["name"] == "gitlab-connector-leader-election";
        objects.iter().find(named).unwrap()["kind"].clone()
    };

    let here = rendered(&[]).await;
    let everywhere = rendered(&["--set=watch.allNamespaces=true"]).await;

    assert!(!kinds(&here).iter().any(|kind| kind.starts_with("ClusterRole")), "{:?}", kinds(&here));
    assert_eq!(kinds(&everywhere).iter().filter(|kind| *kind == "ClusterRole").count(), 2);
    assert_eq!((lease(&here), lease(&everywhere)), ("Role".into(), "Role".into()));
    for object in here.iter().chain(&everywhere).filter(|object| object["rules"].is_array()) {
        assert!(!object["rules"].to_string().contains('*'), "a wildcard: {object}");
    }
}

#[tokio::test]
async fn what_pulls_the_image_of_the_controller_pulls_that_of_the_imports_too() {
    let objects = rendered(&["--set=imagePullSecrets[0].name=registry"]).await;

    let pods = objects
        .iter()
        .filter(|object| object["kind"] == "Deployment")
        .map(|object| &object["spec"]["template"]["spec"]);
    let pods: Vec<&Value> = pods.collect();
    assert_eq!(pods.len(), 2);
    assert!(pods.iter().all(|pod| pod["imagePullSecrets"][0]["name"] == "registry"), "{pods:#?}");
    let given: String = pods.iter().map(|pod| pod["containers"][0]["args"].to_string()).collect();
    assert!(given.contains("--import-image-pull-secrets=registry"), "{given}");
}

#[tokio::test]
async fn the_longest_name_of_a_release_makes_names_that_kubernetes_takes() {
    let cluster = cluster().await;
    // As long as Helm allows.
    let release = format!("r{}", "-long-name".repeat(5));
    let ended = helm(&["template", &format!("{release}xx"), CHART, "--namespace", "default", "--no-hooks"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.text());

    let apply = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"];
    let applied = cluster.kubectl_with(&ended.stdout, &apply).await;

    assert_eq!(applied.code, Some(0), "{}", applied.text());
    assert!(applied.stdout.contains("service/"), "{}", applied.stdout);
}

#[tokio::test]
async fn an_ingress_tells_the_controller_where_gitlab_reaches_it() {
    let values = ["--set=receiver.ingress.enabled=true,receiver.ingress.host=hooks.example.com"];

    let objects = rendered(&values).await;

    let text = serde_json::to_string(&objects).unwrap();
    assert!(text.contains(r#""value":"https://hooks.example.com/webhooks/gitlab""#), "{text}");
    let ingress = objects.iter().find(|object| object["kind"] == "Ingress").unwrap();
    assert_eq!(ingress["spec"]["rules"][0]["http"]["paths"][0]["path"], "/webhooks/gitlab");
}
