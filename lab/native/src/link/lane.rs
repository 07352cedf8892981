//! One direction of a link: a thread that reads frames at one end and writes them at the other end when they are due.
//!
//! ```text
//!            orders (set, stats, quit)
//!                 ▼
//!  TAP a ──▶ [ schedule ] ──▶ at once ─────────────▶ TAP b
//!  read           │                           write ▲
//!                 └──▶ delay line ── due ───────────┘
//! ```

use super::bell::Bell;
use super::delay_line::DelayLine;
use super::schedule::{Cause, Schedule, Verdict};
use super::settings::Settings;
use super::tap::Tap;
use super::trace::Trace;
use crate::clock::{self, BootUs};
use crate::histogram::{Histogram, Percentiles};
use crate::pcap::Offer;
use crate::sys;
use serde::Serialize;
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

/// Maximum frames read before due frames are delivered.
const READS_PER_TURN: usize = 32;
/// The largest frame: a TAP without offloads never has more than its device's MTU.
const FRAME_BYTES_MAX: usize = 65_535 + ETHERNET_BYTES;
const ETHERNET_BYTES: usize = 14;

/// The orders that the command thread can send to a lane.
#[derive(Debug)]
pub enum Order {
    /// The answer is the time of effect.
    Set {
        settings: Box<Settings>,
        trace: Option<Arc<Trace>>,
        answer: Sender<BootUs>,
    },
    Stats {
        restart: bool,
        answer: Sender<Box<Stats>>,
    },
    Quit,
}

/// Counts of all frames since the start.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    pub frames_in: u64,
    pub bytes_in: u64,
    pub frames_out: u64,
    pub bytes_out: u64,
    pub duplicated: u64,
    pub dropped: Dropped,
}

/// Dropped frames, by reason.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dropped {
    /// By the black hole, including frames in transit.
    pub blackhole: u64,
    pub mtu: u64,
    pub loss: u64,
    pub burst: u64,
    /// At the tail of the bottleneck's queue.
    pub queue: u64,
    /// For lack of memory in the delay line: the emulator's limit, not a setting's.
    pub memory: u64,
    /// Because the receiving device was down.
    pub device_down: u64,
    /// Because the kernel refused the frame for another reason.
    pub refused: u64,
}

/// The state of a lane at one moment.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    #[serde(flatten)]
    pub counts: Counts,
    pub queued_bytes: u64,
    pub in_flight_frames: u64,
    pub in_flight_bytes: u64,
    /// How late delayed frames were delivered: the emulator's own error.
    pub late_us: Percentiles,
    pub settings: Settings,
}

/// The state of the lane's thread.
#[derive(Debug)]
pub struct Lane {
    pub from: Arc<Tap>,
    pub to: Arc<Tap>,
    pub schedule: Schedule,
    pub line: DelayLine,
    pub capture: Option<Offer>,
    counts: Counts,
    late: Histogram,
}

impl Lane {
    pub fn new(
        from: Arc<Tap>,
        to: Arc<Tap>,
        seed: u64,
        memory_bytes_max: u64,
        capture: Option<Offer>,
    ) -> Self {
        Self {
            from,
            to,
            schedule: Schedule::new(seed),
            line: DelayLine::new(memory_bytes_max),
            capture,
            counts: Counts::default(),
            late: Histogram::default(),
        }
    }

    /// Carries frames until a quit order, or until a device is gone (an error). `bell` rings for each order.
    pub fn run(mut self, orders: &Receiver<Order>, bell: &Bell) -> io::Result<()> {
        clock::precise_timers();
        sys::run_ahead();
        let waits: [RawFd; 2] = [self.from.fd(), bell.fd()];
        let mut frame = vec![0; FRAME_BYTES_MAX];
        loop {
            self.deliver();
            let until_due = self
                .line
                .next_at()
                .map(|at| at.saturating_sub(clock::mono_ns()));
            let ready = sys::wait_readable(&waits, until_due)?;
            if ready.at(1) && self.obey(orders, bell)? == Turn::Last {
                return Ok(());
            }
            if ready.at(0) {
                self.take(&mut frame)?;
            }
        }
    }

    fn obey(&mut self, orders: &Receiver<Order>, bell: &Bell) -> io::Result<Turn> {
        bell.hush()?;
        for order in orders.try_iter() {
            match order {
                Order::Set {
                    settings,
                    trace,
                    answer,
                } => {
                    let at = self.set(*settings, trace);
                    let _asker_gone = answer.send(at);
                }
                Order::Stats { restart, answer } => {
                    let _asker_gone = answer.send(Box::new(self.stats()));
                    if restart {
                        self.late = Histogram::default();
                    }
                }
                Order::Quit => return Ok(Turn::Last),
            }
        }
        Ok(Turn::Next)
    }

    fn set(&mut self, settings: Settings, trace: Option<Arc<Trace>>) -> BootUs {
        if settings.blackhole {
            self.counts.dropped.blackhole += self.line.discard();
        }
        self.schedule.set(clock::mono_ns(), settings, trace);
        clock::boot_us()
    }

    fn stats(&mut self) -> Stats {
        Stats {
            counts: self.counts.clone(),
            queued_bytes: self.schedule.queued_bytes(clock::mono_ns()),
            in_flight_frames: self.line.frames(),
            in_flight_bytes: self.line.bytes(),
            late_us: self.late.percentiles(),
            settings: self.schedule.settings().clone(),
        }
    }

    /// Reads the frames that wait at the near end, at most one turn's limit.
    fn take(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        for _ in 0..READS_PER_TURN {
            let len = match self.from.read(buffer) {
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.admit(&buffer[..len]);
        }
        Ok(())
    }

    fn admit(&mut self, frame: &[u8]) {
        let now = clock::mono_ns();
        self.counts.frames_in += 1;
        self.counts.bytes_in += frame.len() as u64;
        if let Some(capture) = &self.capture {
            capture.packet(clock::boot_ns(), &[], frame, frame.len());
        }
        match self
            .schedule
            .push(now, frame.len().saturating_sub(ETHERNET_BYTES) as u32)
        {
            Verdict::Drop(cause) => self.count_drop(cause),
            Verdict::Deliver { at, twice } => {
                let copies = 1 + usize::from(twice);
                self.counts.duplicated += u64::from(twice);
                for _ in 0..copies {
                    if at <= now && self.line.is_empty() {
                        self.emit(frame);
                    } else if !self.line.hold(at, frame) {
                        self.counts.dropped.memory += 1;
                    }
                }
            }
        }
    }

    /// Writes all frames that are due.
    fn deliver(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let mut now = clock::mono_ns();
        while let Some((at, frame)) = self.line.due(now) {
            self.emit(&frame);
            self.late.record(now.saturating_sub(at) / 1000);
            now = clock::mono_ns();
        }
    }

    fn emit(&mut self, frame: &[u8]) {
        match self.to.write(frame) {
            Ok(()) => {
                self.counts.frames_out += 1;
                self.counts.bytes_out += frame.len() as u64;
            }
            Err(error) if error.raw_os_error() == Some(libc::EIO) => {
                self.counts.dropped.device_down += 1;
            }
            Err(_) => self.counts.dropped.refused += 1,
        }
    }

    fn count_drop(&mut self, cause: Cause) {
        let dropped = &mut self.counts.dropped;
        let count = match cause {
            Cause::BlackHole => &mut dropped.blackhole,
            Cause::Mtu => &mut dropped.mtu,
            Cause::Loss => &mut dropped.loss,
            Cause::Burst => &mut dropped.burst,
            Cause::Queue => &mut dropped.queue,
        };
        *count += 1;
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Next,
    Last,
}
