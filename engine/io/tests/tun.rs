//! A real device in its own network namespace.

mod namespace;

use std::io::{self, IoSlice, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use jvpn_io::checksum::Sum;
use jvpn_io::offload::{Coalescer, FRAME_MAX, FrameSink, WriteOffload, destination, source, split};
use jvpn_io::sys::{self, WaitSet};
use jvpn_io::tun::Tun;

const PATIENCE_US: u64 = 5_000_000;
const HERE: &str = "10.77.0.1";
const FAR: &str = "10.77.0.2";

#[test]
fn a_device_is_made_with_its_offloads_and_vanishes_with_its_handle() {
    namespace::run("a_device_is_made_with_its_offloads_and_vanishes_with_its_handle", || {
        let tun = Tun::create("jvpn-t", 1400, true).expect("a device");
        assert_eq!(tun.name(), "jvpn-t");
        let sysfs = |file: &str| std::fs::read_to_string(format!("/proc/sys/net/ipv4/conf/jvpn-t/{file}"));
        assert!(sysfs("forwarding").is_ok());
        let offload = tun.write_offload();
        let named = tun.capabilities();
        assert_eq!(named.contains(&"tun_csum"), offload.checksum);
        assert_eq!(named.contains(&"tun_tso4") && named.contains(&"tun_tso6"), offload.tcp);
        assert_eq!(named.contains(&"tun_uso4") && named.contains(&"tun_uso6"), offload.udp);
        let again = Tun::create("jvpn-t", 1400, true).expect_err("the name is taken");
        assert_eq!((again.step, again.source.raw_os_error()), ("create", Some(libc::EBUSY)));
        // The kernel may send packets on the new link (IPv6 solicitations and reports). After these nothing waits, and
        // a read does not block.
        let end = (0..16).find_map(|_| tun.read(&mut [0; 2_000]).err()).expect("nothing was sent");
        assert_eq!(end.kind(), io::ErrorKind::WouldBlock);
        drop(tun);
        assert!(sysfs("forwarding").is_err());
        let plain = Tun::create("jvpn-t", 1280, false).expect("a device");
        assert_eq!((plain.capabilities().len(), plain.write_offload()), (0, WriteOffload::default()));
    });
}

#[test]
fn names_and_sizes_that_cannot_be_are_refused_before_anything_is_made() {
    for name in ["", "sixteen-letters-", "a/b", "a b", "tun%d", ".", ".."] {
        assert_eq!(Tun::create(name, 1400, true).expect_err("refused").step, "name", "{name:?}");
    }
    assert_eq!(Tun::create("jvpn-t", 1279, true).expect_err("refused").step, "mtu");
}

#[test]
fn datagrams_written_as_one_superframe_or_alone_are_received_one_by_one() {
    namespace::run("datagrams_written_as_one_superframe_or_alone_are_received_one_by_one", || {
        for offload in [true, false] {
            let tun = device(offload);
            let socket = UdpSocket::bind((HERE, 4000)).expect("bound");
            socket.set_read_timeout(Some(Duration::from_micros(PATIENCE_US))).expect("a timeout");
            let packets: Vec<Vec<u8>> = (0..40u8).map(|index| datagram(&[index; 1000])).collect();
            let mut coalescer = Coalescer::new(tun.write_offload());
            let mut sink = &tun;
            let mut burst = coalescer.burst(&mut sink);
            for packet in &packets {
                burst.push(packet, false).expect("well formed");
            }
            let flushed = burst.finish();
            assert_eq!((flushed.packets, flushed.lost), (40, 0));
            assert_eq!(flushed.writes, if tun.write_offload().udp { 1 } else { 40 });
            let mut buffer = [0; 2000];
            for index in 0..40u8 {
                let (len, from) = socket.recv_from(&mut buffer).expect("received");
                assert_eq!((len, buffer[0], from.ip().to_string().as_str()), (1000, index, FAR));
            }
        }
    });
}

/// User space reflects our end of a TCP connection: each packet that the kernel sends to the far address comes back
/// from there. So two sockets of one namespace exchange data through the device, with splitting and coalescing in both
/// directions.
#[test]
fn tcp_streams_pass_whole_through_splitting_and_coalescing() {
    namespace::run("tcp_streams_pass_whole_through_splitting_and_coalescing", || {
        for (offload, elide) in [(true, true), (true, false), (false, false)] {
            let tun = device(offload);
            let listener = TcpListener::bind((HERE, 5000)).expect("bound");
            let bytes: Vec<u8> = (0..8_000_000u32).map(|index| (index % 249) as u8).collect();
            let sent = bytes.clone();
            let server =
                std::thread::spawn(move || listener.accept().and_then(|(mut stream, _)| stream.write_all(&sent)));
            let client = std::thread::spawn(|| -> io::Result<Vec<u8>> {
                let mut stream = TcpStream::connect((FAR, 5000))?;
                let mut got = vec![];
                stream.read_to_end(&mut got).map(|_| got)
            });
            let (packets, writes) = mirror(&tun, elide, || client.is_finished());
            server.join().expect("no panic").expect("sent");
            assert!(client.join().expect("no panic").expect("received") == bytes, "offload {offload}, elision {elide}");
            if tun.write_offload().tcp {
                assert!(writes * 4 < packets, "{packets} packets in {writes} writes");
            }
        }
    });
}

/// Sends every packet back with its addresses exchanged, until `done`. The exchange leaves the pseudo-header sum
/// unchanged.
fn mirror(tun: &Tun, elide: bool, done: impl Fn() -> bool) -> (u32, u32) {
    let mut coalescer = Coalescer::new(tun.write_offload());
    let mut frame = vec![0; FRAME_MAX];
    let (mut packets, mut writes) = (0, 0);
    let until = sys::boot_us() + 4 * PATIENCE_US;
    while !done() {
        assert!(sys::boot_us() < until, "the stream ends in time");
        let mut set = WaitSet::default();
        set.add(tun.as_raw_fd());
        sys::wait(&mut set, Some(10_000)).expect("a wait");
        let mut turned: Vec<(Vec<u8>, bool)> = vec![];
        while let Ok(len) = tun.read(&mut frame) {
            let Ok(mut segments) = split(&frame[..len]) else { continue };
            if !elide {
                segments.complete_checksums().expect("well formed");
            }
            if segments.destination().is_ipv6() {
                continue;
            }
            while let Some(segment) = segments.next() {
                let mut packet = [segment.head, segment.body].concat();
                let (front, back) = packet[12..20].split_at_mut(4);
                front.swap_with_slice(back);
                turned.push((packet, segment.csum_partial));
            }
        }
        let mut sink = tun;
        let mut burst = coalescer.burst(&mut sink);
        for (packet, partial) in &turned {
            burst.push(packet, *partial).expect("well formed");
        }
        let flushed = burst.finish();
        assert_eq!(flushed.lost, 0);
        packets += flushed.packets;
        writes += flushed.writes;
    }
    (packets, writes)
}

#[test]
fn what_is_sent_into_the_device_is_read_with_its_addresses() {
    namespace::run("what_is_sent_into_the_device_is_read_with_its_addresses", || {
        let tun = device(true);
        let socket = UdpSocket::bind((HERE, 4000)).expect("bound");
        socket.send_to(b"hello", (FAR, 4001)).expect("sent");
        let mut frame = vec![0; FRAME_MAX];
        let len = loop {
            let mut set = WaitSet::default();
            set.add(tun.as_raw_fd());
            sys::wait(&mut set, Some(PATIENCE_US)).expect("a wait");
            let len = tun.read(&mut frame).expect("a frame");
            // The kernel's own IPv6 router solicitations arrive here too.
            if split(&frame[..len]).is_ok_and(|segments| segments.destination().is_ipv4()) {
                break len;
            }
        };
        let mut segments = split(&frame[..len]).expect("well formed");
        segments.complete_checksums().expect("a checksum that can be completed");
        assert_eq!((segments.source().to_string().as_str(), segments.destination().to_string().as_str()), (HERE, FAR));
        let segment = segments.next().expect("one packet");
        let packet = [segment.head, segment.body].concat();
        assert!(packet.ends_with(b"hello"));
        let address = |text: &str| text.parse().ok();
        assert_eq!((source(&packet), destination(&packet)), (address(HERE), address(FAR)));
        let sum = Sum::default().pseudo_header(&packet[12..20], 17, packet.len() - 20).bytes(&packet[20..]);
        assert!(sum.is_valid());
        let down = {
            namespace::ip("link set jvpn-t down");
            (&tun).write(&[IoSlice::new(&frame[..len])])
        };
        assert_eq!(down.expect_err("the device is down").raw_os_error(), Some(libc::EIO));
    });
}

fn device(offload: bool) -> Tun {
    let tun = Tun::create("jvpn-t", 1400, offload).expect("a device");
    namespace::ip("addr add 10.77.0.1/24 dev jvpn-t");
    tun
}

/// A UDP packet from the far end with complete checksums.
fn datagram(payload: &[u8]) -> Vec<u8> {
    let address = |text: &str| text.parse::<Ipv4Addr>().expect("an address");
    let (from, to) = (address(FAR), address(HERE));
    let mut udp = [4001u16, 4000, 8 + payload.len() as u16, 0].map(u16::to_be_bytes).concat();
    udp.extend(payload);
    let addresses = [from.octets(), to.octets()].concat();
    let sum = Sum::default().pseudo_header(&addresses, 17, udp.len()).bytes(&udp).finish_nonzero();
    udp[6..8].copy_from_slice(&sum);
    let mut packet = vec![0x45, 0];
    packet.extend((20 + udp.len() as u16).to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    packet.extend(addresses);
    let sum = Sum::default().bytes(&packet).finish();
    packet[10..12].copy_from_slice(&sum);
    packet.extend(udp);
    packet
}
