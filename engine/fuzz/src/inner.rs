//! Frames of the TUN and inner packets of the peer: cut, changed and merged.

use std::io::{self, IoSlice};

use jvpn_io::offload::{
    Coalescer, FrameSink, TOO_BIG_MAX, VIRTIO_LEN, WriteOffload, clamp_mss, destination, may_begin, source, split,
    too_big,
};

/// Adds up what is written.
#[derive(Debug, Default)]
struct Written(usize);

impl FrameSink for Written {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        assert!((VIRTIO_LEN..=VIRTIO_LEN + 65_535).contains(&bytes), "{bytes} bytes");
        self.0 += bytes;
        Ok(())
    }
}

/// The bytes as one frame of the TUN; then its packets, and the bytes themselves, as those of the peer.
pub fn inner(bytes: &[u8]) {
    let mut packets = vec![(bytes.to_vec(), false)];
    for completes in [false, true] {
        let Ok(mut segments) = split(bytes) else { break };
        let _fits = segments.fit(1_280);
        if completes && segments.complete_checksums().is_err() {
            break;
        }
        let left = segments.left();
        let before = packets.len();
        while let Some(segment) = segments.next() {
            let mut error = [0; TOO_BIG_MAX];
            let _told = too_big(segment.head, segment.body, 1_280, &mut error);
            packets.push(([segment.head, segment.body].concat(), segment.csum_partial));
        }
        assert_eq!(packets.len() - before, left);
    }
    for (packet, partial) in &mut packets {
        let _addresses = (source(packet), destination(packet));
        if may_begin(packet) {
            clamp_mss(packet, 1_280, *partial);
        }
    }
    for on in [true, false] {
        let mut written = Written::default();
        let mut coalescer = Coalescer::new(WriteOffload { checksum: on, tcp: on, udp: on });
        let mut burst = coalescer.burst(&mut written);
        for (packet, partial) in packets.iter().take(512) {
            let _refused = burst.push(packet, *partial);
        }
        let flushed = burst.finish();
        assert_eq!(flushed.lost, 0);
    }
}
