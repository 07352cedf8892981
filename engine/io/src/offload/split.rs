//! Cuts one TUN frame into the packets that it contains.

use std::net::IpAddr;

use super::headers::{Chain, HEAD_MAX, Malformed, TCP, Transport, UDP, Version, destination, set_word, source, word};
use super::virtio::{GSO_NONE, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, VirtioHeader};
use crate::checksum::Sum;

const FIN_PSH: u8 = 0x01 | 0x08;
/// Segments with one of these flags are not cut: they start or end a connection, or point into their payload.
const SYN_RST_URG: u8 = 0x02 | 0x04 | 0x20;
const CWR: u8 = 0x80;

/// One packet: `head ‖ body`. If the head is empty, the body holds all bytes as read from the TUN.
#[derive(Debug, PartialEq, Eq)]
pub struct Segment<'s> {
    pub head: &'s [u8],
    pub body: &'s [u8],
    /// The transport checksum is only the folded pseudo-header sum; the kernel guarantees the content.
    pub csum_partial: bool,
}

impl Segment<'_> {
    /// Length of the packet.
    pub fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// Always false: a packet has at least an IP header.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The packets of one frame, in order. Each segment borrows the iterator's head buffer: `while let Some(segment) =
/// segments.next()`.
#[derive(Debug)]
pub struct Segments<'a> {
    source: IpAddr,
    destination: IpAddr,
    head: [u8; HEAD_MAX],
    head_len: usize,
    body: &'a [u8],
    /// Segments not yet returned.
    left: usize,
    size: usize,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Whole { csum_partial: bool },
    Superframe { chain: Chain, transport: Transport, elide: bool, first: First },
}

/// Header fields of the superframe that differ between segments.
#[derive(Debug)]
struct First {
    id: usize,
    sequence: u32,
    flags: u8,
    index: usize,
}

/// Cuts `frame` = virtio header ‖ packet. Checksums that the kernel guarantees stay partial, unless the peer does not
/// accept that ([`Segments::complete_checksums`]). Encapsulated checksums are completed here. A frame without
/// `NEEDS_CSUM` passes unchanged.
pub fn split(frame: &[u8]) -> Result<Segments<'_>, Malformed> {
    let (virtio, packet) = VirtioHeader::parse(frame)?;
    let chain = Chain::parse(packet)?;
    let mut segments = Segments::of(packet, false)?;
    if virtio.gso_type != GSO_NONE {
        segments.cut(virtio, chain, packet)?;
    } else if virtio.needs_checksum() {
        if direct(virtio, chain, packet).is_some_and(|transport| transport.length_fits(packet)) {
            segments.form = Form::Whole { csum_partial: true };
        } else {
            segments.complete(virtio, packet)?;
        }
    }
    Ok(segments)
}

/// One packet as a single segment.
pub fn whole(packet: &[u8], csum_partial: bool) -> Result<Segments<'_>, Malformed> {
    Chain::parse(packet)?;
    Segments::of(packet, csum_partial)
}

/// The transport header that contains the virtio header's checksum field, if it is the outermost one.
fn direct(virtio: VirtioHeader, chain: Chain, packet: &[u8]) -> Option<Transport> {
    chain.transport(packet).filter(|transport| {
        usize::from(virtio.csum_start) == transport.l4 && usize::from(virtio.csum_offset) == transport.checksum_offset()
    })
}

impl<'a> Segments<'a> {
    fn of(packet: &'a [u8], csum_partial: bool) -> Result<Self, Malformed> {
        let (source, destination) = source(packet).zip(destination(packet)).ok_or(Malformed::Truncated)?;
        Ok(Self {
            source,
            destination,
            head: [0; HEAD_MAX],
            head_len: 0,
            body: packet,
            left: 1,
            size: packet.len(),
            form: Form::Whole { csum_partial },
        })
    }

    pub fn source(&self) -> IpAddr {
        self.source
    }

    pub fn destination(&self) -> IpAddr {
        self.destination
    }

    /// Number of segments not yet returned.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Length of the longest packet: all packets but the last have it.
    pub fn packet_len(&self) -> usize {
        self.head_len + self.size.min(self.body.len())
    }

    /// The start of the remaining frame, for quoting: headers and payload of the first packet, with the frame's length
    /// fields.
    pub fn first(&self) -> (&[u8], &[u8]) {
        (&self.head[..self.head_len], &self.body[..self.size.min(self.body.len())])
    }

    /// Limits packets to `max` bytes by cutting TCP into smaller segments. Returns false, with nothing changed, if a
    /// longer packet cannot be cut. Call it before the first [`Segments::next`].
    #[inline]
    pub fn fit(&mut self, max: usize) -> bool {
        self.packet_len() <= max || self.cut_smaller(max)
    }

    #[cold]
    fn cut_smaller(&mut self, max: usize) -> bool {
        if let Form::Whole { csum_partial } = self.form
            && !self.cut_whole(csum_partial)
        {
            return false;
        }
        let Form::Superframe { transport, .. } = &self.form else { return false };
        let room = max.saturating_sub(self.head_len);
        if transport.protocol != TCP || room == 0 {
            return false;
        }
        self.size = room;
        self.left = self.body.len().div_ceil(room).max(1);
        true
    }

    /// Treats a whole TCP packet as a superframe of one segment. A complete checksum is verified first, because it will
    /// be recomputed.
    fn cut_whole(&mut self, csum_partial: bool) -> bool {
        let packet = self.body;
        let Some(chain) = Chain::parse(packet).ok().filter(|_| self.head_len == 0) else { return false };
        let Some(transport) = chain.transport(packet).filter(|transport| transport.protocol == TCP) else {
            return false;
        };
        let l4 = &packet[transport.l4..];
        let valid = csum_partial || chain.pseudo_header(packet, l4.len()).bytes(l4).is_valid();
        let (head, body) = packet.split_at(transport.payload);
        let Some(room) = self.head.get_mut(..head.len()) else { return false };
        if !valid || l4[13] & SYN_RST_URG != 0 || body.is_empty() {
            return false;
        }
        room.copy_from_slice(head);
        (self.head_len, self.body, self.size) = (head.len(), body, body.len());
        let first = First::of(chain, transport, head);
        self.form = Form::Superframe { chain, transport, elide: csum_partial, first };
        true
    }

    /// Completes all partial checksums, for a peer that accepts none. Call it before the first [`Segments::next`].
    #[cold]
    pub fn complete_checksums(&mut self) -> Result<(), Malformed> {
        match &mut self.form {
            Form::Superframe { elide, .. } => *elide = false,
            Form::Whole { csum_partial: false } => {}
            Form::Whole { csum_partial: true } => {
                let chain = Chain::parse(self.body)?;
                let transport = chain.transport(self.body).ok_or(Malformed::ChecksumField)?;
                let (head, body) = self.body.split_at(transport.payload);
                let room = self.head.get_mut(..head.len()).ok_or(Malformed::HeaderTooLong)?;
                room.copy_from_slice(head);
                complete_checksum(chain, transport, room, body);
                (self.head_len, self.body, self.size) = (head.len(), body, body.len());
                self.form = Form::Whole { csum_partial: false };
            }
        }
        Ok(())
    }

    /// The next packet. (This is not `Iterator`: the head is borrowed.)
    #[expect(clippy::should_implement_trait, reason = "a lending iterator cannot be one")]
    pub fn next(&mut self) -> Option<Segment<'_>> {
        self.left = self.left.checked_sub(1)?;
        let (body, rest) = self.body.split_at(self.size.min(self.body.len()));
        self.body = rest;
        let csum_partial = match &mut self.form {
            Form::Whole { csum_partial } => *csum_partial,
            Form::Superframe { chain, transport, elide, first } => {
                let head = &mut self.head[..self.head_len];
                first.stamp(*chain, *transport, head, self.size, self.left == 0);
                chain.set_len(head, head.len() + body.len());
                leave_partial(*chain, *transport, head, body.len());
                if !*elide {
                    complete_checksum(*chain, *transport, head, body);
                }
                *elide
            }
        };
        Some(Segment { head: &self.head[..self.head_len], body, csum_partial })
    }

    fn cut(&mut self, virtio: VirtioHeader, chain: Chain, packet: &'a [u8]) -> Result<(), Malformed> {
        let transport = direct(virtio, chain, packet)
            .filter(|transport| {
                let kind = (virtio.gso_type, chain.version, transport.protocol);
                let known = matches!(
                    kind,
                    (GSO_TCPV4, Version::V4, TCP) | (GSO_TCPV6, Version::V6, TCP) | (GSO_UDP_L4, _, UDP)
                );
                known && virtio.needs_checksum() && virtio.gso_size > 0
            })
            .ok_or(Malformed::Superframe)?;
        let (head, body) = packet.split_at(transport.payload);
        self.head.get_mut(..head.len()).ok_or(Malformed::HeaderTooLong)?.copy_from_slice(head);
        self.head_len = head.len();
        self.body = body;
        self.size = usize::from(virtio.gso_size);
        self.left = body.len().div_ceil(self.size).max(1);
        self.form = Form::Superframe { chain, transport, elide: true, first: First::of(chain, transport, head) };
        Ok(())
    }

    /// Completes one checksum, at the position that the virtio header gives.
    fn complete(&mut self, virtio: VirtioHeader, packet: &'a [u8]) -> Result<(), Malformed> {
        let start = usize::from(virtio.csum_start);
        let field = start + usize::from(virtio.csum_offset);
        let end = field + 2;
        if end > packet.len() {
            return Err(Malformed::ChecksumField);
        }
        let head = self.head.get_mut(..end).ok_or(Malformed::HeaderTooLong)?;
        head.copy_from_slice(&packet[..end]);
        // The field already holds the pseudo-header sum.
        head[field..end].copy_from_slice(&Sum::default().bytes(&packet[start..]).finish_nonzero());
        self.head_len = end;
        self.body = &packet[end..];
        self.size = self.body.len();
        Ok(())
    }
}

impl First {
    fn of(chain: Chain, transport: Transport, head: &[u8]) -> Self {
        let l4 = &head[transport.l4..];
        let tcp = transport.protocol == TCP;
        Self {
            id: if chain.version == Version::V4 { word(head, 4) } else { 0 },
            sequence: if tcp { u32::from_be_bytes([l4[4], l4[5], l4[6], l4[7]]) } else { 0 },
            flags: if tcp { l4[13] } else { 0 },
            index: 0,
        }
    }

    /// Writes the fields that differ between segments, except lengths and checksums.
    fn stamp(&mut self, chain: Chain, transport: Transport, head: &mut [u8], size: usize, last: bool) {
        if chain.version == Version::V4 {
            set_word(head, 4, (self.id + self.index) & 0xffff);
        }
        if transport.protocol == TCP {
            let l4 = &mut head[transport.l4..];
            l4[4..8].copy_from_slice(&self.sequence.wrapping_add((self.index * size) as u32).to_be_bytes());
            l4[13] = self.flags & !(if last { 0 } else { FIN_PSH }) & !(if self.index == 0 { 0 } else { CWR });
        }
        self.index += 1;
    }
}

/// Completes the transport checksum over `head ‖ body`. `head` ends where the payload starts.
pub(super) fn complete_checksum(chain: Chain, transport: Transport, head: &mut [u8], body: &[u8]) {
    let field = transport.checksum();
    head[field..field + 2].fill(0);
    let len = head.len() - transport.l4 + body.len();
    let sum = chain.pseudo_header(head, len).bytes(&head[transport.l4..]).bytes(body);
    // In UDP, zero means that there is no checksum; in TCP, both forms of zero are equal.
    head[field..field + 2].copy_from_slice(&sum.finish_nonzero());
}

/// Writes the UDP length and the pseudo-header sum, for a payload of `body_len` bytes after `head`.
pub(super) fn leave_partial(chain: Chain, transport: Transport, head: &mut [u8], body_len: usize) {
    let len = head.len() - transport.l4 + body_len;
    transport.set_len(head, len);
    let field = transport.checksum();
    let sum = chain.pseudo_header(head, len).partial();
    head[field..field + 2].copy_from_slice(&sum);
}
