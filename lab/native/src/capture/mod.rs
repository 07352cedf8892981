//! `jvpn-lab capture`: an independent observer. What the tunnel reports about handshakes, connections and leaks is
//! compared with the packets on the wire.
//!
//! ```text
//!   namespace client
//!     tun0  ── inner packets ──▶ TCP connections, resets
//!     wan0 ┐
//!     wan1 ┴── outer packets ──▶ handshakes, DATA, and nothing with an inner address (clear = 0)
//! ```

mod counts;
mod dissect;
mod prefix;
mod socket;

use crate::args::Args;
use crate::clock::{self, BootUs, NS_PER_SEC};
use crate::control::{self, Input, Lines, STDIN};
use crate::fault::{Attempt, Fault};
use crate::pcap::{LinkType, Offer, Pcap, Written};
use crate::sys;
use counts::{Counts, Shown, Sought};
use dissect::Packet;
use prefix::Prefix;
use serde::{Deserialize, Serialize};
use socket::{PacketSocket, Seen};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

pub const HELP: &str = "\
jvpn-lab capture: counts what passes the interfaces of one network namespace

  --ifaces A,B,…       interfaces to count, at most 16; they may appear and disappear while the capture runs
  --uplinks A,…        interfaces on which no inner address may appear (default: the Ethernet ones of --ifaces)
  --inner P,Q,…        inner prefixes (default 10.80.0.0/16,fd80::/48)
  --port N             the tunnel's UDP port (default 4774)
  --netns NAME         the network namespace (default: the current one)
  --out FILE           also write a pcap (Linux cooked v2, CLOCK_BOOTTIME)
  --max-mb N           maximum MiB of that file, 1…10240 (default 256)
  --snap BYTES         bytes kept of each packet, 128…65535 (default 256)
  --seconds N          end after this time, 0.001…86400 (default: at the end of stdin or \"quit\")

Commands on stdin: {\"op\":\"report\"}, answered by one line; {\"op\":\"quit\"} or end of stdin: a last report with
\"final\":true. \"distinct\" compares the ephemeral key of handshakes, and both ends and the initial
sequence number of connections. A whole superframe (GSO) counts as one packet. \"complete\" is false when the kernel
dropped packets or when more than 65536 distinct values came: then the counts are lower bounds.
";

const VALUED: &[&str] = &[
    "ifaces", "uplinks", "inner", "port", "netns", "out", "max-mb", "snap", "seconds",
];
const INTERFACES_MAX: usize = 16;
const INNER_DEFAULT: &str = "10.80.0.0/16,fd80::/48";
/// Maximum interface numbers remembered; when the table is full, it is cleared.
const NUMBERS_MAX: usize = 1024;
/// Long enough for the key of the largest handshake after IPv6 and some extension headers.
const SNAP_MIN: usize = 128;

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Command {
    Report,
    Quit,
}

#[derive(Debug, Serialize)]
struct Ready {
    ok: bool,
    op: &'static str,
    boot_us: BootUs,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    ok: bool,
    op: &'static str,
    #[serde(rename = "boot_us")]
    boot_us: BootUs,
    #[serde(rename = "final")]
    last: bool,
    complete: bool,
    kernel_dropped: u64,
    /// Distinct over all interfaces: a handshake seen on two of them counts once.
    total: Shown,
    interfaces: BTreeMap<&'a str, Shown>,
    pcap: Option<Written>,
}

#[derive(Debug)]
struct Interface {
    name: String,
    /// `None`: the hardware type decides.
    is_uplink: Option<bool>,
    counts: Counts,
}

/// The counters, separate from the socket that supplies the packets.
#[derive(Debug)]
struct Ledger {
    interfaces: Vec<Interface>,
    total: Counts,
    sought: Sought,
    /// Maps an interface number to its index in `interfaces`; `None` for interfaces that are not counted.
    numbers: HashMap<i32, Option<usize>>,
    file: Option<Offer>,
}

pub fn run(words: &[String]) -> Result<(), Fault> {
    let args = Args::parse("capture", words, VALUED, &[])?;
    let seconds: Option<f64> = args.optional("seconds")?;
    args.within("seconds", 1.0, 0.001, 86_400.0)?;
    let snap = args.within("snap", 256, SNAP_MIN, 65_535)?;
    let bytes_max = args.within("max-mb", 256, 1, 10_240)? * 1024 * 1024;
    let mut ledger = Ledger::new(&args)?;
    args.text("netns").map(crate::netns::enter).transpose()?;
    let mut socket = PacketSocket::open(snap).attempt(
        "cannot open a packet socket",
        "it needs root (CAP_NET_RAW) in that namespace",
    )?;
    let create = |path| Pcap::create(Path::new(path), LinkType::Sll2, snap, bytes_max);
    let pcap = args.text("out").map(create).transpose()?;
    ledger.file = pcap.as_ref().map(Pcap::offer);
    control::say(&Ready {
        ok: true,
        op: "ready",
        boot_us: clock::boot_us(),
    });
    let until = seconds.map(|seconds| clock::mono_ns() + (seconds * NS_PER_SEC as f64) as u64);
    let watched = watch(&mut socket, &mut ledger, pcap.as_ref(), until);
    watched.attempt("cannot continue the capture", "see the reason above")?;
    ledger.file = None;
    let written = pcap
        .map(Pcap::finish)
        .transpose()
        .attempt("cannot complete the pcap", "check the free disk space")?;
    let dropped = socket.dropped().attempt(
        "cannot read the number of packets that the kernel dropped",
        "see the reason above",
    )?;
    control::say(&ledger.answer(dropped, written, true));
    Ok(())
}

fn watch(
    socket: &mut PacketSocket,
    ledger: &mut Ledger,
    pcap: Option<&Pcap>,
    until: Option<u64>,
) -> io::Result<()> {
    let mut lines = Lines::default();
    let mut waits = vec![socket.fd(), STDIN];
    loop {
        let left = until.map(|until| until.saturating_sub(clock::mono_ns()));
        if left == Some(0) {
            return drain(socket, ledger);
        }
        let ready = sys::wait_readable(&waits, left)?;
        if ready.at(0) {
            take(socket, ledger)?;
        }
        if ready.at(1) {
            lines.fill()?;
        }
        loop {
            match lines.next() {
                Input::Nothing => break,
                Input::End if until.is_some() => {
                    waits.truncate(1);
                    break;
                }
                Input::End => return drain(socket, ledger),
                Input::TooLong => control::say_refused("the line is too long"),
                Input::Line(line) => match serde_json::from_str(&line) {
                    Ok(Command::Report) => {
                        drain(socket, ledger)?;
                        control::say(&ledger.answer(
                            socket.dropped()?,
                            pcap.map(Pcap::written),
                            false,
                        ));
                    }
                    Ok(Command::Quit) => return drain(socket, ledger),
                    Err(error) => control::say_refused(error.to_string()),
                },
            }
        }
    }
}

fn take(socket: &mut PacketSocket, ledger: &mut Ledger) -> io::Result<usize> {
    let mut unknown = Vec::new();
    let taken = socket.take(|seen, packet| {
        if !ledger.look(seen, packet) {
            unknown.push((seen, packet.to_vec()));
        }
    })?;
    for (seen, packet) in unknown {
        ledger.learn(seen.interface, socket.name(seen.interface).as_deref());
        ledger.look(seen, &packet);
    }
    Ok(taken)
}

/// Reads the packets that had arrived before the call, so that a report is complete. A flood cannot make it run for
/// ever.
fn drain(socket: &mut PacketSocket, ledger: &mut Ledger) -> io::Result<()> {
    const BATCHES_MAX: usize = 10_000;
    for _ in 0..BATCHES_MAX {
        if take(socket, ledger)? == 0 {
            break;
        }
    }
    Ok(())
}

impl Ledger {
    fn new(args: &Args) -> Result<Self, Fault> {
        let uplinks: Option<Vec<&str>> = args.text("uplinks").map(|text| text.split(',').collect());
        let names: Vec<&str> = args.required("ifaces")?.split(',').collect();
        let all_named = names.iter().all(|name| !name.is_empty());
        if names.len() > INTERFACES_MAX || !all_named {
            return Err(args.refuse(format!(
                "--ifaces must be 1…{INTERFACES_MAX} names, separated by commas"
            )));
        }
        if let Some(stranger) = uplinks
            .iter()
            .flatten()
            .find(|uplink| !names.contains(uplink))
        {
            return Err(args.refuse(format!(
                "--uplinks has \"{stranger}\", which is not in --ifaces"
            )));
        }
        let prefix = |text: &str| -> Result<Prefix, Fault> {
            text.parse()
                .map_err(|()| args.refuse(format!("--inner has \"{text}\", which is not a prefix")))
        };
        let inner = args
            .text("inner")
            .unwrap_or(INNER_DEFAULT)
            .split(',')
            .map(prefix)
            .collect::<Result<_, _>>()?;
        let interface = |name: &&str| Interface {
            name: (*name).to_owned(),
            is_uplink: uplinks.as_ref().map(|uplinks| uplinks.contains(name)),
            counts: Counts::default(),
        };
        Ok(Self {
            interfaces: names.iter().map(interface).collect(),
            total: Counts::default(),
            sought: Sought {
                port: args.within("port", 4774, 1, u16::MAX)?,
                inner,
            },
            numbers: HashMap::new(),
            file: None,
        })
    }

    /// Counts one packet; `false` if its interface number is not known yet.
    fn look(&mut self, seen: Seen, bytes: &[u8]) -> bool {
        let Some(&place) = self.numbers.get(&seen.interface) else {
            return false;
        };
        let Some(interface) = place.and_then(|place| self.interfaces.get_mut(place)) else {
            return true;
        };
        let packet = Packet::read(bytes);
        if let Some(file) = &self.file {
            let bytes_long = packet
                .as_ref()
                .map_or(bytes.len(), |packet| packet.bytes.max(bytes.len()));
            file.packet(seen.stamp_ns, &cooked_head(seen), bytes, bytes_long);
        }
        if let Some(packet) = packet.filter(|_| is_ip(seen.protocol)) {
            let is_uplink = interface.is_uplink.unwrap_or(seen.is_ethernet());
            interface
                .counts
                .add(&packet, seen.is_outgoing(), is_uplink, &self.sought);
            self.total
                .add(&packet, seen.is_outgoing(), is_uplink, &self.sought);
        }
        true
    }

    fn learn(&mut self, number: i32, name: Option<&str>) {
        if self.numbers.len() >= NUMBERS_MAX {
            self.numbers.clear();
        }
        let place = self
            .interfaces
            .iter()
            .position(|interface| name == Some(interface.name.as_str()));
        self.numbers.insert(number, place);
    }

    fn answer(&self, kernel_dropped: u64, pcap: Option<Written>, last: bool) -> Answer<'_> {
        let counts = self.interfaces.iter().map(|interface| &interface.counts);
        Answer {
            ok: true,
            op: "report",
            boot_us: clock::boot_us(),
            last,
            complete: kernel_dropped == 0 && !counts.chain([&self.total]).any(Counts::is_full),
            kernel_dropped,
            total: self.total.shown(),
            interfaces: self
                .interfaces
                .iter()
                .map(|i| (i.name.as_str(), i.counts.shown()))
                .collect(),
            pcap,
        }
    }
}

fn is_ip(protocol: u16) -> bool {
    [libc::ETH_P_IP, libc::ETH_P_IPV6].contains(&i32::from(protocol))
}

/// The header of `LINKTYPE_LINUX_SLL2`, without a link layer address.
fn cooked_head(seen: Seen) -> [u8; 20] {
    let mut head = [0; 20];
    head[0..2].copy_from_slice(&seen.protocol.to_be_bytes());
    head[4..8].copy_from_slice(&seen.interface.to_be_bytes());
    head[8..10].copy_from_slice(&seen.hardware.to_be_bytes());
    head[10] = seen.kind;
    head
}
