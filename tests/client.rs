//! How the client bears what servers, limits, proxies and networks do to it.

mod fake;
mod faults;
mod graphql;
mod limits;
mod pool;
mod redirects;
mod secrecy;
mod simulated;
mod tls;

use std::time::Duration;

use gitlab_connector::gitlab::{Client, Deadlines, Instance, Metrics, Patience, Token};
use url::Url;

/// Quick to give up, so that tests are.
fn impatient() -> Patience {
    Patience { attempts: 3, waiting: Duration::from_secs(5), backoff: Duration::from_millis(1) }
}

fn short_deadlines() -> Deadlines {
    Deadlines {
        connect: Duration::from_secs(2),
        headers: Duration::from_millis(300),
        chunk: Duration::from_millis(300),
        total: Duration::from_secs(5),
    }
}

/// Tokens are named after their secrets: `primary` is `glpat-primary`.
fn token(name: &str) -> Token {
    Token { name: name.to_owned(), secret: format!("glpat-{name}").into() }
}

fn client_of(instance: &Instance, tokens: &[&str]) -> Client {
    let tokens = tokens.iter().map(|name| token(name)).collect();
    Client::with_deadlines(instance, tokens, &Metrics::default(), short_deadlines()).unwrap().with_patience(impatient())
}

fn client(url: &str, tokens: &[&str]) -> Client {
    client_of(&Instance::at(Url::parse(url).unwrap()), tokens)
}
