//! `jvpn-lab link`: one emulated cable between two TAP devices.
//!
//! ```text
//!   namespace client        this process          namespace router
//!  ┌───────────────┐    ┌──── lane ab ────▶┐    ┌────────────────┐
//!  │ wan0 (TAP a) ─┼────┤                  ├────┼─ cli0 (TAP b)  │
//!  └───────────────┘    └◀──── lane ba ────┘    └────────────────┘
//!                              ▲   │
//!                       commands   answers  (JSON lines)
//! ```

mod answers;
mod bell;
mod burst;
mod carrier;
mod command;
mod delay_line;
mod lane;
mod schedule;
mod settings;
mod shaper;
mod tap;
mod trace;

use crate::args::Args;
use crate::clock;
use crate::control::{self, Input, Lines, STDIN};
use crate::fault::{Attempt, Fault};
use crate::pcap::{LinkType, Pcap};
use crate::sys;
use answers::{Done, End, KernelDropped, Ready, Report};
use bell::Bell;
use carrier::Cable;
use command::{Command, Direction};
use lane::{Lane, Order, Stats};
use settings::{Change, Settings};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use tap::{Mac, Place, Tap};
use trace::Trace;

pub const HELP: &str = "\
jvpn-lab link: an emulated cable between two new TAP devices, controlled by JSON lines on stdin

  --a IFNAME[@NETNS]     one end; the device is created and vanishes with this process
  --b IFNAME[@NETNS]     the other end
  --mac-a XX:…, --mac-b XX:…   hardware addresses (default: chosen by the kernel)
  --up                   set both devices up at once
  --follow               an end loses its carrier while the other one is set down (a cable; default: a switch)
  --seed N               seed of all randomness (default: from the clock; reported in the first line)
  --memory-mb N          maximum memory for frames in transit, MiB per direction, 1…4096 (default 64)
  --pcap FILE            capture the entering frames of both directions
  --pcap-mb N            maximum MiB of that file, 1…10240 (default 256)
  --snap BYTES           bytes kept of each frame, 64…65549 (default 256)

Commands, one JSON object per line, each answered by one line with \"boot_us\", the time at which it took effect
(CLOCK_BOOTTIME, µs):
  {\"op\":\"set\",\"dir\":\"ab\"|\"ba\"|\"both\", …}   omitted fields stay unchanged; null removes a limit
      delayMs, jitterMs (ms), jitter \"uniform\"|\"normal\", loss, duplicate, reorder (0…1), reorderMs (ms),
      burst {p, r, lossInBad} (0…1), rateMbit (Mbit/s), trace (path, Mahimahi), queueMs (ms), queueBytes,
      mtu (bytes of layer 3), blackhole (true|false)
  {\"op\":\"carrier\",\"side\":\"a\"|\"b\",\"up\":true|false}
  {\"op\":\"stats\"}
  {\"op\":\"quit\"}      like the end of stdin
";

const VALUED: &[&str] = &[
    "a",
    "b",
    "mac-a",
    "mac-b",
    "seed",
    "memory-mb",
    "pcap",
    "pcap-mb",
    "snap",
];
const SWITCHES: &[&str] = &["up", "follow"];
const MIB: u64 = 1024 * 1024;
/// Maximum size of a trace file.
const TRACE_FILE_BYTES_MAX: u64 = 64 * MIB;
const LANES: usize = 2;

pub fn run(words: &[String]) -> Result<(), Fault> {
    let args = Args::parse("link", words, VALUED, SWITCHES)?;
    let mut link = Link::start(&args)?;
    control::say(&link.ready().attempt(
        "cannot read the addresses of the new devices",
        "they may be gone already",
    )?);
    let steered = link.steer();
    steered.and(link.end())
}

/// The state of the command thread.
#[derive(Debug)]
struct Link {
    taps: [Arc<Tap>; 2],
    lanes: [LaneHandle; LANES],
    settings: [Settings; LANES],
    cable: Cable,
    seed: u64,
    pcap: Option<Pcap>,
    /// Rings when a lane ended without a quit order.
    broken: Bell,
}

#[derive(Debug)]
struct LaneHandle {
    orders: Sender<Order>,
    bell: Bell,
    thread: JoinHandle<io::Result<()>>,
}

impl Link {
    fn start(args: &Args) -> Result<Self, Fault> {
        let place = |name| -> Result<Place, Fault> {
            args.required(name)?;
            Ok(args.optional(name)?.unwrap_or(Place {
                name: String::new(),
                netns: String::new(),
            }))
        };
        let memory = args.within("memory-mb", 64, 1, 4096)? * MIB;
        let seed = args.optional("seed")?.unwrap_or_else(clock::boot_ns);
        let (place_a, place_b) = (place("a")?, place("b")?);
        let (mac_a, mac_b) = (
            args.optional::<Mac>("mac-a")?,
            args.optional::<Mac>("mac-b")?,
        );
        let pcap = start_capture(args)?;
        let a = Arc::new(Tap::create(&place_a, mac_a, args.has("up"))?);
        let b = Arc::new(Tap::create(&place_b, mac_b, args.has("up"))?);
        let taps = [a, b];
        let cable = Cable::new(taps.clone(), args.has("follow"))?;
        let broken =
            Bell::new().attempt("cannot create an eventfd", "too many descriptors are open")?;
        let lane = |from: usize| -> Result<LaneHandle, Fault> {
            let (near, far) = (Arc::clone(&taps[from]), Arc::clone(&taps[1 - from]));
            let capture = pcap.as_ref().map(Pcap::offer);
            let lane = Lane::new(near, far, seed.wrapping_add(from as u64), memory, capture);
            LaneHandle::start(lane, &broken)
        };
        let lanes = [lane(0)?, lane(1)?];
        Ok(Self {
            taps,
            lanes,
            settings: Default::default(),
            cable,
            seed,
            pcap,
            broken,
        })
    }

    fn ready(&self) -> io::Result<Ready> {
        let end = |tap: &Tap| -> io::Result<End> {
            let Place { name, netns } = tap.place.clone();
            Ok(End {
                name,
                netns,
                ifindex: tap.index()?,
                mac: tap.mac()?,
            })
        };
        let [a, b] = &self.taps;
        Ok(Ready {
            ok: true,
            op: "ready",
            boot_us: clock::boot_us(),
            seed: self.seed,
            a: end(a)?,
            b: end(b)?,
        })
    }

    /// Executes commands until the last one, or until a device disappears.
    fn steer(&mut self) -> Result<(), Fault> {
        const BROKEN: usize = 3;
        let gone = "a device of the link is gone";
        let to_do = "it was deleted together with its namespace, or by another process";
        let mut lines = Lines::default();
        loop {
            let [watch_a, watch_b] = self.cable.watches();
            let waits = [STDIN, watch_a, watch_b, self.broken.fd()];
            let ready = sys::wait_readable(&waits, None)
                .attempt("cannot wait for commands", "see the reason above")?;
            if ready.at(BROKEN) {
                return Ok(()); // the lane's own error follows when it is joined
            }
            if ready.at(1) || ready.at(2) {
                self.cable.react().attempt(gone, to_do)?;
            }
            if ready.at(0) {
                lines.fill().attempt(
                    "cannot read commands",
                    "stdin must be a pipe, a file or a terminal",
                )?;
            }
            loop {
                match lines.next() {
                    Input::Nothing => break,
                    Input::End => return Ok(()),
                    Input::TooLong => control::say_refused("the line is too long"),
                    Input::Line(line) => match Command::parse(&line) {
                        Ok(Command::Quit) => {
                            control::say(&Done::now("quit"));
                            return Ok(());
                        }
                        Ok(command) => self.obey(command).unwrap_or_else(control::say_refused),
                        Err(error) => control::say_refused(error),
                    },
                }
            }
        }
    }

    fn obey(&mut self, command: Command) -> Result<(), String> {
        match command {
            Command::Set { direction, change } => self.set(direction, &change)?,
            Command::Carrier { side, up } => {
                self.cable
                    .plug(side as usize, up)
                    .map_err(|error| format!("cannot change the carrier: {error}"))?;
                control::say(&Done::now("carrier"));
            }
            Command::Stats { restart } => control::say(&self.report(restart)?),
            Command::Quit => {}
        }
        Ok(())
    }

    /// Changes both directions or none: all reasons to refuse are checked before the first change.
    fn set(&mut self, direction: Direction, change: &Change) -> Result<(), String> {
        let mut planned = Vec::with_capacity(LANES);
        for lane in (0..LANES).filter(|&lane| direction.contains(lane)) {
            let settings = self.settings[lane].changed(change)?;
            let trace = settings.trace.as_deref().map(load_trace).transpose()?;
            planned.push((lane, settings, trace));
        }
        let mut asked = Vec::with_capacity(LANES);
        for (lane, settings, trace) in planned {
            self.settings[lane] = settings.clone();
            let (answer, took_effect) = channel();
            self.lanes[lane].order(Order::Set {
                settings: Box::new(settings),
                trace,
                answer,
            })?;
            asked.push((lane, took_effect));
        }
        let mut at = [None; LANES];
        for (lane, took_effect) in asked {
            at[lane] = Some(took_effect.recv().map_err(|_| LANE_GONE)?);
        }
        let [ab_boot_us, ba_boot_us] = at;
        let boot_us = ab_boot_us.max(ba_boot_us).unwrap_or_else(clock::boot_us);
        control::say(&Done {
            ok: true,
            op: "set",
            boot_us,
            ab_boot_us,
            ba_boot_us,
        });
        Ok(())
    }

    fn report(&self, restart: bool) -> Result<Report, String> {
        let stats = |lane: &LaneHandle| -> Result<Box<Stats>, String> {
            let (answer, stats) = channel();
            lane.order(Order::Stats { restart, answer })?;
            Ok(stats.recv().map_err(|_| LANE_GONE)?)
        };
        let dropped = |tap: &Tap| tap.kernel_dropped().map_err(|error| error.to_string());
        Ok(Report {
            ok: true,
            op: "stats",
            boot_us: clock::boot_us(),
            seed: self.seed,
            ab: stats(&self.lanes[0])?,
            ba: stats(&self.lanes[1])?,
            kernel_dropped: KernelDropped {
                a: dropped(&self.taps[0])?,
                b: dropped(&self.taps[1])?,
            },
            pcap: self.pcap.as_ref().map(Pcap::written),
        })
    }

    /// Ends both lanes, then the capture; the devices vanish when their last owner drops them.
    fn end(self) -> Result<(), Fault> {
        let mut outcome = Ok(());
        for lane in self.lanes {
            let _ended_already = lane.order(Order::Quit);
            let ended = lane
                .thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a lane panicked")));
            outcome = outcome.and(ended.attempt(
                "the link cannot carry frames any longer",
                "a device was deleted together with its namespace, or by another process",
            ));
        }
        if let Some(pcap) = self.pcap {
            pcap.finish()
                .attempt("cannot complete the capture", "check the free disk space")?;
        }
        outcome
    }
}

const LANE_GONE: &str = "the link has lost one of its devices";

impl LaneHandle {
    fn start(lane: Lane, broken: &Bell) -> Result<Self, Fault> {
        let bell =
            Bell::new().attempt("cannot create an eventfd", "too many descriptors are open")?;
        let (orders, received) = channel();
        let (own_bell, broken) = (bell.clone(), broken.clone());
        let thread = std::thread::spawn(move || {
            let ended = lane.run(&received, &own_bell);
            if ended.is_err() {
                broken.ring()?;
            }
            ended
        });
        Ok(Self {
            orders,
            bell,
            thread,
        })
    }

    fn order(&self, order: Order) -> Result<(), String> {
        self.orders.send(order).map_err(|_| LANE_GONE)?;
        self.bell.ring().map_err(|error| error.to_string())
    }
}

fn start_capture(args: &Args) -> Result<Option<Pcap>, Fault> {
    let bytes_max = args.within("pcap-mb", 256, 1, 10_240)? * MIB;
    let snap = args.within("snap", 256, 64, 65_549)?;
    let create = |path| Pcap::create(Path::new(path), LinkType::Ethernet, snap, bytes_max);
    args.text("pcap").map(create).transpose()
}

fn load_trace(path: &str) -> Result<Arc<Trace>, String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)
        .map_err(|error| format!("cannot open the trace {path}: {error}"))?;
    let mut bounded = file.take(TRACE_FILE_BYTES_MAX + 1);
    bounded
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot read the trace {path}: {error}"))?;
    if text.len() as u64 > TRACE_FILE_BYTES_MAX {
        return Err(format!(
            "the trace {path} is larger than {TRACE_FILE_BYTES_MAX} bytes"
        ));
    }
    Ok(Arc::new(Trace::parse(&text).map_err(|error| {
        format!("the trace {path} is not usable: {error}")
    })?))
}
