//! Capture files, written by a separate thread so that a slow disk never delays a packet.
//!
//! Time stamps are `CLOCK_BOOTTIME` in nanoseconds, the clock of every other report; capture readers show them as dates
//! in 1970.

use crate::fault::{Attempt, Fault};
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Maximum records waiting for the disk; further records are counted as lost.
const WAITING_MAX: usize = 16_384;
const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
const FILE_HEADER_BYTES: u64 = 24;
const RECORD_HEADER_BYTES: usize = 16;

/// The link-layer header of the packets in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkType {
    Ethernet = 1,
    /// Linux "cooked" v2: interface index and direction, then layer 3.
    Sll2 = 276,
}

/// Whether a file is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    pub records: u64,
    /// Records left out because the disk was too slow.
    pub lost: u64,
    /// Records left out because the file had reached its maximum size.
    pub beyond_max: u64,
}

#[derive(Debug, Default)]
struct Counters {
    records: AtomicU64,
    lost: AtomicU64,
    beyond_max: AtomicU64,
}

/// Hands packets to a file; clones share the file. The file is complete when [`Pcap::finish`] returns.
#[derive(Debug, Clone)]
pub struct Offer {
    sender: SyncSender<Vec<u8>>,
    counters: Arc<Counters>,
    snap_bytes: usize,
}

/// An open capture file.
#[derive(Debug)]
pub struct Pcap {
    offer: Offer,
    writer: JoinHandle<io::Result<()>>,
}

impl Pcap {
    /// Starts a file of at most `bytes_max` bytes; at most `snap_bytes` of each packet are kept.
    pub fn create(
        path: &Path,
        link: LinkType,
        snap_bytes: usize,
        bytes_max: u64,
    ) -> Result<Self, Fault> {
        let to_do = "name a file in a folder that exists and is writable";
        let file =
            File::create(path).attempt(format!("cannot create {}", path.display()), to_do)?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        out.write_all(&file_header(link, snap_bytes))
            .attempt(format!("cannot write {}", path.display()), to_do)?;
        let (sender, records) = sync_channel(WAITING_MAX);
        let counters = Arc::new(Counters::default());
        let written = Arc::clone(&counters);
        let writer = std::thread::spawn(move || write_all(&records, out, bytes_max, &written));
        Ok(Self {
            offer: Offer {
                sender,
                counters,
                snap_bytes,
            },
            writer,
        })
    }

    pub fn offer(&self) -> Offer {
        self.offer.clone()
    }

    pub fn written(&self) -> Written {
        self.offer.written()
    }

    /// Writes the waiting records and ends the file. It waits until all clones of the offer are dropped.
    pub fn finish(self) -> io::Result<Written> {
        let counters = Arc::clone(&self.offer.counters);
        drop(self.offer);
        self.writer
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the writer of the capture panicked")))?;
        Ok(written(&counters))
    }
}

impl Offer {
    /// Hands over `head` and `packet` as one record with the original length `head + packet_len`. Never blocks.
    pub fn packet(&self, stamp_ns: u64, head: &[u8], packet: &[u8], packet_len: usize) {
        let kept = packet.len().min(self.snap_bytes.saturating_sub(head.len()));
        let mut record = Vec::with_capacity(RECORD_HEADER_BYTES + head.len() + kept);
        let captured = head.len() + kept;
        for field in [
            stamp_ns / 1_000_000_000,
            stamp_ns % 1_000_000_000,
            captured as u64,
            (head.len() + packet_len) as u64,
        ] {
            record.extend_from_slice(&(field as u32).to_le_bytes());
        }
        record.extend_from_slice(head);
        record.extend_from_slice(&packet[..kept]);
        if self.sender.try_send(record).is_err() {
            self.counters.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn written(&self) -> Written {
        written(&self.counters)
    }
}

fn written(counters: &Counters) -> Written {
    Written {
        records: counters.records.load(Ordering::Relaxed),
        lost: counters.lost.load(Ordering::Relaxed),
        beyond_max: counters.beyond_max.load(Ordering::Relaxed),
    }
}

fn write_all(
    records: &Receiver<Vec<u8>>,
    mut out: BufWriter<File>,
    bytes_max: u64,
    counters: &Counters,
) -> io::Result<()> {
    let mut bytes = FILE_HEADER_BYTES;
    for record in records {
        if bytes + record.len() as u64 > bytes_max {
            counters.beyond_max.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        out.write_all(&record)?;
        bytes += record.len() as u64;
        counters.records.fetch_add(1, Ordering::Relaxed);
    }
    out.flush()
}

fn file_header(link: LinkType, snap_bytes: usize) -> Vec<u8> {
    let mut header = Vec::with_capacity(FILE_HEADER_BYTES as usize);
    header.extend_from_slice(&MAGIC_NANOSECONDS.to_le_bytes());
    header.extend_from_slice(&2_u16.to_le_bytes());
    header.extend_from_slice(&4_u16.to_le_bytes());
    header.extend_from_slice(&[0; 8]); // time zone and accuracy, always 0
    header.extend_from_slice(&(snap_bytes as u32).to_le_bytes());
    header.extend_from_slice(&(link as u32).to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_its_packets_cut_to_the_snap_length_and_never_exceeds_its_maximum() {
        let path = std::env::temp_dir().join(format!("jvpn-pcap-{}", std::process::id()));
        let pcap = Pcap::create(&path, LinkType::Ethernet, 8, 24 + 2 * 24).expect("created");
        let offer = pcap.offer();
        for stamp in 1..=3 {
            offer.packet(stamp * 1_000_000_000 + 5, &[], &[7; 20], 20);
        }
        drop(offer);
        assert_eq!(
            pcap.finish().expect("written"),
            Written {
                records: 2,
                lost: 0,
                beyond_max: 1
            }
        );
        let bytes = std::fs::read(&path).expect("readable");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(bytes.len(), 24 + 2 * 24);
        assert_eq!(bytes[..4], MAGIC_NANOSECONDS.to_le_bytes());
        assert_eq!(
            bytes[24..40],
            [1, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 20, 0, 0, 0]
        );
        assert_eq!(bytes[40..48], [7; 8]);
    }
}
