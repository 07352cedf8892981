//! `jvpn-flood --to ADDR:PORT --key jvpk1:… --rate N --seconds N --mac2 none|forged`: what an attacker can do who knows
//! a gateway's address and public key, and has no other key: INITs that pass every check up to mac2, each from an
//! invented address of 172.16.0.0/12. It prints a line when it begins, and how many were sent when it ends.
#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddrV4;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use jvpn_io::sys::{be_punctual, fill_random};
use jvpn_proto::handshake::{HandshakeError, Initiator};
use jvpn_proto::keyfile::{PublicKey, StaticKey};
use jvpn_proto::wire::{INIT_LEN, INIT_MAC2, InitPayload, PQ_OFF, Suite, VERSION};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

const USAGE: &str =
    "usage: jvpn-flood --to ADDR:PORT --key jvpk1:… --rate 1…1000000 --seconds 1…600 --mac2 none|forged";
/// Different INITs; each is sent from many addresses.
const INITS: u32 = 4_096;
const RATE_MAX: u64 = 1_000_000;
const SECONDS_MAX: u64 = 600;
/// Pause between two bursts.
const PAUSE: Duration = Duration::from_micros(200);
/// The sender rests at least this often, so that a rate above its own speed leaves it interruptible.
const BURST_MAX: u64 = 1_024;

/// 172.16.0.0/12: the gateway needs a route to it, as it has to all addresses of the internet.
const SOURCES: u32 = 0xAC10_0000;
const SOURCES_MASK: u32 = 0x000F_FFFF;

const IP_BYTES: usize = 20;
const UDP_BYTES: usize = 8;
const PACKET_BYTES: usize = IP_BYTES + UDP_BYTES + INIT_LEN;

struct Flood {
    to: SocketAddrV4,
    key: PublicKey,
    rate: u64,
    seconds: u64,
    forged_mac2: bool,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(flood) = parse(&words) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&flood) {
        Ok((sent, refused)) => {
            println!("{{\"ok\":true,\"op\":\"flooded\",\"sent\":{sent},\"refused\":{refused}}}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot flood {}: {error}\n  do:  run it as root (raw sockets)", flood.to);
            ExitCode::FAILURE
        }
    }
}

fn parse(words: &[String]) -> Option<Flood> {
    let value = |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    Some(Flood {
        to: value("--to")?.parse().ok()?,
        key: PublicKey::from_text(value("--key")?).ok()?,
        rate: value("--rate")?.parse().ok().filter(|rate| (1..=RATE_MAX).contains(rate))?,
        seconds: value("--seconds")?.parse().ok().filter(|seconds| (1..=SECONDS_MAX).contains(seconds))?,
        forged_mac2: match value("--mac2")?.as_str() {
            "none" => false,
            "forged" => true,
            _ => return None,
        },
    })
}

/// Returns how many datagrams were sent, and how many the kernel refused.
fn run(flood: &Flood) -> io::Result<(u64, u64)> {
    be_punctual();
    let mut random = Random::new()?;
    let mut packets = packets(flood, &mut random)?;
    // The kernel takes the IP header from a socket of this protocol.
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255)))?;
    let to = SockAddr::from(flood.to);
    println!("{{\"ok\":true,\"op\":\"ready\"}}");
    let (began, lasts) = (Instant::now(), Duration::from_secs(flood.seconds));
    let (mut sent, mut refused) = (0, 0);
    loop {
        let elapsed = began.elapsed();
        if elapsed >= lasts {
            return Ok((sent, refused));
        }
        let due = elapsed.as_micros() as u64 * flood.rate / 1_000_000;
        for _ in 0..due.saturating_sub(sent + refused).min(BURST_MAX) {
            let packet = &mut packets[(sent + refused) as usize % INITS as usize];
            let number = random.next();
            packet[12..16].copy_from_slice(&(SOURCES | number as u32 & SOURCES_MASK).to_be_bytes());
            packet[IP_BYTES..IP_BYTES + 2].copy_from_slice(&(1_024 | (number >> 32) as u16).to_be_bytes());
            match socket.send_to(packet, &to) {
                Ok(_) => sent += 1,
                Err(_) => refused += 1,
            }
        }
        thread::sleep(PAUSE);
    }
}

/// One packet for each INIT. The kernel fills in length and checksum of the IP header; without a UDP checksum the
/// source can be changed afterwards.
fn packets(flood: &Flood, random: &mut Random) -> io::Result<Vec<[u8; PACKET_BYTES]>> {
    let identity = StaticKey::generate(&mut |out| random.fill(out));
    (0..INITS)
        .map(|index| {
            let init = init(flood, &identity, index, random).map_err(|error| io::Error::other(format!("{error:?}")))?;
            let mut packet = [0; PACKET_BYTES];
            (packet[0], packet[8], packet[9]) = (0x45, 64, 17);
            packet[16..20].copy_from_slice(&flood.to.ip().octets());
            packet[IP_BYTES + 2..IP_BYTES + 4].copy_from_slice(&flood.to.port().to_be_bytes());
            packet[IP_BYTES + 4..IP_BYTES + 6].copy_from_slice(&((UDP_BYTES + INIT_LEN) as u16).to_be_bytes());
            packet[IP_BYTES + UDP_BYTES..].copy_from_slice(&init);
            Ok(packet)
        })
        .collect()
}

fn init(
    flood: &Flood,
    identity: &StaticKey,
    index: u32,
    random: &mut Random,
) -> Result<[u8; INIT_LEN], HandshakeError> {
    let payload = InitPayload {
        proto_min: VERSION,
        proto_max: VERSION,
        suites: Suite::ChaCha20Poly1305.bit(),
        pq_modes: PQ_OFF,
        max_paths: 1,
        policy_digest: [0; 16],
        capabilities: 0,
        about: [0; 16],
    };
    let (_, mut init) = Initiator::new(identity, &flood.key, index, &payload, &mut |out| random.fill(out))?;
    if flood.forged_mac2 {
        random.fill(&mut init[INIT_MAC2..]);
    }
    Ok(init)
}

/// Splitmix64: a different sequence in each run, without a system call for each packet.
struct Random(u64);

impl Random {
    fn new() -> io::Result<Self> {
        let mut seed = [0; 8];
        fill_random(&mut seed)?;
        Ok(Self(u64::from_le_bytes(seed)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn fill(&mut self, out: &mut [u8]) {
        for part in out.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            part.copy_from_slice(&bytes[..part.len()]);
        }
    }
}
