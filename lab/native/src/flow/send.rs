//! `jvpn-lab flow send`: packets at a steady rate.
//!
//! Packet k is always due at start + k/rate: a late packet does not delay later ones. The report contains the lateness,
//! so that a busy sender is not mistaken for a gap in the network.

use super::packet::{BYTES_MAX, BYTES_MIN, Kind, Packet};
use crate::args::Args;
use crate::clock::{self, BootUs, NS_PER_MS, NS_PER_SEC};
use crate::control::{self, Input, Lines};
use crate::fault::{Attempt, Fault};
use crate::histogram::{Histogram, Percentiles};
use crate::seeded::Seeded;
use crate::sys;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub const HELP: &str = "\
jvpn-lab flow send: sends a one-way UDP flow at a steady rate

  --to ADDR:PORT      destination
  --from ADDR:PORT    source address (default: any)
  --rate N            packets per second, 1…100000 (default 1000)
  --seconds N         duration in seconds, 0.001…86400 (default 10)
  --size N            bytes of UDP payload, 24…65507 (default 200)
  --netns NAME        run in this network namespace

{\"op\":\"quit\"} on stdin ends the flow early; the end of stdin does not. The report is one line at the end:
packets due, sent, refused by the system, and how late they were sent.
";

const VALUED: &[&str] = &["to", "from", "rate", "seconds", "size", "netns"];
/// The end is sent this often, because any of these packets may be lost.
const ENDINGS: u64 = 10;
const ENDING_PAUSE_NS: u64 = 20 * NS_PER_MS;

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Command {
    Quit,
}

/// The sender's statistics; only the receiver knows what arrived.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    ok: bool,
    op: &'static str,
    #[serde(rename = "boot_us")]
    boot_us: BootUs,
    flow: u32,
    /// Packets that were due and attempted; the receiver counts those that failed here as lost.
    packets: u64,
    sent: u64,
    /// Sends that the system refused, for example because there was no route.
    send_errors: u64,
    last_error: Option<String>,
    first_us: BootUs,
    last_us: BootUs,
    late_us: Percentiles,
}

#[derive(Debug)]
struct Sender {
    socket: UdpSocket,
    to: SocketAddr,
    datagram: Vec<u8>,
    report: Report,
}

pub fn run(words: &[String]) -> Result<(), Fault> {
    let args = Args::parse("flow send", words, VALUED, &[])?;
    let to: SocketAddr = required_address(&args, "to")?;
    let any = if to.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let from = args.optional("from")?.unwrap_or(SocketAddr::new(any, 0));
    let rate = args.within("rate", 1000_u64, 1, 100_000)?;
    let seconds = args.within("seconds", 10.0, 0.001, 86_400.0)?;
    let size = args.within("size", 200, BYTES_MIN, BYTES_MAX)?;
    args.text("netns").map(crate::netns::enter).transpose()?;
    // Not connected: an ICMP error for one packet must not make the next send fail.
    let socket = UdpSocket::bind(from).attempt(
        format!("cannot bind {from}"),
        "check `ip address` and `ss -lun`",
    )?;
    socket
        .set_nonblocking(true)
        .attempt("cannot configure the socket", "see the reason above")?;
    let stop = stop_on_command();
    let mut sender = Sender::new(socket, to, size);
    sender.pace((seconds * rate as f64) as u64, rate, &stop);
    sender.end();
    control::say(&sender.report);
    Ok(())
}

pub fn required_address(args: &Args, name: &str) -> Result<SocketAddr, Fault> {
    let text = args.required(name)?;
    text.parse().map_err(|_| {
        args.refuse(format!(
            "--{name} must be ADDR:PORT or [ADDR]:PORT, not \"{text}\""
        ))
    })
}

impl Sender {
    fn new(socket: UdpSocket, to: SocketAddr, size: usize) -> Self {
        let flow = Seeded::new(clock::boot_ns() ^ u64::from(std::process::id())).next() as u32;
        let report = Report {
            ok: true,
            op: "sent",
            boot_us: 0,
            flow,
            packets: 0,
            sent: 0,
            send_errors: 0,
            last_error: None,
            first_us: 0,
            last_us: 0,
            late_us: Histogram::default().percentiles(),
        };
        Self {
            socket,
            to,
            datagram: vec![0; size],
            report,
        }
    }

    fn pace(&mut self, packets: u64, rate: u64, stop: &AtomicBool) {
        clock::precise_timers();
        sys::run_ahead();
        let mut late = Histogram::default();
        let start = clock::mono_ns() + NS_PER_MS;
        for seq in 0..packets {
            let due = start + seq * NS_PER_SEC / rate;
            clock::sleep_until(due);
            if stop.load(Ordering::Relaxed) {
                break;
            }
            late.record(clock::mono_ns().saturating_sub(due) / 1000);
            self.send(seq);
        }
        self.report.late_us = late.percentiles();
    }

    fn send(&mut self, seq: u64) {
        let sent_us = clock::boot_us();
        Packet {
            flow: self.report.flow,
            kind: Kind::Data { seq },
            sent_us,
        }
        .write(&mut self.datagram);
        match self.socket.send_to(&self.datagram, self.to) {
            Ok(_) => self.report.sent += 1,
            Err(error) => {
                self.report.send_errors += 1;
                self.report.last_error = Some(error.to_string());
            }
        }
        if self.report.packets == 0 {
            self.report.first_us = sent_us;
        }
        self.report.last_us = sent_us;
        self.report.packets += 1;
    }

    fn end(&mut self) {
        let start = clock::mono_ns();
        let mut ending = [0; BYTES_MIN];
        let kind = Kind::End {
            packets: self.report.packets,
        };
        for repeat in 1..=ENDINGS {
            Packet {
                flow: self.report.flow,
                kind,
                sent_us: clock::boot_us(),
            }
            .write(&mut ending);
            // A packet that fails counts as lost; the others follow.
            let _lost = self.socket.send_to(&ending, self.to);
            clock::sleep_until(start + repeat * ENDING_PAUSE_NS);
        }
        self.report.boot_us = clock::boot_us();
    }
}

fn stop_on_command() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    std::thread::spawn(move || {
        let mut lines = Lines::default();
        while let Ok(input @ (Input::Line(_) | Input::TooLong)) = lines.wait() {
            let Input::Line(line) = input else {
                control::say_refused("the line is too long");
                continue;
            };
            match serde_json::from_str(&line) {
                Ok(Command::Quit) => told.store(true, Ordering::Relaxed),
                Err(error) => control::say_refused(error.to_string()),
            }
        }
    });
    stop
}
