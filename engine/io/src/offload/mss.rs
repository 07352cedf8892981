//! Lowers the MSS that a connection's first packet announces to what the return path can carry.

use super::headers::{TCP, set_word, word};

const SYN: u8 = 0x02;
const MSS: u8 = 2;
const MSS_LEN: usize = 4;
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const TCP_HEADER: usize = 20;

/// Whether the packet looks like a SYN. The check is cheap, because it runs for every packet. A SYN with IPv4 options
/// is ignored.
#[inline]
pub fn may_begin(packet: &[u8]) -> bool {
    match packet {
        [0x45, rest @ ..] => rest.len() > 32 && rest[8] == TCP && rest[32] & SYN != 0,
        [0x60..=0x6f, rest @ ..] => rest.len() > 52 && rest[5] == TCP && rest[52] & SYN != 0,
        _ => false,
    }
}

/// Lowers the MSS of a SYN that arrived through the tunnel, so that replies are packets of at most `packet_max` bytes.
/// Nothing else changes. `partial`: the checksum covers only the pseudo-header.
pub fn clamp_mss(packet: &mut [u8], packet_max: usize, partial: bool) {
    if let Some(l4) = syn(packet) {
        lower(packet, l4, packet_max, partial);
    }
}

/// Where the TCP header of a SYN starts, if it directly follows an unfragmented IP header.
fn syn(packet: &[u8]) -> Option<usize> {
    let l4 = match packet.first()? >> 4 {
        4 if *packet.get(9)? == TCP => {
            if word(packet, 6) & 0x3fff != 0 {
                return None;
            }
            usize::from(packet[0] & 0x0f) * 4
        }
        6 if *packet.get(6)? == TCP => 40,
        _ => return None,
    };
    (packet.get(l4 + 13)? & SYN != 0).then_some(l4)
}

fn lower(packet: &mut [u8], l4: usize, packet_max: usize, partial: bool) {
    let ip_header = if packet[0] >> 4 == 4 { 20 } else { 40 };
    let mss = packet_max.saturating_sub(ip_header + TCP_HEADER);
    let Some(at) = option_at(packet, l4).filter(|at| word(packet, *at) > mss) else { return };
    let before = word(packet, at);
    set_word(packet, at, mss);
    if !partial {
        // RFC 1624, with the bytes swapped if the option is at an odd offset.
        let swap =
            |value: usize| if (at - l4).is_multiple_of(2) { value } else { (value >> 8) | ((value & 0xff) << 8) };
        let mut sum = (!word(packet, l4 + 16) & 0xffff) + (!swap(before) & 0xffff) + swap(mss);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        set_word(packet, l4 + 16, !sum & 0xffff);
    }
}

/// Position of the MSS option's value.
fn option_at(packet: &[u8], l4: usize) -> Option<usize> {
    let end = (l4 + usize::from(*packet.get(l4 + 12)? >> 4) * 4).min(packet.len());
    let mut at = l4 + TCP_HEADER;
    while at + MSS_LEN <= end {
        match packet[at] {
            END => return None,
            NO_OPERATION => at += 1,
            MSS => return (usize::from(packet[at + 1]) == MSS_LEN).then_some(at + 2),
            _ => at += usize::from(packet[at + 1]).max(2),
        }
    }
    None
}
