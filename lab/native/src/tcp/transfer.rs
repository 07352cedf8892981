//! The bytes of one transfer, in either direction, over one connection.

use super::stalls::Stalls;
use super::wire::{DIGEST_BYTES, Digest, Greeting};
use crate::clock::{self, BootUs, NS_PER_MS, NS_PER_SEC};
use crate::seeded::Seeded;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Mutex, PoisonError};

/// Bytes per call without a rate limit.
const PART_BYTES: usize = 128 * 1024;
/// Interval between the writes of a rate-limited sender.
const BEAT_NS: u64 = 5 * NS_PER_MS;

/// The progress of a transfer, shared between the thread that moves the bytes and the thread that reports.
#[derive(Debug)]
pub struct Progress {
    wanted: u64,
    start_us: BootUs,
    local: SocketAddr,
    remote: SocketAddr,
    moved: Mutex<Moved>,
}

#[derive(Debug)]
struct Moved {
    bytes: u64,
    stalls: Stalls,
    end_us: Option<BootUs>,
}

/// The state of one transfer at one moment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    pub bytes: u64,
    pub bytes_wanted: u64,
    pub start_us: BootUs,
    pub seconds: f64,
    pub mbit_per_sec: f64,
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub stalls: Stalls,
}

impl Progress {
    pub fn new(stream: &TcpStream, wanted: u64) -> io::Result<Self> {
        let start_us = clock::boot_us();
        let moved = Moved {
            bytes: 0,
            stalls: Stalls::new(start_us),
            end_us: None,
        };
        let (local, remote) = (stream.local_addr()?, stream.peer_addr()?);
        Ok(Self {
            wanted,
            start_us,
            local,
            remote,
            moved: Mutex::new(moved),
        })
    }

    fn add(&self, bytes: usize) {
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        moved.bytes += bytes as u64;
        moved.stalls.progress(clock::boot_us());
    }

    /// Marks the end of the transfer: silence after this is not a stall.
    pub fn end(&self) {
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        moved.end_us.get_or_insert_with(clock::boot_us);
    }

    pub fn snapshot(&self) -> Snapshot {
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let now = moved.end_us.unwrap_or_else(clock::boot_us);
        let seconds = now.saturating_sub(self.start_us) as f64 / 1e6;
        Snapshot {
            bytes: moved.bytes,
            bytes_wanted: self.wanted,
            start_us: self.start_us,
            seconds,
            mbit_per_sec: if seconds > 0.0 {
                moved.bytes as f64 * 8.0 / 1e6 / seconds
            } else {
                0.0
            },
            local: self.local,
            remote: self.remote,
            stalls: if moved.end_us.is_some() {
                moved.stalls.clone()
            } else {
                moved.stalls.as_of(now)
            },
        }
    }
}

/// Sends the seed's bytes and then their digest. Returns the digest.
pub fn send(
    stream: &mut TcpStream,
    greeting: &Greeting,
    progress: &Progress,
) -> io::Result<Digest> {
    let mut random = Seeded::new(greeting.seed);
    let mut hash = Hash::new(greeting.hashed);
    let mut pace = Pace::new(greeting.bytes_per_sec);
    let mut part = vec![0; PART_BYTES];
    let mut left = greeting.bytes;
    while left > 0 {
        let len = left.min(pace.part_bytes()) as usize;
        // If the bytes are not compared, they need not differ: generating them would be part of the measurement.
        if greeting.hashed || left == greeting.bytes {
            random.fill(&mut part[..len]);
        }
        hash.take(&part[..len]);
        pace.wait();
        let mut unsent = &part[..len];
        while !unsent.is_empty() {
            let sent = some(stream.write(unsent))?;
            progress.add(sent);
            unsent = &unsent[sent..];
        }
        left -= len as u64;
    }
    let digest = hash.digest();
    stream.write_all(&digest)?;
    Ok(digest)
}

/// Receives the bytes and the sender's digest. Returns the digest of the received bytes, and the sender's.
pub fn receive(
    stream: &mut TcpStream,
    greeting: &Greeting,
    progress: &Progress,
) -> io::Result<(Digest, Digest)> {
    let mut hash = Hash::new(greeting.hashed);
    let mut part = vec![0; PART_BYTES];
    let mut left = greeting.bytes;
    while left > 0 {
        let most = left.min(PART_BYTES as u64) as usize;
        let got = some(stream.read(&mut part[..most]))?;
        hash.take(&part[..got]);
        progress.add(got);
        left -= got as u64;
    }
    let mut theirs = [0; DIGEST_BYTES];
    stream.read_exact(&mut theirs)?;
    Ok((hash.digest(), theirs))
}

pub fn hex(digest: &Digest) -> String {
    digest.map(|byte| format!("{byte:02x}")).concat()
}

/// Number of segments that this end retransmitted.
pub fn retransmits(stream: &TcpStream) -> io::Result<u32> {
    // SAFETY: tcp_info is plain data; all zeros is a valid value.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: `info` is valid for writing `len` bytes; the kernel writes no more than that.
    crate::sys::done(unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut len,
        )
    })?;
    Ok(info.tcpi_total_retrans)
}

/// A call that moved no bytes means that the other end has closed.
fn some(moved: io::Result<usize>) -> io::Result<usize> {
    match moved {
        Ok(0) => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the other end closed the connection early",
        )),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "no progress for longer than --idle-seconds",
        )),
        moved => moved,
    }
}

enum Hash {
    Off,
    On(Box<Sha256>),
}

impl Hash {
    fn new(on: bool) -> Self {
        if on {
            Self::On(Box::default())
        } else {
            Self::Off
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        if let Self::On(hash) = self {
            hash.update(bytes);
        }
    }

    fn digest(self) -> Digest {
        match self {
            Self::Off => [0; DIGEST_BYTES],
            Self::On(hash) => hash.finalize().into(),
        }
    }
}

/// A maximum rate, not an average: time lost in a stall is not made up, so no burst follows a fault.
struct Pace {
    bytes_per_sec: u64,
    due: clock::MonoNs,
}

impl Pace {
    fn new(bytes_per_sec: u64) -> Self {
        Self {
            bytes_per_sec,
            due: clock::mono_ns(),
        }
    }

    /// A multiple of 8, so that the seed's bytes do not depend on the pace.
    fn part_bytes(&self) -> u64 {
        if self.bytes_per_sec == 0 {
            return PART_BYTES as u64;
        }
        let per_beat = self.bytes_per_sec * BEAT_NS / NS_PER_SEC;
        (per_beat & !7).clamp(8, PART_BYTES as u64)
    }

    /// Waits until the next part is due.
    fn wait(&mut self) {
        if self.bytes_per_sec == 0 {
            return;
        }
        clock::sleep_until(self.due);
        let takes = self.part_bytes() * NS_PER_SEC / self.bytes_per_sec;
        self.due = (self.due + takes).max(clock::mono_ns().saturating_sub(BEAT_NS));
    }
}

#[cfg(test)]
#[path = "transfer_tests.rs"]
mod tests;
