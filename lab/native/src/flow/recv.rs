//! `jvpn-lab flow recv`: the receiver of a flow, with the kernel's arrival times.

use super::arrivals::{Arrival, Arrivals, Ending, Report, Window};
use super::packet::{BYTES_MAX, Kind, Packet};
use super::send::required_address;
use crate::args::Args;
use crate::clock::{self, BootUs, NS_PER_SEC};
use crate::control::{self, Input, Lines, STDIN};
use crate::fault::{Attempt, Fault};
use crate::sys;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

pub const HELP: &str = "\
jvpn-lab flow recv: receives a one-way UDP flow and reports its gaps, losses and delays

  --bind ADDR:PORT    listen address
  --seconds N         end after this time, 0.001…86400 (default: at the end of stdin or \"quit\")
  --keep N            arrivals kept in memory, 1…2000000 (default 2000000); older ones are forgotten and counted
  --netns NAME        run in this network namespace

Commands, one JSON object per line, each answered by one line:
  {\"op\":\"report\",\"fromUs\":N,\"toUs\":N}   both optional, µs of CLOCK_BOOTTIME
  {\"op\":\"quit\"}                          a last report about everything, with \"final\":true; like the end of stdin
Only the first flow that arrives is measured; packets of other flows are counted as foreign.
";

const VALUED: &[&str] = &["bind", "seconds", "keep", "netns"];
const ARRIVALS_MAX: usize = 2_000_000;
const RECEIVE_BUFFER_BYTES: i32 = 16 * 1024 * 1024;
/// Maximum packets received before commands are read.
const PACKETS_PER_TURN: usize = 256;

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
    bind: SocketAddr,
}

#[derive(Debug, Serialize)]
struct Answer {
    ok: bool,
    op: &'static str,
    boot_us: BootUs,
    #[serde(rename = "final")]
    last: bool,
    flow: Option<u32>,
    /// Packets of other flows, and datagrams that are not flow packets.
    foreign: u64,
    /// Packets without an arrival time from the system; the time of reading is used.
    unstamped: u64,
    #[serde(flatten)]
    report: Report,
}

#[derive(Debug)]
struct Receiver {
    socket: UdpSocket,
    flow: Option<u32>,
    arrivals: Arrivals,
    foreign: u64,
    unstamped: u64,
    datagram: Vec<u8>,
}

pub fn run(words: &[String]) -> Result<(), Fault> {
    let args = Args::parse("flow recv", words, VALUED, &[])?;
    let bind = required_address(&args, "bind")?;
    let seconds: Option<f64> = args.optional("seconds")?;
    args.within("seconds", 1.0, 0.001, 86_400.0)?;
    let keep = args.within("keep", ARRIVALS_MAX, 1, ARRIVALS_MAX)?;
    args.text("netns").map(crate::netns::enter).transpose()?;
    let socket = UdpSocket::bind(bind).attempt(
        format!("cannot bind {bind}"),
        "check `ip address` and `ss -lun`",
    )?;
    let configure = || -> io::Result<SocketAddr> {
        socket.set_nonblocking(true)?;
        sys::receive_buffer(&socket, RECEIVE_BUFFER_BYTES)?;
        sys::set_option(&socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &1_i32)?;
        socket.local_addr()
    };
    let bind = configure().attempt("cannot configure the socket", "see the reason above")?;
    let arrivals = Arrivals::new(keep);
    let mut receiver = Receiver {
        socket,
        flow: None,
        arrivals,
        foreign: 0,
        unstamped: 0,
        datagram: vec![0; BYTES_MAX],
    };
    control::say(&Ready {
        ok: true,
        op: "ready",
        boot_us: clock::boot_us(),
        bind,
    });
    let until = seconds.map(|seconds| clock::mono_ns() + (seconds * NS_PER_SEC as f64) as u64);
    receiver
        .listen(until)
        .attempt("cannot receive", "see the reason above")?;
    receiver.answer(None, None, true);
    Ok(())
}

impl Receiver {
    /// Receives packets and answers commands until a `quit` command, the end of stdin, or the time limit.
    fn listen(&mut self, until: Option<u64>) -> io::Result<()> {
        let mut lines = Lines::default();
        let mut waits = vec![self.socket.as_raw_fd(), STDIN];
        loop {
            let left = until.map(|until| until.saturating_sub(clock::mono_ns()));
            if left == Some(0) {
                return self.drain();
            }
            let ready = sys::wait_readable(&waits, left)?;
            if ready.at(0) {
                self.take()?;
            }
            if ready.at(1) {
                lines.fill()?;
                match self.obey(&mut lines)? {
                    Turn::Next => {}
                    Turn::Quit => return self.drain(),
                    Turn::Deaf if until.is_none() => return self.drain(),
                    Turn::Deaf => waits.truncate(1),
                }
            }
        }
    }

    fn obey(&mut self, lines: &mut Lines) -> io::Result<Turn> {
        loop {
            match lines.next() {
                Input::Nothing => return Ok(Turn::Next),
                Input::End => return Ok(Turn::Deaf),
                Input::TooLong => control::say_refused("the line is too long"),
                Input::Line(line) => match serde_json::from_str(&line) {
                    Ok(Command::Report { from_us, to_us }) => {
                        self.drain()?;
                        self.answer(from_us, to_us, false);
                    }
                    Ok(Command::Quit) => return Ok(Turn::Quit),
                    Err(error) => control::say_refused(error.to_string()),
                },
            }
        }
    }

    fn answer(&self, from_us: Option<BootUs>, to_us: Option<BootUs>, last: bool) {
        let now = clock::boot_us();
        let window = Window {
            from_us: from_us.unwrap_or(0),
            to_us: to_us.unwrap_or(u64::MAX),
        };
        control::say(&Answer {
            ok: true,
            op: "report",
            boot_us: now,
            last,
            flow: self.flow,
            foreign: self.foreign,
            unstamped: self.unstamped,
            report: self.arrivals.report(window, now),
        });
    }

    /// Reads everything that has arrived, at most as much as the socket's buffer can hold, so that a report is
    /// complete.
    fn drain(&mut self) -> io::Result<()> {
        const TURNS_MAX: usize = 1000;
        for _ in 0..TURNS_MAX {
            if self.take()? < PACKETS_PER_TURN {
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self) -> io::Result<usize> {
        for taken in 0..PACKETS_PER_TURN {
            match sys::receive_stamped(&self.socket, &mut self.datagram) {
                Ok((len, stamp)) => self.hear(len, stamp),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(taken),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(PACKETS_PER_TURN)
    }

    fn hear(&mut self, len: usize, stamp_ns: Option<u64>) {
        let Some(packet) = Packet::read(&self.datagram[..len]) else {
            self.foreign += 1;
            return;
        };
        if *self.flow.get_or_insert(packet.flow) != packet.flow {
            self.foreign += 1;
            return;
        }
        self.unstamped += u64::from(stamp_ns.is_none());
        let at_us = stamp_ns.map_or_else(clock::boot_us, clock::boot_us_of_real);
        let sent_us = packet.sent_us;
        match packet.kind {
            Kind::Data { seq } => self.arrivals.record(Arrival {
                seq,
                sent_us,
                at_us,
            }),
            Kind::End { packets } => self.arrivals.end(Ending { packets, sent_us }),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Next,
    Quit,
    /// Stdin has ended.
    Deaf,
}
