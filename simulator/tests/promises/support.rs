//! A served World, and a client that knows nothing about GitLab.

use gitlab_simulator::world::{Role, Scope};
use gitlab_simulator::{Options, Simulator, World};
use reqwest::{Client, Method, Response};
use serde_json::Value;

/// A token with scope `api` whose user owns the group `acme`.
pub(crate) const OWNER: &str = "glpat-owner";
/// A token with scope `read_api` whose user is Developer in `acme`.
pub(crate) const READER: &str = "glpat-reader";

/// One group, one project, one merge request, and two people with tokens.
pub(crate) fn small() -> World {
    World::new()
        .with_group("acme", |group| {
            group
                .member("ann", Role::Owner)
                .member("bob", Role::Developer)
                .project("web", |project| project.merge_request("Add login", |found| found))
        })
        .with_token(OWNER, |token| token.user("ann"))
        .with_token(READER, |token| token.user("bob").scopes(&[Scope::ReadApi]))
}

/// A running simulator and a client.
pub(crate) struct Served {
    pub(crate) simulator: Simulator,
    client: Client,
}

pub(crate) async fn serve(world: World) -> Served {
    serve_with(world, Options::default()).await
}

pub(crate) async fn serve_with(world: World, options: Options) -> Served {
    let simulator = Simulator::start(world, options).await.unwrap();
    // Beside crates that ask reqwest for gzip, it would undo what a test asks for.
    let client = Client::builder().no_proxy().no_gzip().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    Served { simulator, client }
}

impl Served {
    /// Asks with a token in `PRIVATE-TOKEN`; an empty one is none.
    pub(crate) async fn ask(&self, method: &str, path: &str, token: &str, body: Value) -> Response {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.simulator.url()));
        if !token.is_empty() {
            request = request.header("PRIVATE-TOKEN", token);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    /// Posts any body below `/api/v4`.
    pub(crate) async fn send(&self, path: &str, token: &str, content_type: &str, body: &'static str) -> Response {
        let request = self.client.post(format!("{}/api/v4{path}", self.simulator.url())).header("PRIVATE-TOKEN", token);
        request.header("Content-Type", content_type).body(body).send().await.unwrap()
    }

    /// Reads below `/api/v4` with a token.
    pub(crate) async fn get(&self, path: &str, token: &str) -> Response {
        self.ask("GET", &format!("/api/v4{path}"), token, Value::Null).await
    }

    /// The status and the JSON of a read.
    pub(crate) async fn read(&self, path: &str, token: &str) -> (u16, Value) {
        answer(self.get(path, token).await).await
    }

    /// The status and the JSON of a write.
    pub(crate) async fn write(&self, method: &str, path: &str, token: &str, body: Value) -> (u16, Value) {
        answer(self.ask(method, &format!("/api/v4{path}"), token, body).await).await
    }
}

/// Status and JSON.
pub(crate) async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Keys that are missing.
pub(crate) fn missing(found: &Value, keys: &str) -> Vec<String> {
    let absent = keys.split_whitespace().filter(|key| found.get(key).is_none());
    absent.map(str::to_owned).collect()
}
