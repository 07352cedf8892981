//! `packets <traffic> <frames>`: passes frames through the packet path in memory. The costs are measured from outside,
//! by callgrind or a clock; the difference between two runs of different length leaves only the packets.

#[path = "../tests/pipeline/mod.rs"]
mod pipeline;
#[path = "../../proto/tests/world/mod.rs"]
mod world;

use std::{process::ExitCode, time::Instant};

use crate::pipeline::{Pipeline, datagram, tcp_acknowledgement, tcp_superframe};

/// Timers run as rarely as beside a fast stream.
const FRAMES_PER_REST: u32 = 1_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((frame, frames)) = parse(&words) else {
        eprintln!("usage: packets tcp|ack|udp|small <frames>");
        return ExitCode::from(2);
    };
    let mut pipeline = Pipeline::new();
    let began = Instant::now();
    let mut packets = 0;
    for number in 0..frames {
        packets += pipeline.pass(&frame);
        if number % FRAMES_PER_REST == 0 {
            pipeline.rest();
        }
    }
    let passed = pipeline.passed(packets);
    let each = began.elapsed().as_nanos() as u64 / packets.max(1);
    let (packets, writes, bytes) = (passed.packets, passed.writes, passed.bytes);
    println!("{{\"packets\":{packets},\"writes\":{writes},\"bytes\":{bytes},\"nsPerPacket\":{each}}}");
    ExitCode::SUCCESS
}

fn parse(words: &[String]) -> Option<(Vec<u8>, u32)> {
    let [traffic, frames] = words else { return None };
    let frame = match traffic.as_str() {
        "tcp" => tcp_superframe(47),
        "ack" => tcp_acknowledgement(),
        "udp" => datagram(1_372),
        "small" => datagram(64),
        _ => return None,
    };
    Some((frame, frames.parse().ok()?))
}
