use super::*;
use crate::tcp::wire::Mode;
use std::net::TcpListener;

const GREETING: Greeting = Greeting {
    mode: Mode::Push,
    hashed: true,
    bytes: 1_000_003,
    seed: 11,
    bytes_per_sec: 0,
};

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let near = TcpStream::connect(listener.local_addr().expect("address")).expect("connected");
    (near, listener.accept().expect("accepted").0)
}

/// Runs one transfer and returns the sender's digest, and the receiver's pair.
fn moved(greeting: &Greeting) -> (Digest, (Digest, Digest)) {
    let (mut near, mut far) = pair();
    std::thread::scope(|scope| {
        let sender = scope.spawn(move || {
            let progress = Progress::new(&near, greeting.bytes).expect("progress");
            send(&mut near, greeting, &progress).expect("sent")
        });
        let progress = Progress::new(&far, greeting.bytes).expect("progress");
        let received = receive(&mut far, greeting, &progress).expect("received");
        assert_eq!(progress.snapshot().bytes, greeting.bytes);
        (sender.join().expect("no panic"), received)
    })
}

#[test]
fn what_arrives_is_what_was_sent_and_depends_on_the_seed_only() {
    let (sent, (own, theirs)) = moved(&GREETING);
    assert_eq!((own, theirs), (sent, sent));
    let paced = Greeting {
        bytes_per_sec: 100_000_000,
        ..GREETING
    };
    assert_eq!(moved(&paced).0, sent);
    assert_ne!(
        moved(&Greeting {
            seed: 12,
            ..GREETING
        })
        .0,
        sent
    );
}

#[test]
fn without_hashing_digests_are_zero() {
    let (sent, received) = moved(&Greeting {
        hashed: false,
        ..GREETING
    });
    assert_eq!((sent, received), ([0; 32], ([0; 32], [0; 32])));
}

#[test]
fn a_pace_is_kept() {
    let start = clock::mono_ns();
    moved(&Greeting {
        bytes: 100_000,
        bytes_per_sec: 1_000_000,
        ..GREETING
    });
    let ms = (clock::mono_ns() - start) / NS_PER_MS;
    assert!(ms >= 90, "{ms} ms for 100 ms of bytes");
}

#[test]
fn a_connection_that_closes_early_is_an_error() {
    let (near, mut far) = pair();
    drop(near);
    let progress = Progress::new(&far, 10).expect("progress");
    let error = receive(&mut far, &GREETING, &progress).expect_err("closed");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}
