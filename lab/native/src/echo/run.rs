//! `jvpn-lab echo run`: the client. Its packets have the format of a flow's packets, so echoes are evaluated like the
//! arrivals of a flow; the delay is the round trip.

use super::stream;
use crate::args::Args;
use crate::clock::{self, BootUs, NS_PER_MS, NS_PER_SEC};
use crate::control::{self, Input, Lines, STDIN};
use crate::fault::{Attempt, Fault};
use crate::flow::arrivals::{Arrival, Arrivals, Report, Window};
use crate::flow::packet::{BYTES_MIN, Kind, Packet};
use crate::flow::required_address;
use crate::seeded::Seeded;
use crate::sys;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;

pub const HELP: &str = "\
jvpn-lab echo run: sends packets to an `echo serve` and back, at a steady rate

  --over udp|tcp|mptcp  protocol (default udp); tcp and mptcp use one connection and never reconnect
  --to ADDR:PORT        the server
  --rate N              packets per second, 1…100000 (default 200)
  --size N              bytes per packet, 24…60000 (default 200)
  --keep N              echoes kept in memory, 1…2000000 (default 200000); older ones are forgotten and counted
  --netns NAME          run in this network namespace

Commands, one JSON object per line, each answered by one line:
  {\"op\":\"report\",\"fromUs\":N,\"toUs\":N}   both optional, µs of CLOCK_BOOTTIME; same fields as `flow recv`,
                                         delayUs is the round trip
  {\"op\":\"quit\"}                          ends, like the end of stdin
";

const VALUED: &[&str] = &["over", "to", "rate", "size", "keep", "netns"];
const ECHOES_MAX: usize = 2_000_000;
const SIZE_MAX: usize = 60_000;
/// Maximum bytes of one read from a connection.
const CHUNK_BYTES: usize = 64 * 1024;

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Command {
    Report {
        #[serde(default, rename = "fromUs")]
        from_us: Option<BootUs>,
        #[serde(default, rename = "toUs")]
        to_us: Option<BootUs>,
    },
    Quit,
}

#[derive(Debug, Serialize)]
struct Ready {
    ok: bool,
    op: &'static str,
    boot_us: BootUs,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    ok: bool,
    op: &'static str,
    boot_us: BootUs,
    /// Why the connection ended, if it did.
    broken: Option<&'a str>,
    #[serde(flatten)]
    report: Report,
}

#[derive(Debug)]
enum Channel {
    Packets { socket: UdpSocket, to: SocketAddr },
    Bytes(TcpStream),
}

#[derive(Debug)]
struct Echoes {
    channel: Channel,
    flow: u32,
    size: usize,
    arrivals: Arrivals,
    /// Received bytes that are not yet a whole packet.
    pending: Vec<u8>,
    broken: Option<String>,
}

pub fn run(words: &[String]) -> Result<(), Fault> {
    let args = Args::parse("echo run", words, VALUED, &[])?;
    let to = required_address(&args, "to")?;
    let rate = args.within("rate", 200_u64, 1, 100_000)?;
    let size = args.within("size", 200, BYTES_MIN, SIZE_MAX)?;
    let keep = args.within("keep", 200_000, 1, ECHOES_MAX)?;
    let over = args.text("over").unwrap_or("udp");
    if !["udp", "tcp", "mptcp"].contains(&over) {
        return Err(args.refuse(format!("--over must be udp, tcp or mptcp, not \"{over}\"")));
    }
    args.text("netns").map(crate::netns::enter).transpose()?;
    let to_do = "start `jvpn-lab echo serve` there first, and check that the address is reachable";
    let what = format!("cannot reach {to} over {over}");
    let channel = Channel::open(over, to).attempt(what.clone(), to_do)?;
    let sender = channel.share().attempt(what.clone(), to_do)?;
    let flow = Seeded::new(clock::boot_ns() ^ u64::from(std::process::id())).next() as u32;
    std::thread::spawn(move || pace(sender, flow, size, rate));
    control::say(&Ready {
        ok: true,
        op: "ready",
        boot_us: clock::boot_us(),
    });
    let mut echoes = Echoes {
        channel,
        flow,
        size,
        arrivals: Arrivals::new(keep),
        pending: Vec::new(),
        broken: None,
    };
    echoes.listen().attempt(what, "see the reason above")
}

impl Channel {
    fn open(over: &str, to: SocketAddr) -> io::Result<Self> {
        let stream = match over {
            "tcp" => TcpStream::connect(to)?,
            "mptcp" => stream::connect_mptcp(to)?,
            _ => {
                let any = if to.is_ipv4() {
                    Ipv4Addr::UNSPECIFIED.into()
                } else {
                    Ipv6Addr::UNSPECIFIED.into()
                };
                // Not connected: an ICMP error for one packet must not make the next send fail.
                let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
                socket.set_nonblocking(true)?;
                sys::set_option(&socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &1_i32)?;
                return Ok(Self::Packets { socket, to });
            }
        };
        stream.set_nodelay(true)?;
        Ok(Self::Bytes(stream))
    }

    fn share(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Packets { socket, to } => Self::Packets {
                socket: socket.try_clone()?,
                to: *to,
            },
            Self::Bytes(stream) => Self::Bytes(stream.try_clone()?),
        })
    }
}

/// Packet k is due at start + k/rate. If a connection blocks, later packets are delayed; each contains the time when it
/// was written. Ends with the connection or the process.
fn pace(mut channel: Channel, flow: u32, size: usize, rate: u64) {
    clock::precise_timers();
    sys::run_ahead();
    let mut packet = vec![0; size];
    let start = clock::mono_ns() + NS_PER_MS;
    for seq in 0_u64.. {
        clock::sleep_until(start + seq * NS_PER_SEC / rate);
        let head = Packet {
            flow,
            kind: Kind::Data { seq },
            sent_us: clock::boot_us(),
        };
        head.write(&mut packet);
        match &mut channel {
            Channel::Packets { socket, to } => {
                // A packet that the system refuses counts as lost.
                let _lost = socket.send_to(&packet, *to);
            }
            Channel::Bytes(stream) => {
                if stream.write_all(&packet).is_err() {
                    return;
                }
            }
        }
    }
}

impl Echoes {
    fn listen(&mut self) -> io::Result<()> {
        let mut lines = Lines::default();
        let mut bytes = vec![0; CHUNK_BYTES];
        loop {
            let source = match &self.channel {
                Channel::Packets { socket, .. } => socket.as_raw_fd(),
                Channel::Bytes(stream) => stream.as_raw_fd(),
            };
            let waits = [STDIN, source];
            let ready =
                sys::wait_readable(&waits[..if self.broken.is_none() { 2 } else { 1 }], None)?;
            if ready.at(1) {
                self.take(&mut bytes);
            }
            if ready.at(0) {
                lines.fill()?;
                if !self.obey(&mut lines) {
                    return Ok(());
                }
            }
        }
    }

    /// Returns whether to continue.
    fn obey(&self, lines: &mut Lines) -> bool {
        loop {
            match lines.next() {
                Input::Nothing => return true,
                Input::End => return false,
                Input::TooLong => control::say_refused("the line is too long"),
                Input::Line(line) => match serde_json::from_str(&line) {
                    Ok(Command::Report { from_us, to_us }) => self.answer(from_us, to_us),
                    Ok(Command::Quit) => return false,
                    Err(error) => control::say_refused(error.to_string()),
                },
            }
        }
    }

    fn answer(&self, from_us: Option<BootUs>, to_us: Option<BootUs>) {
        let boot_us = clock::boot_us();
        let window = Window {
            from_us: from_us.unwrap_or(0),
            to_us: to_us.unwrap_or(u64::MAX),
        };
        control::say(&Answer {
            ok: true,
            op: "report",
            boot_us,
            broken: self.broken.as_deref(),
            report: self.arrivals.report(window, boot_us),
        });
    }

    /// Reads what has arrived, at most one buffer.
    fn take(&mut self, bytes: &mut [u8]) {
        match &mut self.channel {
            Channel::Packets { socket, .. } => {
                if let Ok((len, stamp)) = sys::receive_stamped(socket, bytes) {
                    let at_us = stamp.map_or_else(clock::boot_us, clock::boot_us_of_real);
                    self.hear(&bytes[..len], at_us);
                }
            }
            Channel::Bytes(stream) => match stream.read(bytes) {
                Ok(0) => self.broken = Some("the other end closed".into()),
                Ok(len) => {
                    let at_us = clock::boot_us();
                    self.pending.extend_from_slice(&bytes[..len]);
                    let pending = std::mem::take(&mut self.pending);
                    let packets = pending.chunks_exact(self.size);
                    self.pending = packets.remainder().to_vec();
                    packets.for_each(|packet| self.hear(packet, at_us));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.broken = Some(error.to_string()),
            },
        }
    }

    fn hear(&mut self, bytes: &[u8], at_us: BootUs) {
        let Some(packet) = Packet::read(bytes).filter(|packet| packet.flow == self.flow) else {
            return;
        };
        if let Kind::Data { seq } = packet.kind {
            self.arrivals.record(Arrival {
                seq,
                sent_us: packet.sent_us,
                at_us,
            });
        }
    }
}
