//! How long an end waits without progress.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

/// Without progress for this long an end gives up. Never below two minutes: stalls are what the lab makes.
pub const IDLE_SECONDS: u64 = 600;
pub const IDLE_SECONDS_MIN: u64 = 120;
pub const IDLE_SECONDS_MAX: u64 = 86_400;

pub fn configure(stream: &TcpStream, idle_seconds: u64) -> io::Result<()> {
    let idle = Some(Duration::from_secs(idle_seconds));
    stream.set_nodelay(true)?;
    stream.set_read_timeout(idle)?;
    stream.set_write_timeout(idle)
}
