//! `jvpn-lab tcp fetch` and `tcp push`: the client of one transfer over one connection, without reconnection.

use super::idle::{IDLE_SECONDS, IDLE_SECONDS_MAX, IDLE_SECONDS_MIN, configure};
use super::transfer::{self, Progress, Snapshot};
use super::wire::{DIGEST_BYTES, Digest, Greeting, Mode, TRANSFER_BYTES_MAX};
use crate::args::Args;
use crate::clock::{self, BootUs};
use crate::control::{self, Input, Lines};
use crate::fault::{Attempt, Fault};
use crate::flow::required_address;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

pub const HELP: &str = "\
jvpn-lab tcp fetch|push: one real TCP transfer from (fetch) or to (push) a `tcp serve`

  --to ADDR:PORT       the server
  --bytes N            bytes to transfer, at most 2^44
  --rate-mbit R        ceiling in Mbit/s, 0.001…100000 (default: none); time lost in a stall is not made up
  --seed N             seed of the bytes (default 1)
  --hash on|off        SHA-256 at both ends (default on)
  --idle-seconds N     give up after this time without progress, 120…86400 (default 600)
  --netns NAME         run in this network namespace

Commands on stdin: {\"op\":\"progress\"}, answered by one line; {\"op\":\"quit\"} aborts. The end of stdin is ignored.
The last line is the report: bytes, sha256, peerSha256, match, seconds, stalls, connections, addresses, retransmits.
Exit code 1 if the transfer failed or the hashes differ. Progress of a push is what the local kernel accepted; what
arrived is in the server's report.
";

const VALUED: &[&str] = &[
    "to",
    "bytes",
    "rate-mbit",
    "seed",
    "hash",
    "idle-seconds",
    "netns",
];

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Command {
    Progress,
    Quit,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    ok: bool,
    op: &'static str,
    #[serde(rename = "boot_us")]
    boot_us: BootUs,
    mode: &'static str,
    #[serde(flatten)]
    progress: Snapshot,
    connections: u32,
    /// The digest of the bytes that this end sent or received.
    sha256: Option<String>,
    /// The digest of the bytes that the other end sent or received.
    peer_sha256: Option<String>,
    /// `None` without hashing, or if the transfer failed before both digests were known.
    #[serde(rename = "match")]
    matches: Option<bool>,
    retransmits: Option<u32>,
    error: Option<String>,
}

pub fn run(mode: Mode, words: &[String]) -> Result<(), Fault> {
    let args = Args::parse(
        if mode == Mode::Fetch {
            "tcp fetch"
        } else {
            "tcp push"
        },
        words,
        VALUED,
        &[],
    )?;
    let to = required_address(&args, "to")?;
    args.required("bytes")?;
    let bytes = args.within("bytes", 1, 1, TRANSFER_BYTES_MAX)?;
    let rate: Option<f64> = args.optional("rate-mbit")?;
    args.within("rate-mbit", 1.0, 0.001, 100_000.0)?;
    let hashed = match args.text("hash").unwrap_or("on") {
        "on" => true,
        "off" => false,
        other => return Err(args.refuse(format!("--hash must be on or off, not \"{other}\""))),
    };
    let idle = args.within(
        "idle-seconds",
        IDLE_SECONDS,
        IDLE_SECONDS_MIN,
        IDLE_SECONDS_MAX,
    )?;
    let seed = args.within("seed", 1, 0, u64::MAX)?;
    args.text("netns").map(crate::netns::enter).transpose()?;
    let bytes_per_sec = rate.map_or(0, |mbit| (mbit * 1e6 / 8.0) as u64);
    let greeting = Greeting {
        mode,
        hashed,
        bytes,
        seed,
        bytes_per_sec,
    };
    let to_do = "start `jvpn-lab tcp serve` there first, and check that the address is reachable";
    let mut stream = TcpStream::connect(to).attempt(format!("cannot connect to {to}"), to_do)?;
    let prepare = || -> io::Result<Arc<Progress>> {
        configure(&stream, idle)?;
        Ok(Arc::new(Progress::new(&stream, bytes)?))
    };
    let progress = prepare().attempt("cannot configure the connection", to_do)?;
    answer_commands(
        mode,
        &progress,
        stream
            .try_clone()
            .attempt("cannot share the connection", to_do)?,
    );
    let outcome = exchange(&mut stream, &greeting, &progress);
    progress.end();
    report(&greeting, &progress, &stream, outcome)
}

/// Returns this end's digest and the other end's.
fn exchange(
    stream: &mut TcpStream,
    greeting: &Greeting,
    progress: &Progress,
) -> io::Result<(Digest, Digest)> {
    stream.write_all(&greeting.encode())?;
    match greeting.mode {
        Mode::Fetch => transfer::receive(stream, greeting, progress),
        Mode::Push => {
            let own = transfer::send(stream, greeting, progress)?;
            let mut theirs = [0; DIGEST_BYTES];
            stream.read_exact(&mut theirs)?;
            Ok((own, theirs))
        }
    }
}

fn report(
    greeting: &Greeting,
    progress: &Progress,
    stream: &TcpStream,
    outcome: io::Result<(Digest, Digest)>,
) -> Result<(), Fault> {
    let digests = outcome.as_ref().ok().filter(|_| greeting.hashed);
    let matches = digests.map(|(own, theirs)| own == theirs);
    let ok = outcome.is_ok() && matches != Some(false);
    control::say(&Report {
        ok,
        op: "transfer",
        boot_us: clock::boot_us(),
        mode: mode_name(greeting.mode),
        progress: progress.snapshot(),
        connections: 1,
        sha256: digests.map(|(own, _)| transfer::hex(own)),
        peer_sha256: digests.map(|(_, theirs)| transfer::hex(theirs)),
        matches,
        retransmits: transfer::retransmits(stream).ok(),
        error: outcome.as_ref().err().map(ToString::to_string),
    });
    outcome.attempt(
        "the transfer failed",
        "see the report on stdout for its progress",
    )?;
    let differ = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "the hashes of the two ends differ",
        )
    };
    if ok {
        Ok(())
    } else {
        Err(differ()).attempt(
            "the transfer is damaged",
            "see the report on stdout for both hashes",
        )
    }
}

pub fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Fetch => "fetch",
        Mode::Push => "push",
    }
}

#[derive(Debug, Serialize)]
struct Answer {
    ok: bool,
    op: &'static str,
    boot_us: BootUs,
    mode: &'static str,
    #[serde(flatten)]
    progress: Snapshot,
}

fn answer_commands(mode: Mode, progress: &Arc<Progress>, stream: TcpStream) {
    let progress = Arc::clone(progress);
    std::thread::spawn(move || {
        let mut lines = Lines::default();
        while let Ok(input @ (Input::Line(_) | Input::TooLong)) = lines.wait() {
            let Input::Line(line) = input else {
                control::say_refused("the line is too long");
                continue;
            };
            match serde_json::from_str(&line) {
                Ok(Command::Progress) => control::say(&Answer {
                    ok: true,
                    op: "progress",
                    boot_us: clock::boot_us(),
                    mode: mode_name(mode),
                    progress: progress.snapshot(),
                }),
                // The transfer's own thread then fails, and reports its progress.
                Ok(Command::Quit) => drop(stream.shutdown(Shutdown::Both)),
                Err(error) => control::say_refused(error.to_string()),
            }
        }
    });
}
