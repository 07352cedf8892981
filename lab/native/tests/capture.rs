//! The capture with the real kernel: Ethernet and layer 3 devices, handshakes, connections and leaks.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod common;

use common::{ADDRESS_A, ADDRESS_B, Lab, Tool};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

fn init(key: u8) -> Vec<u8> {
    let mut message = vec![0; 232];
    message[0] = 0x01;
    message[8..40].fill(key);
    message
}

fn send(netns: &str, from: &str, to: &str, messages: &[Vec<u8>]) {
    Lab::inside(netns, || {
        let socket = UdpSocket::bind((from, 0)).unwrap();
        for message in messages {
            socket.send_to(message, to).unwrap();
        }
    });
}

/// A layer 3 device and its open descriptor, which gives it a carrier.
fn tun(netns: &str, name: &str) -> File {
    let device = Lab::inside(netns, || {
        let device = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/net/tun")
            .unwrap();
        // SAFETY: ifreq is plain data; all zeros is a valid value. TUNSETIFF reads and writes one ifreq.
        unsafe {
            let mut request: libc::ifreq = std::mem::zeroed();
            for (slot, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
                *slot = byte as libc::c_char;
            }
            request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
            assert_eq!(
                libc::ioctl(
                    device.as_raw_fd(),
                    libc::TUNSETIFF as libc::Ioctl,
                    &raw mut request
                ),
                0
            );
        }
        device
    });
    common::ip(&format!("-n {netns} address add 10.80.0.2/16 dev {name}"));
    common::ip(&format!("-n {netns} link set {name} up"));
    device
}

#[test]
fn handshakes_are_counted_once_however_often_they_are_sent() {
    let lab = lab_or_skip!("shake");
    let _link = lab.link("");
    let mut capture = Tool::start(&format!("capture --netns {} --ifaces end0", lab.b));
    let mut resp = init(9);
    resp[0] = 0x02;
    resp[12..44].fill(9);
    send(
        &lab.a,
        ADDRESS_A,
        &format!("{ADDRESS_B}:4774"),
        &[init(1), init(1), init(2), resp, vec![0x10; 64]],
    );
    send(&lab.a, ADDRESS_A, &format!("{ADDRESS_B}:4775"), &[init(3)]);
    let seen = |report: &Value| report["interfaces"]["end0"]["outer"]["data"] == 1;
    let report = common::until("all messages", || capture.ask(r#"{"op":"report"}"#), seen);
    let outer = &report["interfaces"]["end0"]["outer"];
    assert_eq!(outer["init"], json!({ "distinct": 2, "packets": 3 }));
    assert_eq!(outer["resp"], json!({ "distinct": 1, "packets": 1 }));
    assert_eq!(
        (&report["complete"], &report["kernelDropped"]),
        (&json!(true), &json!(0))
    );
}

#[test]
fn connections_are_counted_on_the_wire() {
    let lab = lab_or_skip!("syn");
    let _link = lab.link("");
    let mut capture = Tool::start(&format!("capture --netns {} --ifaces end0", lab.b));
    let _server = Tool::start(&format!(
        "tcp serve --netns {} --bind {ADDRESS_B}:7001",
        lab.b
    ));
    for _ in 0..3 {
        let fetch = format!(
            "tcp fetch --netns {} --to {ADDRESS_B}:7001 --bytes 100000",
            lab.a
        );
        let (report, code) = Tool::start_quiet(&fetch).last_words();
        assert_eq!((&report["match"], code), (&json!(true), 0));
    }
    let (report, code) = {
        capture.close_stdin();
        capture.last_words()
    };
    assert_eq!((&report["final"], code), (&json!(true), 0));
    assert_eq!(
        report["total"]["tcp"],
        json!({ "syn": { "distinct": 3, "packets": 3 }, "rst": 0 })
    );
}

#[test]
fn inner_addresses_belong_on_the_tunnel_and_are_a_leak_on_an_uplink() {
    let lab = lab_or_skip!("leak");
    let _link = lab.link("");
    // The device appears only after the capture has started, as when a client starts.
    let mut capture = Tool::start(&format!("capture --netns {} --ifaces end0,tun0", lab.a));
    let _reader = tun(&lab.a, "tun0");
    send(
        &lab.a,
        "10.80.0.2",
        "10.80.0.1:9",
        &[vec![0; 20], vec![0; 20]],
    );
    let on_tunnel = |report: &Value| report["interfaces"]["tun0"]["outgoing"].as_u64() >= Some(2);
    let report = common::until(
        "packets on the tunnel",
        || capture.ask(r#"{"op":"report"}"#),
        on_tunnel,
    );
    assert_eq!(
        (
            &report["interfaces"]["tun0"]["clear"],
            &report["total"]["clear"]
        ),
        (&json!(0), &json!(0))
    );

    common::ip(&format!(
        "-n {} route add 10.80.9.9/32 via {ADDRESS_B} dev end0",
        lab.a
    ));
    send(&lab.a, ADDRESS_A, "10.80.9.9:9", &[vec![0; 20]]);
    let leaked = |report: &Value| report["total"]["clear"] == 1;
    let report = common::until("the leak", || capture.ask(r#"{"op":"report"}"#), leaked);
    assert_eq!(
        report["interfaces"]["end0"]["clearFirst"],
        "10.91.0.1 → 10.80.9.9"
    );
}

#[test]
fn the_file_is_a_pcap_and_bounded() {
    let lab = lab_or_skip!("file");
    let _link = lab.link("");
    let path = std::env::temp_dir().join(format!("jvpn-t{}-capture.pcap", std::process::id()));
    let out = path.display();
    let mut capture = Tool::start(&format!(
        "capture --netns {} --ifaces end0 --out {out} --max-mb 1",
        lab.b
    ));
    let (_receiver, sender) = lab.flow_ab("--rate 20000 --seconds 0.5");
    assert_eq!(sender.last_words().1, 0);
    capture.close_stdin();
    let (report, _) = capture.last_words();
    let size = std::fs::metadata(&path).unwrap().len();
    let head = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(
        size <= 1024 * 1024 && size > 1024 * 1024 - 300,
        "{size} bytes"
    );
    assert_eq!(head[20..24], 276_u32.to_le_bytes());
    let packets = report["interfaces"]["end0"]["packets"].as_u64().unwrap();
    assert!(
        packets >= 10_000,
        "{packets} packets counted beyond the file's end"
    );
    assert!(report["pcap"]["beyondMax"].as_u64().unwrap() > 0);
}
