//! How the kernel runs our programs: real sockets and a real device in their own network namespace.

mod namespace;

use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as Plain};
use std::os::fd::AsRawFd;
use std::thread;

use jvpn_io::offload::{FRAME_MAX, destination};
use jvpn_io::steering::AddressTable;
use jvpn_io::sys::{WaitSet, wait};
use jvpn_io::tun::Tun;
use jvpn_io::udp::{RecvBatch, UdpOptions, UdpSocket};

const PATIENCE_US: u64 = 5_000_000;
const WORKERS: u8 = 3;
const VIRTIO: usize = 10;
const INIT: u8 = 0x01;
const DATA: u8 = 0x10;

#[test]
fn datagrams_reach_the_socket_that_their_type_and_index_name() {
    namespace::run("datagrams_reach_the_socket_that_their_type_and_index_name", || {
        namespace::ip("link set lo up");
        for bind in ["127.0.0.1:0", "[::1]:0"] {
            let bind: SocketAddr = bind.parse().expect("an address");
            let options = UdpOptions { bind, device: None, reached_address: true, mark: 0, gso: true, gro: true };
            let group = UdpSocket::open_group(&options, WORKERS).expect("a group");
            let to = group[0].data.local_addr().expect("bound");
            assert!(UdpSocket::open(&UdpOptions { bind: to, ..options.clone() }).is_err(), "the address is taken");
            // A datagram too short for an index goes to the first socket.
            Plain::bind((bind.ip(), 0)).expect("bound").send_to(&[0x10, 0, 0, 0], to).expect("sent");
            until_readable(&group[0].data);
            assert_eq!(group[0].data.recv_batch(&mut RecvBatch::default()).expect("received"), 1);
            for low in 0..=255 {
                let worker = &group[usize::from(low % WORKERS)];
                for (kind, socket) in [(INIT, &worker.handshakes), (DATA, &worker.data), (0xff, &worker.data)] {
                    // The sender does not matter.
                    let sender = Plain::bind((bind.ip(), 0)).expect("bound");
                    sender.send_to(&[kind, 0, 0, 0, low, 1, 2, 3, 4], to).expect("sent");
                    until_readable(socket);
                    let mut batch = RecvBatch::default();
                    assert_eq!(socket.recv_batch(&mut batch).expect("received"), 1);
                    let message = batch.messages().next().expect("one");
                    assert_eq!((message.bytes[0], message.bytes[4]), (kind, low));
                }
            }
        }
    });
}

#[test]
fn a04_a_flood_of_handshakes_that_nobody_reads_takes_no_room_from_data() {
    const FLOOD: u32 = 50_000;
    const MESSAGES: u32 = 1_000;
    namespace::run("a04_a_flood_of_handshakes_that_nobody_reads_takes_no_room_from_data", || {
        namespace::ip("link set lo up");
        let bind: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let options = UdpOptions { bind, device: None, reached_address: true, mark: 0, gso: true, gro: true };
        let group = UdpSocket::open_group(&options, 1).expect("a group");
        let to = group[0].data.local_addr().expect("bound");
        let sender = Plain::bind((bind.ip(), 0)).expect("bound");
        let mut message = [0; 232];
        for number in 0..FLOOD {
            message[0] = INIT;
            message[4..8].copy_from_slice(&number.to_le_bytes());
            sender.send_to(&message, to).expect("sent");
            if number % (FLOOD / MESSAGES) == 0 {
                message[0] = DATA;
                sender.send_to(&message, to).expect("sent");
            }
        }
        let received = |socket: &UdpSocket| {
            let mut batch = RecvBatch::default();
            let batches = std::iter::from_fn(|| socket.recv_batch(&mut batch).ok());
            batches.map(|messages| messages as u32).sum::<u32>()
        };
        assert_eq!(received(&group[0].data), MESSAGES);
        let handshakes = received(&group[0].handshakes);
        assert!((100..FLOOD / 10).contains(&handshakes), "{handshakes} handshakes waited");
    });
}

#[test]
fn inner_packets_reach_the_queue_of_their_session() {
    namespace::run("inner_packets_reach_the_queue_of_their_session", || {
        let queues = Tun::create_queues("jvpn-t", 1400, true, WORKERS).expect("a device");
        let Some(table) = table() else { return };
        table.steer(&queues[0], WORKERS).expect("a program");
        namespace::ip("address add 10.77.0.1/24 dev jvpn-t");
        namespace::ip("address add fd77::1/64 dev jvpn-t nodad");
        let address = |text: String| text.parse::<IpAddr>().expect("an address");
        let arrives = |at: usize, to: IpAddr| {
            let from = if to.is_ipv4() { "10.77.0.1:0" } else { "[fd77::1]:0" };
            Plain::bind(from).expect("bound").send_to(b"jump", (to, 9)).expect("sent");
            let mut frame = vec![0; FRAME_MAX];
            loop {
                until_readable(&queues[at]);
                let length = queues[at].read(&mut frame).expect("a frame");
                // The kernel also sends its own packets on a new link.
                if destination(&frame[VIRTIO..length]) == Some(to) {
                    return;
                }
            }
        };
        // The kernel uses 16 bits of the program's result.
        for (host, session) in (2..).zip([1, 2, 3, 20, 65_535, 65_536, 70_001, 0x8000_0000, u32::MAX - 1]) {
            for to in [address(format!("10.77.0.{host}")), address(format!("fd77::{host}"))] {
                arrives(0, to);
                for session in [session, session + 1] {
                    table.set(to, session).expect("room");
                    assert_eq!(table.get(to), Some(session));
                    arrives((session % u32::from(WORKERS)) as usize, to);
                }
                table.remove(to);
                assert_eq!(table.get(to), None);
                arrives(0, to);
            }
        }
    });
}

#[test]
fn no_other_user_gets_a_queue_of_the_device() {
    namespace::run("no_other_user_gets_a_queue_of_the_device", || {
        let _queues = Tun::create_queues("jvpn-t", 1400, true, WORKERS).expect("a device");
        let attach = |file: &File| {
            // SAFETY: `ifreq` is plain data, and the request reads and writes one.
            unsafe {
                let mut request: libc::ifreq = std::mem::zeroed();
                request.ifr_name[..6].copy_from_slice(&b"jvpn-t".map(|byte| libc::c_char::from_ne_bytes([byte])));
                let flags = libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_VNET_HDR | libc::IFF_MULTI_QUEUE;
                request.ifr_ifru.ifru_flags = flags as libc::c_short;
                libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request)
            }
        };
        let open = || File::options().read(true).write(true).open("/dev/net/tun").expect("opened");
        let (stranger, own) = (open(), open());
        let refused = thread::scope(|scope| {
            let as_nobody = scope.spawn(|| {
                // SAFETY: changes the user of this thread alone, which ends here; the C library's call would change all
                // threads.
                let changed = unsafe { libc::syscall(libc::SYS_setresuid, 65_534, 65_534, 65_534) };
                assert_eq!(changed, 0);
                (attach(&stranger), io::Error::last_os_error().raw_os_error())
            });
            as_nobody.join().expect("no panic")
        });
        assert_eq!(refused, (-1, Some(libc::EPERM)));
        assert_eq!(attach(&own), 0, "root may");
    });
}

fn table() -> Option<AddressTable> {
    AddressTable::new().inspect_err(|error| eprintln!("skipped: no programs in the kernel here: {error}")).ok()
}

fn until_readable(source: &impl AsRawFd) {
    let mut set = WaitSet::default();
    set.add(source.as_raw_fd());
    wait(&mut set, Some(PATIENCE_US)).expect("waited");
    assert!(set.is_ready(0), "the packet went to another queue");
}
