//! `jvpn-lab tcp serve`: the server, with one thread for each transfer.

use super::client::mode_name;
use super::idle::{IDLE_SECONDS, IDLE_SECONDS_MAX, IDLE_SECONDS_MIN, configure};
use super::transfer::{self, Progress, Snapshot};
use super::wire::{Digest, GREETING_BYTES, Greeting, Mode};
use crate::args::Args;
use crate::clock::{self, BootUs};
use crate::control::{self, Input, Lines, STDIN};
use crate::fault::{Attempt, Fault};
use crate::flow::required_address;
use crate::sys;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, PoisonError};

pub const HELP: &str = "\
jvpn-lab tcp serve: serves `tcp fetch` and `tcp push`

  --bind ADDR:PORT     listen address
  --idle-seconds N     give up a connection after this time without progress, 120…86400 (default 600)
  --netns NAME         run in this network namespace

Commands on stdin: {\"op\":\"progress\"}: accepted connections and each running transfer; {\"op\":\"quit\"} or the
end of stdin ends the server. Each finished transfer is reported in its own line, \"op\":\"transfer\".
";

const VALUED: &[&str] = &["bind", "idle-seconds", "netns"];
/// Maximum transfers. Further connections are closed at once, and counted.
const TRANSFERS_MAX: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Command {
    Progress,
    Quit,
}

/// State that the threads of all transfers share.
#[derive(Debug, Default)]
struct Running {
    transfers: Mutex<BTreeMap<u64, Option<Arc<Progress>>>>,
}

#[derive(Debug, Serialize)]
struct Ready {
    ok: bool,
    op: &'static str,
    boot_us: BootUs,
    bind: SocketAddr,
}

#[derive(Debug, Serialize)]
struct Answer {
    ok: bool,
    op: &'static str,
    boot_us: BootUs,
    /// Connections accepted since the start.
    connections: u64,
    /// Connections closed at once because 64 were running.
    #[serde(rename = "turnedAway")]
    turned_away: u64,
    running: Vec<Snapshot>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    ok: bool,
    op: &'static str,
    #[serde(rename = "boot_us")]
    boot_us: BootUs,
    /// Number of the connection, counted from 1.
    connection: u64,
    mode: Option<&'static str>,
    #[serde(flatten)]
    progress: Option<Snapshot>,
    sha256: Option<String>,
    #[serde(rename = "match")]
    matches: Option<bool>,
    retransmits: Option<u32>,
    error: Option<String>,
}

pub fn run(words: &[String]) -> Result<(), Fault> {
    let args = Args::parse("tcp serve", words, VALUED, &[])?;
    let bind = required_address(&args, "bind")?;
    let idle = args.within(
        "idle-seconds",
        IDLE_SECONDS,
        IDLE_SECONDS_MIN,
        IDLE_SECONDS_MAX,
    )?;
    args.text("netns").map(crate::netns::enter).transpose()?;
    let listener = TcpListener::bind(bind).attempt(
        format!("cannot listen on {bind}"),
        "check `ip address` and `ss -ltn`",
    )?;
    listener
        .set_nonblocking(true)
        .attempt("cannot configure the socket", "see the reason above")?;
    let bind = listener
        .local_addr()
        .attempt("cannot read the local address", "see the reason above")?;
    control::say(&Ready {
        ok: true,
        op: "ready",
        boot_us: clock::boot_us(),
        bind,
    });
    let mut server = Server {
        listener,
        idle,
        running: Arc::default(),
        connections: 0,
        turned_away: 0,
    };
    server
        .serve()
        .attempt("cannot continue to serve", "see the reason above")
}

#[derive(Debug)]
struct Server {
    listener: TcpListener,
    idle: u64,
    running: Arc<Running>,
    connections: u64,
    turned_away: u64,
}

impl Server {
    fn serve(&mut self) -> io::Result<()> {
        let mut lines = Lines::default();
        let waits = [self.listener.as_raw_fd(), STDIN];
        loop {
            let ready = sys::wait_readable(&waits, None)?;
            if ready.at(0) {
                self.accept()?;
            }
            if ready.at(1) {
                lines.fill()?;
                loop {
                    match lines.next() {
                        Input::Nothing => break,
                        Input::End => return Ok(()),
                        Input::TooLong => control::say_refused("the line is too long"),
                        Input::Line(line) => match serde_json::from_str(&line) {
                            Ok(Command::Progress) => self.answer(),
                            Ok(Command::Quit) => return Ok(()),
                            Err(error) => control::say_refused(error.to_string()),
                        },
                    }
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            // The client closed the connection before this call, or the call was interrupted.
            Err(error) if is_passing(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        self.connections += 1;
        let number = self.connections;
        if !self.running.enter(number) {
            self.turned_away += 1;
            return Ok(());
        }
        let (running, idle) = (Arc::clone(&self.running), self.idle);
        std::thread::spawn(move || {
            serve_one(stream, number, idle, &running);
            running.leave(number);
        });
        Ok(())
    }

    fn answer(&self) {
        control::say(&Answer {
            ok: true,
            op: "progress",
            boot_us: clock::boot_us(),
            connections: self.connections,
            turned_away: self.turned_away,
            running: self.running.snapshots(),
        });
    }
}

impl Running {
    fn enter(&self, number: u64) -> bool {
        let mut transfers = self
            .transfers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let has_room = transfers.len() < TRANSFERS_MAX;
        if has_room {
            transfers.insert(number, None);
        }
        has_room
    }

    fn show(&self, number: u64, progress: Arc<Progress>) {
        self.transfers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(number, Some(progress));
    }

    fn leave(&self, number: u64) {
        self.transfers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&number);
    }

    fn snapshots(&self) -> Vec<Snapshot> {
        let transfers = self
            .transfers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        transfers
            .values()
            .flatten()
            .map(|progress| progress.snapshot())
            .collect()
    }
}

fn serve_one(mut stream: TcpStream, connection: u64, idle: u64, running: &Running) {
    let mut report = Report {
        ok: false,
        op: "transfer",
        boot_us: 0,
        connection,
        mode: None,
        progress: None,
        sha256: None,
        matches: None,
        retransmits: None,
        error: None,
    };
    match greet(&mut stream, idle) {
        Ok(greeting) => {
            report.mode = Some(mode_name(greeting.mode));
            match Progress::new(&stream, greeting.bytes).map(Arc::new) {
                Ok(progress) => {
                    running.show(connection, Arc::clone(&progress));
                    exchange(&mut stream, &greeting, &progress, &mut report);
                    progress.end();
                    report.progress = Some(progress.snapshot());
                }
                Err(error) => report.error = Some(error.to_string()),
            }
        }
        Err(error) => report.error = Some(error.to_string()),
    }
    report.retransmits = transfer::retransmits(&stream).ok();
    report.boot_us = clock::boot_us();
    control::say(&report);
}

fn greet(stream: &mut TcpStream, idle: u64) -> io::Result<Greeting> {
    stream.set_nonblocking(false)?;
    configure(stream, idle)?;
    let mut greeting = [0; GREETING_BYTES];
    stream.read_exact(&mut greeting)?;
    Greeting::decode(&greeting).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "the other end is not a `jvpn-lab tcp` client",
        )
    })
}

fn exchange(stream: &mut TcpStream, greeting: &Greeting, progress: &Progress, report: &mut Report) {
    let outcome: io::Result<(Digest, Option<bool>)> = match greeting.mode {
        Mode::Fetch => transfer::send(stream, greeting, progress).map(|own| (own, None)),
        Mode::Push => transfer::receive(stream, greeting, progress).and_then(|(own, theirs)| {
            stream.write_all(&own)?;
            Ok((own, Some(own == theirs)))
        }),
    };
    match outcome {
        Ok((own, matches)) => {
            report.ok = matches != Some(false);
            report.matches = matches.filter(|_| greeting.hashed);
            report.sha256 = greeting.hashed.then(|| transfer::hex(&own));
        }
        Err(error) => report.error = Some(error.to_string()),
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted
    )
}
