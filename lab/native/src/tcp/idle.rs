//! The time limit without progress.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

/// An end gives up after this time without progress. The minimum is two minutes, because the lab causes stalls on
/// purpose.
pub const IDLE_SECONDS: u64 = 600;
pub const IDLE_SECONDS_MIN: u64 = 120;
pub const IDLE_SECONDS_MAX: u64 = 86_400;

pub fn configure(stream: &TcpStream, idle_seconds: u64) -> io::Result<()> {
    let idle = Some(Duration::from_secs(idle_seconds));
    stream.set_nodelay(true)?;
    stream.set_read_timeout(idle)?;
    stream.set_write_timeout(idle)
}
