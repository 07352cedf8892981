//! `jvpn-lab inject`: an attacker with a capture and a raw socket, but without keys.
//!
//! ```text
//!   capture of an uplink ──▶ which end's datagrams, which types ──▶ altered or not ──▶ the wire, with the true source
//! ```
//!
//! Each datagram is sent with the address and port of the capture, as an attacker on the path can do, or from invented
//! ones.

mod alter;
mod recording;

use crate::args::Args;
use crate::clock::{self, BootUs, NS_PER_SEC};
use crate::control;
use crate::fault::{Attempt, Fault};
use crate::seeded::Seeded;
use crate::sys::{self, done, owned};
use alter::Alteration;
use recording::{Datagram, Recording};
use serde::Serialize;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

pub const HELP: &str = "\
jvpn-lab inject: sends captured datagrams again, unchanged or altered, with their original source address and port

  --pcap FILE         a file written by `jvpn-lab capture --out FILE --snap 2048`
  --toward END        server: datagrams sent to --port; client: datagrams sent from it
  --port N            the tunnel's UDP port (default 4774)
  --types T,U,…       only these first bytes, in hex (default: all)
  --length N          only datagrams with N bytes of UDP payload (default: all)
  --alter HOW         none (default): a replay; bit: one random bit; body: a random body after the header of 16 bytes;
                      counter: a counter far ahead; source: each from an invented address and port
  --order HOW         forward (default) or backward
  --count N           datagrams to send, 1…10000000; the recording is repeated as often as needed (default: once)
  --rate N            per second, 1…1000000 (default 1000)
  --seed N            seed of the alterations (default 1)
  --netns NAME        send from this network namespace

Needs root there. The report is one line at the end: recorded, sent, refused by the system.
";

const VALUED: &[&str] = &[
    "pcap", "toward", "port", "types", "length", "alter", "order", "count", "rate", "seed", "netns",
];
/// Maximum datagrams of one run.
const COUNT_MAX: u64 = 10_000_000;
const SEND_BUFFER_BYTES: i32 = 4 * 1024 * 1024;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    ok: bool,
    op: &'static str,
    #[serde(rename = "boot_us")]
    boot_us: BootUs,
    /// Number of datagrams of the recording that were selected.
    recorded: usize,
    sent: u64,
    send_errors: u64,
    last_error: Option<String>,
    first_us: BootUs,
}

pub fn run(words: &[String]) -> Result<(), Fault> {
    let args = Args::parse("inject", words, VALUED, &[])?;
    let path = args.required("pcap")?.to_owned();
    let port = args.within("port", 4774, 1, u16::MAX)?;
    let to_server = match args.required("toward")? {
        "server" => true,
        "client" => false,
        other => {
            return Err(args.refuse(format!(
                "--toward must be server or client, not \"{other}\""
            )));
        }
    };
    let types = types(&args)?;
    let alteration = Alteration::of(args.text("alter").unwrap_or("none"))
        .ok_or_else(|| args.refuse("--alter must be none, bit, body, counter or source"))?;
    let length: Option<usize> = args.optional("length")?;
    let backward = match args.text("order").unwrap_or("forward") {
        "forward" => false,
        "backward" => true,
        other => {
            return Err(args.refuse(format!(
                "--order must be forward or backward, not \"{other}\""
            )));
        }
    };
    let count: Option<u64> = args.optional("count")?;
    args.within("count", 1, 1, COUNT_MAX)?;
    let rate = args.within("rate", 1000, 1, 1_000_000)?;
    let seed = args.within("seed", 1, 0, u64::MAX)?;
    let recording = Recording::open(Path::new(&path)).attempt(
        format!("cannot read {path}"),
        "name a file that `jvpn-lab capture --out` has completed",
    )?;
    let mut chosen: Vec<Datagram> = recording
        .datagrams()
        .filter(|datagram| {
            (if to_server {
                datagram.to_port
            } else {
                datagram.from_port
            }) == port
        })
        .filter(|datagram| types.is_empty() || types.contains(&datagram.payload()[0]))
        .filter(|datagram| length.is_none_or(|length| datagram.payload().len() == length))
        .collect();
    if chosen.is_empty() {
        return Err(args.refuse("the recording has no such datagram"));
    }
    if backward {
        chosen.reverse();
    }
    args.text("netns").map(crate::netns::enter).transpose()?;
    let sockets =
        Sockets::open().attempt("cannot open a raw socket", "it needs root (CAP_NET_RAW)")?;
    let count = count.unwrap_or(chosen.len() as u64);
    control::say(&inject(&sockets, &chosen, alteration, count, rate, seed));
    Ok(())
}

fn types(args: &Args) -> Result<Vec<u8>, Fault> {
    let Some(text) = args.text("types") else {
        return Ok(Vec::new());
    };
    text.split(',')
        .map(|one| {
            u8::from_str_radix(one, 16)
                .map_err(|_| args.refuse(format!("--types must be hex bytes, not \"{one}\"")))
        })
        .collect()
}

fn inject(
    sockets: &Sockets,
    chosen: &[Datagram],
    alteration: Alteration,
    count: u64,
    rate: u64,
    seed: u64,
) -> Report {
    clock::precise_timers();
    let mut random = Seeded::new(seed);
    let mut report = Report {
        ok: true,
        op: "injected",
        boot_us: 0,
        recorded: chosen.len(),
        sent: 0,
        send_errors: 0,
        last_error: None,
        first_us: clock::boot_us(),
    };
    let start = clock::mono_ns();
    for (turn, datagram) in (0..count).zip(chosen.iter().cycle()) {
        clock::sleep_until(start + turn * NS_PER_SEC / rate);
        let packet = alteration.applied(datagram, &mut random);
        match sockets.send(&packet) {
            Ok(()) => report.sent += 1,
            Err(error) => {
                report.send_errors += 1;
                report.last_error = Some(error.to_string());
            }
        }
    }
    report.boot_us = clock::boot_us();
    report
}

/// One raw socket per family; the packets contain their IP header.
#[derive(Debug)]
struct Sockets {
    v4: OwnedFd,
    v6: OwnedFd,
}

impl Sockets {
    fn open() -> io::Result<Self> {
        let raw = |family| -> io::Result<OwnedFd> {
            // SAFETY: socket takes integers and returns a new descriptor. IPPROTO_RAW: the caller writes the header.
            let socket = owned(unsafe {
                libc::socket(
                    family,
                    libc::SOCK_RAW | libc::SOCK_CLOEXEC,
                    libc::IPPROTO_RAW,
                )
            })?;
            sys::set_option(
                &socket,
                libc::SOL_SOCKET,
                libc::SO_SNDBUF,
                &SEND_BUFFER_BYTES,
            )?;
            Ok(socket)
        };
        Ok(Self {
            v4: raw(libc::AF_INET)?,
            v6: raw(libc::AF_INET6)?,
        })
    }

    /// Sends a whole packet to the destination in its header.
    fn send(&self, packet: &[u8]) -> io::Result<()> {
        let sent = match packet {
            [first, ..] if first >> 4 == 4 => {
                let to: [u8; 4] = packet[16..20].try_into().unwrap_or_default();
                let address = libc::sockaddr_in {
                    sin_family: libc::AF_INET as u16,
                    sin_port: 0,
                    sin_addr: libc::in_addr {
                        s_addr: u32::from_ne_bytes(Ipv4Addr::from(to).octets()),
                    },
                    sin_zero: [0; 8],
                };
                send_to(&self.v4, packet, &address)
            }
            _ => {
                let to: [u8; 16] = packet[24..40].try_into().unwrap_or_default();
                let address = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as u16,
                    sin6_port: 0,
                    sin6_flowinfo: 0,
                    sin6_addr: libc::in6_addr {
                        s6_addr: Ipv6Addr::from(to).octets(),
                    },
                    sin6_scope_id: 0,
                };
                send_to(&self.v6, packet, &address)
            }
        };
        done(sent as libc::c_int)
    }
}

fn send_to<A>(socket: &OwnedFd, packet: &[u8], address: &A) -> isize {
    // SAFETY: both pointers are valid for reading the lengths given; the kernel copies what they point to.
    unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            packet.as_ptr().cast(),
            packet.len(),
            0,
            std::ptr::from_ref(address).cast(),
            size_of::<A>() as libc::socklen_t,
        )
    }
}
