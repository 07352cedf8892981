//! Inner traffic whose content both sides know.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

use crate::{
    netns::{Topology, within},
    node::PATIENCE,
};

const CHUNK: usize = 256 * 1024;

/// Sends one datagram of each size there and back.
pub fn datagrams_echo(topology: &Topology, from: &str, to: &str, sizes: &[usize]) {
    echo(topology, from, to, sizes, (1, PATIENCE));
}

/// The same for a path where, in each direction, the first datagram that is too long is lost and its sender is
/// notified.
pub fn datagrams_echo_at_last(topology: &Topology, from: &str, to: &str, sizes: &[usize]) {
    echo(topology, from, to, sizes, (4, Duration::from_millis(500)));
}

/// Sends one datagram from the client into the tunnel; nobody waits for it.
pub fn send(topology: &Topology, from: &str, to: &str, content: &[u8]) {
    let socket = within(&topology.client, || UdpSocket::bind((from, 0)).expect("a socket in the client"));
    socket.send_to(content, (to, 9)).expect("a route into the tunnel");
}

/// Sends `each` datagrams from each of two addresses of the client, in turn. The result reads `each` of them at the
/// gateway and whatever else has arrived, and returns the sources.
pub fn origins(topology: &Topology, from: [&str; 2], to: &str, each: usize) -> impl FnOnce() -> Vec<Ipv4Addr> {
    let there = within(&topology.gateway, || UdpSocket::bind((to, 0)).expect("a socket in the gateway"));
    there.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let address = there.local_addr().expect("bound");
    let here =
        within(&topology.client, || from.map(|from| UdpSocket::bind((from, 0)).expect("a socket in the client")));
    for _ in 0..each {
        for socket in &here {
            socket.send_to(b"origin", address).expect("a route into the tunnel");
        }
    }
    move || {
        let next = || match there.recv_from(&mut [0; 16]) {
            Ok((_, SocketAddr::V4(origin))) => Some(*origin.ip()),
            _ => None,
        };
        let mut found: Vec<Ipv4Addr> = std::iter::from_fn(next).take(each).collect();
        there.set_nonblocking(true).expect("a socket");
        found.extend(std::iter::from_fn(next));
        found
    }
}

fn echo(topology: &Topology, from: &str, to: &str, sizes: &[usize], (sends, patience): (usize, Duration)) {
    let address = |text: &str| SocketAddr::new(text.parse::<IpAddr>().expect("an address"), 0);
    let there = within(&topology.gateway, || UdpSocket::bind(address(to)).expect("a socket in the gateway"));
    let here = within(&topology.client, || UdpSocket::bind(address(from)).expect("a socket in the client"));
    for socket in [&here, &there] {
        socket.set_read_timeout(Some(patience)).expect("a timeout");
    }
    here.connect(there.local_addr().expect("bound")).expect("connected");
    for &size in sizes {
        let mut sent = vec![0; size];
        Pattern::new(size as u64).fill(&mut sent);
        let mut buffer = vec![0; 65_536];
        let mut there_and_back = || {
            // The kernel refuses one datagram when it learns that it is too long, and fragments the next.
            here.send(&sent).ok()?;
            let (length, origin) = there.recv_from(&mut buffer).ok()?;
            there.send_to(&buffer[..length], origin).ok()?;
            here.recv(&mut buffer).ok()
        };
        let back = (0..sends).find_map(|_| there_and_back());
        let length = back.unwrap_or_else(|| panic!("{size} bytes did not come back"));
        assert!(buffer[..length] == sent, "{size} bytes changed on their way");
    }
}

/// Opens one connection to `to` and sends `bytes` in each direction at once, compared byte by byte.
pub fn stream_both_ways(topology: &Topology, to: &str, bytes: usize) {
    let address = SocketAddr::new(to.parse().expect("an address"), 0);
    let listener = within(&topology.gateway, || TcpListener::bind(address).expect("a listener in the gateway"));
    let address = listener.local_addr().expect("bound");
    let client = within(&topology.client, || TcpStream::connect_timeout(&address, PATIENCE).expect("connected"));
    let (server, _) = listener.accept().expect("accepted");
    thread::scope(|scope| {
        for (stream, own, other) in [(&client, 1, 2), (&server, 2, 1)] {
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
            scope.spawn(move || write_pattern(stream, own, bytes));
            scope.spawn(move || read_pattern(stream, other, bytes));
        }
    });
}

fn write_pattern(mut stream: &TcpStream, seed: u64, bytes: usize) {
    let mut pattern = Pattern::new(seed);
    let mut chunk = vec![0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let length = left.min(CHUNK);
        pattern.fill(&mut chunk[..length]);
        stream.write_all(&chunk[..length]).expect("the stream goes on");
        left -= length;
    }
    stream.shutdown(Shutdown::Write).expect("the end is sent");
}

fn read_pattern(mut stream: &TcpStream, seed: u64, bytes: usize) {
    let mut pattern = Pattern::new(seed);
    let (mut chunk, mut expected) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut left = bytes;
    while left > 0 {
        let length = left.min(CHUNK);
        stream.read_exact(&mut chunk[..length]).expect("the stream goes on");
        pattern.fill(&mut expected[..length]);
        assert!(chunk[..length] == expected[..length], "changed after {} bytes", bytes - left);
        left -= length;
    }
    assert_eq!(stream.read(&mut chunk).expect("the end arrives"), 0, "more than was sent");
}

/// Bytes of xorshift64: no two positions of a stream look alike.
struct Pattern(u64);

impl Pattern {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A length that is not a multiple of 8 ends the sequence of a seed.
    fn fill(&mut self, bytes: &mut [u8]) {
        for word in bytes.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            word.copy_from_slice(&self.0.to_le_bytes()[..word.len()]);
        }
    }
}
