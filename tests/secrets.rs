//! A GitLab, or what stands before it, may echo what it was sent. No secret comes back to people that way.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gitlab_connector::gitlab::model::HookBody;
use gitlab_connector::gitlab::{Client, Instance, Metrics, Patience, Target, Token};
use prometheus_client::registry::Registry;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::logs::Logs;

const TOKEN: &str = "glpat-token-that-nobody-may-see";
const HEADER: &str = "access-proxy-password";
const HOOK_SECRET: &str = "secret-of-the-hook";
const PROXY_PASSWORD: &str = "password-of-the-proxy";

// On one thread, because logs are captured by thread.
#[tokio::test(flavor = "current_thread")]
async fn a_server_that_echoes_its_requests_reveals_no_secret() {
    let logs = Logs::capture();
    let root = serve(Router::new().fallback(echo)).await;
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let instance = Instance { headers: vec![("x-access".into(), HEADER.into())], ..Instance::at(root) };
    let token = |name: &str| Token { name: name.into(), secret: TOKEN.into() };
    let client = Client::new(&instance, vec![token("primary")], &metrics).unwrap();
    let client = client.with_patience(Patience { attempts: 2, ..Patience::probing() });

    let mut said = vec![format!("{client:?} {instance:?} {:?}", token("primary"))];
    let mut note = |error: gitlab_connector::gitlab::Error| said.push(format!("{error} {error:?}"));
    note(client.token_self().await.unwrap_err());
    note(client.current_user().await.unwrap_err());
    note(client.user(1).await.unwrap_err());
    note(client.group("acme").await.unwrap_err());
    note(client.project("acme/redirected").await.unwrap_err());
    note(client.project("acme/cut").await.unwrap_err());
    note(client.groups().next().await.unwrap().unwrap_err());
    note(client.graphql::<Value>("query Page { x }", &json!({})).await.unwrap_err());
    let body =
        HookBody { token: Some(HOOK_SECRET.into()), signing_token: Some(HOOK_SECRET.into()), ..HookBody::default() };
    said.push(format!("{body:?}"));
    let mut note = |error: gitlab_connector::gitlab::Error| said.push(format!("{error} {error:?}"));
    note(client.create_hook(Target::Project(1), &body).await.unwrap_err());
    said.push(format!("{:?} {:?}", client.set_aside(), client.stats()));

    let mut counted = String::new();
    prometheus_client::encoding::text::encode(&mut counted, &registry).unwrap();
    said.push(counted);
    reveals_nothing(&said.join("\n"));
    reveals_nothing(&logs.text());
}

#[tokio::test(flavor = "current_thread")]
async fn a_proxy_that_refuses_reveals_no_password() {
    let logs = Logs::capture();
    let proxy = serve(Router::new().fallback(echo)).await;
    let proxy = proxy.as_str().replace("http://", &format!("http://user:{PROXY_PASSWORD}@"));
    let mut said = Vec::new();
    for url in ["http://gitlab.example.com/", "https://gitlab.example.com/"] {
        let instance =
            Instance { proxy: Some(SecretString::from(proxy.as_str())), ..Instance::at(url.parse().unwrap()) };
        let tokens = vec![Token { name: "primary".into(), secret: TOKEN.into() }];
        let client = Client::new(&instance, tokens, &Metrics::default()).unwrap();
        let client = client.with_patience(Patience { attempts: 1, ..Patience::probing() });
        let error = client.current_user().await.unwrap_err();
        said.push(format!("{error} {error:?} {instance:?}"));
    }

    reveals_nothing(&said.join("\n"));
    reveals_nothing(&logs.text());
}

/// Everything that it was sent, back in every place where GitLab puts words.
async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1_000_000).await.unwrap_or_else(|_| Bytes::new());
    let everything = format!("{} {:?} {}", parts.uri, dump(&parts.headers), String::from_utf8_lossy(&body));
    let path = parts.uri.path();
    let json = |status: StatusCode, body: Value| (status, axum::Json(body)).into_response();
    match path {
        "/api/v4/personal_access_tokens/self" => json(StatusCode::OK, json!({"id": everything})),
        "/api/v4/user" => json(StatusCode::FORBIDDEN, json!({"message": everything})),
        "/api/v4/users/1" => (StatusCode::BAD_REQUEST, everything).into_response(),
        "/api/v4/groups/acme" => json(StatusCode::NOT_FOUND, json!({"message": everything})),
        "/api/v4/groups" => json(StatusCode::FORBIDDEN, json!({"error": "insufficient_scope", "scope": everything})),
        "/api/graphql" => json(StatusCode::OK, json!({"data": null, "errors": [{"message": everything}]})),
        path if path.ends_with("redirected") => {
            let location = format!("https://elsewhere.example.com/?private_token={TOKEN}");
            (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
        }
        path if path.ends_with("cut") => {
            (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], format!("{{\"{everything}")).into_response()
        }
        _ => json(StatusCode::UNPROCESSABLE_ENTITY, json!({"message": {"token": [everything]}})),
    }
}

fn dump(headers: &HeaderMap) -> Vec<String> {
    headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))).collect()
}

async fn serve(router: Router) -> url::Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url.parse().unwrap()
}

fn reveals_nothing(text: &str) {
    use base64::Engine;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("user:{PROXY_PASSWORD}"));
    for secret in [TOKEN, HEADER, HOOK_SECRET, PROXY_PASSWORD, &basic] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}
