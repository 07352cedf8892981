//! The ICMP message to the sender of a packet that is too long for the next link (RFC 1191, RFC 4443).

use super::headers::{IPV4_HEADER_MIN, IPV6_HEADER, set_word, word};
use super::virtio::VIRTIO_LEN;
use crate::checksum::Sum;

/// Longest message with its virtio header: the minimum MTU of IPv6.
pub const TOO_BIG_MAX: usize = VIRTIO_LEN + 1_280;
/// Longest message over IPv4 (RFC 1812, section 4.3.2.3).
const V4_MAX: usize = 576;
const ICMP_HEADER: usize = 8;
const HOPS: u8 = 64;
const IPV4_DF: usize = 0x4000;
const IPV4_OFFSET: usize = 0x1fff;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
const ECHO_REPLY: u8 = 0;
const ECHO: u8 = 8;
const ICMPV6_INFORMATION: u8 = 0x80;

/// Writes a frame for the TUN that asks the sender of `head ‖ body` to send at most `mtu` bytes. Its source is the
/// packet's destination, which is on the other side of the device. `None` if there must be no message: the packet may
/// be fragmented on its way, is an ICMP error itself, or has no sender or no single destination. Source: RFC 1122,
/// section 3.2.2; RFC 4443, section 2.4.
pub fn too_big<'o>(head: &[u8], body: &[u8], mtu: u16, out: &'o mut [u8; TOO_BIG_MAX]) -> Option<&'o [u8]> {
    // The checks need only the first bytes.
    let mut start = [0; 64];
    let known = copy(head, body, &mut start);
    let len = match start[0] >> 4 {
        4 if known >= IPV4_HEADER_MIN => v4(&start[..known], head, body, mtu, out),
        6 if known >= IPV6_HEADER => v6(&start[..known], head, body, mtu, out),
        _ => None,
    }?;
    out[..VIRTIO_LEN].fill(0);
    Some(&out[..VIRTIO_LEN + len])
}

fn v4(start: &[u8], head: &[u8], body: &[u8], mtu: u16, out: &mut [u8]) -> Option<usize> {
    let (source, destination) = (&start[12..16], &start[16..20]);
    let fragment = word(start, 6);
    let answers = start[9] != ICMP || matches!(start.get(usize::from(start[0] & 0x0f) * 4), Some(&(ECHO | ECHO_REPLY)));
    let single = |address: &[u8]| !matches!(address[0], 0 | 127 | 224..);
    if fragment & IPV4_DF == 0 || fragment & IPV4_OFFSET != 0 || !answers || !single(source) || !single(destination) {
        return None;
    }
    let packet = &mut out[VIRTIO_LEN..VIRTIO_LEN + V4_MAX];
    let quoted = copy(head, body, &mut packet[IPV4_HEADER_MIN + ICMP_HEADER..]);
    let len = IPV4_HEADER_MIN + ICMP_HEADER + quoted;
    let (ip, icmp) = packet[..len].split_at_mut(IPV4_HEADER_MIN);
    ip.fill(0);
    ip[0] = 0x45;
    // Internetwork control (RFC 1812, section 4.3.2.5).
    ip[1] = 0xc0;
    set_word(ip, 2, len);
    (ip[8], ip[9]) = (HOPS, ICMP);
    ip[12..16].copy_from_slice(destination);
    ip[16..20].copy_from_slice(source);
    let sum = Sum::default().bytes(ip).finish();
    ip[10..12].copy_from_slice(&sum);
    // Destination unreachable, fragmentation needed.
    icmp[..ICMP_HEADER].copy_from_slice(&[3, 4, 0, 0, 0, 0, 0, 0]);
    set_word(icmp, 6, usize::from(mtu));
    let sum = Sum::default().bytes(icmp).finish();
    icmp[2..4].copy_from_slice(&sum);
    Some(len)
}

fn v6(start: &[u8], head: &[u8], body: &[u8], mtu: u16, out: &mut [u8]) -> Option<usize> {
    let (source, destination) = (&start[8..24], &start[24..40]);
    let answers = start[6] != ICMPV6 || start.get(IPV6_HEADER).is_some_and(|kind| kind & ICMPV6_INFORMATION != 0);
    let single = |address: &[u8]| address[0] != 0xff && address.iter().any(|byte| *byte != 0);
    if !answers || !single(source) || !single(destination) {
        return None;
    }
    let packet = &mut out[VIRTIO_LEN..];
    let quoted = copy(head, body, &mut packet[IPV6_HEADER + ICMP_HEADER..]);
    let len = IPV6_HEADER + ICMP_HEADER + quoted;
    let (ip, icmp) = packet[..len].split_at_mut(IPV6_HEADER);
    ip.fill(0);
    ip[0] = 0x60;
    set_word(ip, 4, icmp.len());
    (ip[6], ip[7]) = (ICMPV6, HOPS);
    ip[8..24].copy_from_slice(destination);
    ip[24..40].copy_from_slice(source);
    icmp[..ICMP_HEADER].copy_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0]);
    set_word(icmp, 6, usize::from(mtu));
    let sum = Sum::default().pseudo_header(&ip[8..40], ICMPV6, icmp.len()).bytes(icmp).finish();
    icmp[2..4].copy_from_slice(&sum);
    Some(len)
}

/// Copies as much of `head ‖ body` as fits.
fn copy(head: &[u8], body: &[u8], to: &mut [u8]) -> usize {
    let first = head.len().min(to.len());
    to[..first].copy_from_slice(&head[..first]);
    let second = body.len().min(to.len() - first);
    to[first..first + second].copy_from_slice(&body[..second]);
    first + second
}
