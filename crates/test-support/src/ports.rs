//! Ports for listeners that a test names before it opens them.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// What lies below the ephemeral ports of Linux (from 32768) and macOS (from 49152): the system gives none of
/// these to a socket that asks for any port, nor to a client.
const FIRST_PORT: u32 = 10_240;
const PORTS: u32 = 22_000;

/// A port of loopback on which nobody listens, given once by this process.
///
/// A port that the system picks is free only until its socket is closed: before the test opens it, another
/// test's server or client may have been given the same.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes that run side by side start at different places.
    let start = std::process::id().wrapping_mul(137);
    loop {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS;
        let port = u16::try_from(FIRST_PORT + offset).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
