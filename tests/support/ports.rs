//! Ports for processes that must be told theirs.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that the kernel hands out, which may be somebody's by the time that a process listens.
const OURS: Range<u16> = 20_000..32_000;

/// Test processes side by side begin at different ones.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(fastrand::u16(..)));

/// A port that nobody listens on, handed out once.
pub(crate) fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| OURS.start + NEXT.fetch_add(1, Ordering::Relaxed) % OURS.len() as u16);
    ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).unwrap()
}

/// An address of this machine that nobody listens on, handed out once.
pub(crate) fn free_address() -> String {
    format!("{}:{}", Ipv4Addr::LOCALHOST, free_port())
}
