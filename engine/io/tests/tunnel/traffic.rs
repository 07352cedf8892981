//! Inner traffic whose content is known on both sides.

use std::{
    io::{Read, Write},
    net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
};

use crate::{
    netns::{Topology, within},
    node::PATIENCE,
};

/// One datagram of each size there and back.
pub fn datagrams_echo(topology: &Topology, from: &str, to: &str, sizes: &[usize]) {
    let address = |text: &str| SocketAddr::new(text.parse::<IpAddr>().expect("an address"), 0);
    let there = within(&topology.gateway, || UdpSocket::bind(address(to)).expect("a socket in the gateway"));
    let here = within(&topology.client, || UdpSocket::bind(address(from)).expect("a socket in the client"));
    for socket in [&here, &there] {
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    }
    here.connect(there.local_addr().expect("bound")).expect("connected");
    for &size in sizes {
        let sent: Vec<u8> = Pattern::new(size as u64).take(size).collect();
        here.send(&sent).expect("sent");
        let mut buffer = vec![0; 65_536];
        let (length, origin) = there.recv_from(&mut buffer).unwrap_or_else(|error| panic!("{size} bytes did not arrive: {error}"));
        there.send_to(&buffer[..length], origin).expect("answered");
        let length = here.recv(&mut buffer).unwrap_or_else(|error| panic!("{size} bytes did not come back: {error}"));
        assert!(buffer[..length] == sent, "{size} bytes changed on their way");
    }
}

/// One connection to `to`, `bytes` in each direction at once, compared byte by byte.
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
    let mut left = bytes;
    while left > 0 {
        let chunk: Vec<u8> = pattern.by_ref().take(left.min(256 * 1024)).collect();
        stream.write_all(&chunk).expect("the stream goes on");
        left -= chunk.len();
    }
    stream.shutdown(Shutdown::Write).expect("the end is sent");
}

fn read_pattern(mut stream: &TcpStream, seed: u64, bytes: usize) {
    let mut pattern = Pattern::new(seed);
    let mut buffer = vec![0; 256 * 1024];
    let mut received = 0;
    loop {
        let length = stream.read(&mut buffer).expect("the stream goes on");
        if length == 0 {
            break;
        }
        assert!(buffer[..length].iter().copied().eq(pattern.by_ref().take(length)), "changed after {received} bytes");
        received += length;
    }
    assert_eq!(received, bytes);
}

/// Bytes of xorshift64: no two places of a stream look alike.
struct Pattern {
    state: u64,
    word: [u8; 8],
    used: usize,
}

impl Pattern {
    fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, word: [0; 8], used: 8 }
    }
}

impl Iterator for Pattern {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.used == 8 {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            self.word = self.state.to_le_bytes();
            self.used = 0;
        }
        self.used += 1;
        Some(self.word[self.used - 1])
    }
}
