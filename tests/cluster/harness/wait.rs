//! Waiting for what will be so.

use std::time::{Duration, Instant};

/// Asks again and again until there is an answer. While there is none, the error says how things are instead, which is
/// what the test ends with when its patience does.
pub(crate) async fn until<T>(what: &str, patience: Duration, look: impl AsyncFn() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(instead) if start.elapsed() > patience => {
                panic!("not so within {} s: {what}; instead:\n{instead}", patience.as_secs());
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
