//! Real sockets on loopback, or in their own network namespace if the test needs a small link or a missing route.

mod namespace;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use jvpn_io::sys::{self, WaitSet};
use jvpn_io::udp::{BATCH_BYTES_MAX, RecvBatch, SendError, UdpOptions, UdpSocket, probe};

const V4: &str = "127.0.0.1:0";
const V6: &str = "[::1]:0";
const PATIENCE_US: u64 = 2_000_000;

#[test]
fn a_segmented_batch_arrives_datagram_by_datagram_with_every_offload_on_and_off() {
    for bind in [V4, V6] {
        for (gso, gro) in [(true, true), (true, false), (false, true), (false, false)] {
            let (sender, receiver) = (open(bind, gso, false), open(bind, false, gro));
            for (bytes, segment) in
                [(1, 1), (1400, 1400), (30_000, 1400), (130_000, 1200), (BATCH_BYTES_MAX, BATCH_BYTES_MAX)]
            {
                let batch = pattern(bytes);
                let before = sys::boot_us();
                let to = receiver.local_addr().expect("bound");
                assert_eq!(
                    sender.send_gso(to, None, &batch, segment),
                    Ok(()),
                    "{bytes} bytes by {segment} from {bind}"
                );
                let got = receive(&receiver, bytes);
                let sizes: Vec<usize> = batch.chunks(segment).map(<[u8]>::len).collect();
                assert_eq!(got.iter().map(|datagram| datagram.bytes.len()).collect::<Vec<_>>(), sizes);
                assert_eq!(got.iter().flat_map(|datagram| datagram.bytes.clone()).collect::<Vec<_>>(), batch);
                for datagram in got {
                    assert_eq!(datagram.remote, sender.local_addr().expect("bound"));
                    assert!(datagram.at_us + 1000 >= before && datagram.at_us <= sys::boot_us(), "a time of arrival");
                }
            }
        }
    }
}

#[test]
fn offloads_that_the_kernel_has_are_found_and_used() {
    let found = probe();
    let both = open(V4, true, true);
    assert_eq!((both.uses_gso(), both.uses_gro()), (found.gso, found.gro));
    assert_eq!(found.names().len(), usize::from(found.gso) + usize::from(found.gro));
    let none = open(V4, false, false);
    assert_eq!((none.uses_gso(), none.uses_gro()), (false, false));
}

#[test]
fn an_answer_leaves_from_the_address_that_was_reached() {
    let any = UdpOptions { reached_address: true, ..options("0.0.0.0:0", true, true) };
    let gateway = UdpSocket::open(&any).expect("a socket");
    let client = open(V4, true, true);
    let port = gateway.local_addr().expect("bound").port();
    let reached: IpAddr = "127.0.0.2".parse().expect("an address");
    client.send((reached, port).into(), None, b"to two").expect("sent");
    let asked = receive(&gateway, 6).remove(0);
    assert_eq!(asked.local, Some(reached));
    gateway.send_gso(asked.remote, asked.local, &pattern(3000), 1000).expect("sent");
    let answers = receive(&client, 3000);
    assert!(answers.iter().all(|answer| answer.remote == (reached, port).into()));
    assert_eq!(answers.len(), 3);
}

#[test]
fn nothing_waiting_is_would_block() {
    let error = open(V4, true, true).recv_batch(&mut RecvBatch::default()).expect_err("nothing was sent");
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn an_address_that_is_not_ours_and_an_interface_that_is_not_there_are_refused() {
    let refused = |options: UdpOptions<'_>| UdpSocket::open(&options).expect_err("refused").raw_os_error();
    assert_eq!(refused(options("192.0.2.1:0", true, true)), Some(libc::EADDRNOTAVAIL));
    assert_eq!(refused(UdpOptions { device: Some("jvpn-none"), ..options(V4, true, true) }), Some(libc::ENODEV));
}

#[test]
fn segments_longer_than_the_link_takes_are_fragmented_and_segmentation_stays_on() {
    namespace::run("segments_longer_than_the_link_takes_are_fragmented_and_segmentation_stays_on", || {
        namespace::ip("link set lo mtu 1280 up");
        for bind in [V4, V6] {
            let (sender, receiver) = (open(bind, true, false), open(bind, false, true));
            let to = receiver.local_addr().expect("bound");
            for segment in [1400, 1000] {
                let batch = pattern(segment * 5 + 7);
                assert_eq!(sender.send_gso(to, None, &batch, segment), Ok(()));
                let got = receive(&receiver, batch.len());
                assert_eq!(got.into_iter().flat_map(|datagram| datagram.bytes).collect::<Vec<_>>(), batch);
            }
            assert_eq!(sender.uses_gso(), probe().gso);
        }
    });
}

#[test]
fn what_the_path_does_not_carry_is_cut_to_its_size_and_arrives_whole() {
    namespace::run("what_the_path_does_not_carry_is_cut_to_its_size_and_arrives_whole", || {
        namespace::ip("link set lo up");
        // 1,420 bytes with the UDP header: 576 + 576 + 268 after 20 bytes each, 1,232 + 188 after 48.
        for (bind, size, fragments) in [(V4, 600, 3), (V6, 1_280, 2)] {
            let (sender, receiver) = (open(bind, true, false), open(bind, false, true));
            let to = receiver.local_addr().expect("bound");
            let batch = pattern(3 * 1_412 + 7);
            let before = packets_on_loopback();
            assert_eq!(sender.send_fragmented(to, None, &batch, 1_412, size), Ok(()));
            let got = receive(&receiver, batch.len());
            assert_eq!(got.into_iter().flat_map(|datagram| datagram.bytes).collect::<Vec<_>>(), batch);
            assert_eq!(packets_on_loopback() - before, 3 * fragments + 1, "{bind}");
            assert_eq!(sender.send_gso(to, None, &batch, 1_412), Ok(()), "the socket is unchanged");
            assert_eq!(receive(&receiver, batch.len()).len(), 4);
        }
    });
}

#[test]
fn a_datagram_that_asks_for_its_size_is_sent_whole_or_not_at_all() {
    namespace::run("a_datagram_that_asks_for_its_size_is_sent_whole_or_not_at_all", || {
        namespace::ip("link set lo mtu 1400 up");
        for (bind, headers) in [(V4, 28), (V6, 48)] {
            let (sender, receiver) = (open(bind, true, false), open(bind, false, true));
            let to = receiver.local_addr().expect("bound");
            let sent = |len: usize| sender.send_whole(to, None, &pattern(len)).map_err(|failure| failure.error);
            assert_eq!(sent(1_400 - headers), Ok(()));
            assert_eq!(sent(1_401 - headers), Err(SendError::Drop(libc::EMSGSIZE)));
            assert_eq!(receive(&receiver, 1_400 - headers).len(), 1);
        }
    });
}

#[test]
fn no_way_out_is_a_hard_error() {
    namespace::run("no_way_out_is_a_hard_error", || {
        namespace::ip("link set lo up");
        namespace::ip("link add jvpn-a type veth peer name jvpn-b");
        namespace::ip("link set jvpn-b up");
        namespace::ip("link set jvpn-a up");
        namespace::ip("addr add 198.51.100.1/24 dev jvpn-a");
        let bound = UdpOptions { device: Some("jvpn-a"), ..options("198.51.100.1:0", true, true) };
        let socket = UdpSocket::open(&bound).expect("a socket");
        let any = open("0.0.0.0:0", true, true);
        let to = |address: &str| address.parse::<SocketAddr>().expect("an address");
        let error = |socket: &UdpSocket, to, bytes: usize| {
            socket.send_gso(to, None, &pattern(bytes), 1000).map_err(|failure| failure.error)
        };
        assert_eq!(error(&socket, to("198.51.100.2:9"), 3000), Ok(()));
        assert_eq!(error(&any, to("203.0.113.1:9"), 3000), Err(SendError::Hard(libc::ENETUNREACH)));
        assert_eq!(error(&any, to("203.0.113.1:9"), 10), Err(SendError::Hard(libc::ENETUNREACH)));
        namespace::ip("addr del 198.51.100.1/24 dev jvpn-a");
        namespace::ip("addr add 198.51.100.7/24 dev jvpn-a");
        for bytes in [10, 3000] {
            assert_eq!(error(&socket, to("198.51.100.2:9"), bytes), Err(SendError::Hard(libc::ENETUNREACH)));
        }
        let v6 = open("[::]:0", true, true);
        let lost = Some("2001:db8::1".parse().expect("an address"));
        for bytes in [10, 3000] {
            let sent = v6.send_gso(to("[::1]:9"), lost, &pattern(bytes), 1000).map_err(|failure| failure.error);
            assert_eq!(sent, Err(SendError::Hard(libc::EADDRNOTAVAIL)));
        }
        assert!(socket.uses_gso() && v6.uses_gso(), "a lost address is no reason to give up segmentation");
        namespace::ip("link del jvpn-a");
        let gone = error(&socket, to("198.51.100.2:9"), 10);
        assert!(matches!(gone, Err(SendError::Hard(_))), "{gone:?}");
    });
}

struct Datagram {
    remote: SocketAddr,
    local: Option<IpAddr>,
    at_us: u64,
    bytes: Vec<u8>,
}

fn options(bind: &str, gso: bool, gro: bool) -> UdpOptions<'static> {
    let bind = bind.parse().expect("an address");
    UdpOptions { bind, device: None, reached_address: false, mark: 0, gso, gro }
}

fn open(bind: &str, gso: bool, gro: bool) -> UdpSocket {
    UdpSocket::open(&options(bind, gso, gro)).expect("a socket")
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|index| (index % 251) as u8).collect()
}

fn packets_on_loopback() -> u64 {
    let devices = std::fs::read_to_string("/proc/thread-self/net/dev").expect("the kernel's counters");
    let line = devices.lines().find(|line| line.trim_start().starts_with("lo:")).expect("a loopback device");
    line.split_whitespace().nth(2).and_then(|packets| packets.parse().ok()).expect("a number")
}

fn receive(socket: &UdpSocket, bytes: usize) -> Vec<Datagram> {
    let mut batch = RecvBatch::default();
    let mut got = vec![];
    let until = sys::boot_us() + PATIENCE_US;
    while got.iter().map(|datagram: &Datagram| datagram.bytes.len()).sum::<usize>() < bytes {
        let left = until.checked_sub(sys::boot_us()).expect("everything arrives in time");
        let mut set = WaitSet::default();
        set.add(socket.as_raw_fd());
        sys::wait(&mut set, Some(left)).expect("a wait");
        if socket.recv_batch(&mut batch).is_err() {
            continue;
        }
        for message in batch.messages() {
            let (remote, local, at_us) = (message.remote, message.local, message.at_us);
            got.extend(message.datagrams().map(|bytes| Datagram { remote, local, at_us, bytes: bytes.to_vec() }));
        }
    }
    got
}
