//! The emulated cable with the real kernel, measured with the lab's own flows and transfers.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod common;

use common::{ADDRESS_B, Tool, until};
use serde_json::Value;
use std::process::Command;

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

/// Waits until the receiver has this many packets, and returns its report.
fn received(receiver: &mut Tool, packets: u64) -> Value {
    until(
        "enough packets",
        || receiver.ask(r#"{"op":"report"}"#),
        |report| number(&report["received"]) >= packets,
    )
}

/// Waits until the sender is done, and returns the receiver's report about everything.
fn finished(mut receiver: Tool, sender: Tool) -> Value {
    let (sent, code) = sender.last_words();
    assert_eq!((&sent["ok"], code), (&Value::Bool(true), 0));
    until(
        "the end of the flow",
        || receiver.ask(r#"{"op":"report"}"#),
        |report| report["ended"] == true,
    )
}

#[test]
fn ten_milliseconds_each_way_are_ten_milliseconds() {
    let lab = lab_or_skip!("delay");
    let mut link = lab.link("");
    link.order(r#"{"op":"set","dir":"both","delayMs":10}"#);
    let flows = [lab.flow_ab("--seconds 1"), lab.flow_ba("--seconds 1")];
    for (receiver, sender) in flows {
        let report = finished(receiver, sender);
        let median = number(&report["delayUs"]["p50"]);
        eprintln!(
            "delay: {} of {} received",
            report["delayUs"], report["received"]
        );
        assert!((10_000..10_500).contains(&median), "median {median} µs");
        assert_eq!(
            (number(&report["lost"]), number(&report["reordered"])),
            (0, 0)
        );
    }
}

#[test]
fn a_black_hole_silences_one_direction_and_only_that() {
    let lab = lab_or_skip!("hole");
    let mut link = lab.link("");
    link.order(r#"{"op":"set","dir":"both","delayMs":5}"#);
    let (mut to_b, sender_a) = lab.flow_ab("--seconds 2");
    let (mut to_a, sender_b) = lab.flow_ba("--seconds 2");
    received(&mut to_b, 200);
    let from = link.order(r#"{"op":"set","dir":"ab","blackhole":true}"#);
    let seen = number(&to_a.ask(r#"{"op":"report"}"#)["received"]);
    received(&mut to_a, seen + 300);
    let lifted = link.order(r#"{"op":"set","dir":"ab","blackhole":false}"#);

    let silenced = finished(to_b, sender_a);
    let (gap, start) = (
        number(&silenced["gap"]["us"]),
        number(&silenced["gap"]["startUs"]),
    );
    let silence = lifted - from;
    eprintln!("black hole of {silence} µs: gap of {gap} µs");
    assert!(
        start <= from,
        "nothing arrives after the answer: {start} > {from}"
    );
    assert!(gap >= silence, "{gap} µs of gap in {silence} µs of silence");
    assert_eq!(number(&silenced["lostRangesTotal"]), 1);
    let other = finished(to_a, sender_b);
    assert_eq!(number(&other["lost"]), 0);
    let stats = link.ask(r#"{"op":"stats"}"#);
    let (dropped, lost) = (
        number(&stats["ab"]["dropped"]["blackhole"]),
        number(&silenced["lost"]),
    );
    // A new interface sends its own packets, such as router solicitations; some of them may be lost in the black hole
    // too.
    assert!(
        (lost..=lost + 8).contains(&dropped),
        "{lost} packets of the flow are lost, {dropped} dropped"
    );
    assert_eq!(number(&stats["ba"]["dropped"]["blackhole"]), 0);
}

#[test]
fn thirty_percent_of_loss_are_thirty_percent() {
    let lab = lab_or_skip!("loss");
    let mut link = lab.link("");
    link.order(r#"{"op":"set","dir":"ab","loss":0.3}"#);
    let (receiver, sender) = lab.flow_ab("--seconds 1 --rate 5000");
    let report = finished(receiver, sender);
    let (lost, got) = (number(&report["lost"]), number(&report["received"]));
    assert_eq!(lost + got, 5000);
    assert!((1370..=1630).contains(&lost), "{lost} of 5000 lost"); // ±4 standard deviations
}

#[test]
fn duplicates_and_overtaking_are_seen_as_such() {
    let lab = lab_or_skip!("order");
    let mut link = lab.link("");
    link.order(r#"{"op":"set","dir":"ab","duplicate":0.1,"reorder":0.1,"reorderMs":10}"#);
    let (receiver, sender) = lab.flow_ab("--seconds 1");
    let report = finished(receiver, sender);
    assert_eq!(
        (number(&report["received"]), number(&report["lost"])),
        (1000, 0)
    );
    let (duplicates, reordered) = (number(&report["duplicates"]), number(&report["reordered"]));
    assert!((60..=140).contains(&duplicates), "{duplicates} duplicates");
    assert!((60..=140).contains(&reordered), "{reordered} overtaken");
}

#[test]
fn a_rate_is_kept_and_its_queue_is_bounded() {
    let lab = lab_or_skip!("rate");
    let mut link = lab.link("");
    link.order(r#"{"op":"set","dir":"both","rateMbit":20,"queueMs":50}"#);
    let _server = Tool::start(&format!(
        "tcp serve --netns {} --bind {ADDRESS_B}:7001",
        lab.b
    ));
    let (report, code) = Tool::start_quiet(&format!(
        "tcp fetch --netns {} --to {ADDRESS_B}:7001 --bytes 5000000",
        lab.a
    ))
    .last_words();
    let rate = report["mbitPerSec"].as_f64().unwrap();
    eprintln!("20 Mbit/s: {rate:.1} Mbit/s of TCP payload");
    assert_eq!((&report["match"], code), (&Value::Bool(true), 0));
    assert!((14.0..=20.0).contains(&rate), "{rate} Mbit/s");
}

#[test]
fn a_gap_of_a_recording_is_a_gap_of_the_flow() {
    let lab = lab_or_skip!("trace");
    let path = std::env::temp_dir().join(format!("jvpn-t{}.trace", std::process::id()));
    let lines: Vec<String> = (0..=500)
        .chain([900])
        .map(|ms: u32| ms.to_string())
        .collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    let mut link = lab.link("");
    link.order(&format!(
        r#"{{"op":"set","dir":"ab","trace":"{}","queueMs":1000}}"#,
        path.display()
    ));
    let (receiver, sender) = lab.flow_ab("--seconds 1.5");
    let report = finished(receiver, sender);
    std::fs::remove_file(&path).unwrap();
    let gap = number(&report["gap"]["us"]);
    eprintln!("gap of 400 ms in the recording: {gap} µs");
    assert!((395_000..450_000).contains(&gap), "{gap} µs");
    assert_eq!(number(&report["lost"]), 0, "frames in the gap waited");
}

#[test]
fn without_settings_the_link_is_fast() {
    let lab = lab_or_skip!("fast");
    let mut link = lab.link("");
    let mut server = Tool::start(&format!(
        "tcp serve --netns {} --bind {ADDRESS_B}:7001",
        lab.b
    ));
    for (name, delay) in [("no delay", 0), ("20 ms RTT", 10)] {
        link.order(&format!(r#"{{"op":"set","dir":"both","delayMs":{delay}}}"#));
        let fetch = format!(
            "tcp fetch --netns {} --to {ADDRESS_B}:7001 --bytes 200000000 --hash off",
            lab.a
        );
        let (report, code) = Tool::start_quiet(&fetch).last_words();
        assert_eq!((number(&report["bytes"]), code), (200_000_000, 0));
        let stats = link.ask(r#"{"op":"stats"}"#);
        let rate = report["mbitPerSec"].as_f64().unwrap();
        eprintln!(
            "{name}: {rate:.0} Mbit/s, kernelDropped {}, late {}",
            stats["kernelDropped"], stats["ba"]["lateUs"]
        );
        assert!(rate > 100.0, "{rate} Mbit/s");
        assert_eq!(server.hear()["ok"], true);
    }
}

#[test]
fn a_push_is_hashed_at_both_ends_and_lives_through_silence() {
    let lab = lab_or_skip!("push");
    let mut link = lab.link("");
    let mut server = Tool::start(&format!(
        "tcp serve --netns {} --bind {ADDRESS_B}:7001",
        lab.b
    ));
    let mut push = Tool::start_quiet(&format!(
        "tcp push --netns {} --to {ADDRESS_B}:7001 --bytes 4000000 --rate-mbit 40",
        lab.a
    ));
    let bytes = |answer: &Value| answer["running"][0]["bytes"].as_u64().unwrap_or(0);
    until(
        "a quarter",
        || bytes(&server.ask(r#"{"op":"progress"}"#)),
        |&bytes| bytes > 1_000_000,
    );
    let from = link.order(r#"{"op":"set","dir":"both","blackhole":true}"#);
    let stalled = |answer: &Value| {
        answer["running"][0]["stalls"]["longest"]["us"]
            .as_u64()
            .unwrap_or(0)
    };
    until(
        "a stall",
        || stalled(&server.ask(r#"{"op":"progress"}"#)),
        |&us| us > 300_000,
    );
    link.order(r#"{"op":"set","dir":"both","blackhole":false}"#);
    let arrived = server.hear();
    assert_eq!(
        (&arrived["ok"], &arrived["match"], number(&arrived["bytes"])),
        (&true.into(), &true.into(), 4_000_000)
    );
    let stall = &arrived["stalls"]["longest"];
    eprintln!("stall of {} µs", stall["us"]);
    assert!(number(&stall["us"]) > 300_000 && number(&stall["startUs"]) <= from);
    let own = push.hear();
    assert_eq!(
        (&own["sha256"], &own["connections"]),
        (&arrived["sha256"], &1.into())
    );
    assert_eq!(push.wait(), 0);
}

fn carrier(netns: &str) -> bool {
    let output = Command::new("ip")
        .args(["-n", netns, "link", "show", "end0"])
        .output()
        .unwrap();
    !String::from_utf8(output.stdout)
        .unwrap()
        .contains("NO-CARRIER")
}

#[test]
fn the_carrier_goes_and_comes_on_command() {
    let lab = lab_or_skip!("carrier");
    let mut link = lab.link("");
    assert!(carrier(&lab.a) && carrier(&lab.b));
    link.order(r#"{"op":"carrier","side":"a","up":false}"#);
    assert!(!carrier(&lab.a) && carrier(&lab.b));
    link.order(r#"{"op":"carrier","side":"a","up":true}"#);
    assert!(carrier(&lab.a));
    common::ip(&format!("-n {} link set end0 down", lab.a));
    assert!(
        carrier(&lab.b),
        "without --follow the other end keeps its carrier"
    );
}

#[test]
fn with_follow_one_end_loses_its_carrier_with_the_other() {
    let lab = lab_or_skip!("follow");
    let _link = lab.link("--follow");
    common::ip(&format!("-n {} link set end0 down", lab.a));
    until("carrier lost at b", || carrier(&lab.b), |&up| !up);
    common::ip(&format!("-n {} link set end0 up", lab.a));
    until("carrier back at b", || carrier(&lab.b), |&up| up);
}

#[test]
fn a_bad_command_is_answered_and_changes_nothing() {
    let lab = lab_or_skip!("bad");
    let mut link = lab.link("");
    for bad in [
        "x",
        r#"{"op":"set","dir":"ab","loss":2}"#,
        r#"{"op":"set","dir":"both","delayMs":1,"trace":"/nowhere"}"#,
        r#"{"op":"set","dir":"ab","delay":1}"#,
    ] {
        let answer = link.ask(bad);
        assert_eq!(answer["ok"], false, "{bad}");
        assert!(
            answer["error"]
                .as_str()
                .is_some_and(|error| !error.is_empty())
        );
    }
    let stats = link.ask(r#"{"op":"stats"}"#);
    assert_eq!(stats["ab"]["settings"]["loss"], 0.0);
    assert_eq!(stats["ba"]["settings"]["delayMs"], 0.0);
}

#[test]
fn when_stdin_closes_nothing_is_left() {
    let lab = lab_or_skip!("left");
    let mut link = lab.link("");
    link.close_stdin();
    assert_eq!(link.wait(), 0);
    for netns in [&lab.a, &lab.b] {
        let found = Command::new("ip")
            .args(["-n", netns, "link", "show", "end0"])
            .output()
            .unwrap();
        assert!(!found.status.success(), "end0 is still in {netns}");
    }
}

#[test]
fn a_name_that_exists_is_refused_and_nothing_is_left() {
    let lab = lab_or_skip!("taken");
    let _first = lab.link("");
    let mut second = Tool::start_quiet(&format!("link --a end1@{} --b end0@{}", lab.a, lab.b));
    assert_eq!(second.wait(), 1);
    let found = Command::new("ip")
        .args(["-n", &lab.a, "link", "show", "end1"])
        .output()
        .unwrap();
    assert!(!found.status.success());
}

#[test]
fn what_enters_is_in_the_capture_file() {
    let lab = lab_or_skip!("pcap");
    let path = std::env::temp_dir().join(format!("jvpn-t{}.pcap", std::process::id()));
    let mut link = lab.link(&format!("--pcap {}", path.display()));
    let (receiver, sender) = lab.flow_ab("--seconds 0.1");
    assert_eq!(number(&finished(receiver, sender)["received"]), 100);
    let stats = link.ask(r#"{"op":"stats"}"#);
    let frames = number(&stats["ab"]["framesIn"]) + number(&stats["ba"]["framesIn"]);
    link.order(r#"{"op":"quit"}"#);
    assert_eq!(link.wait(), 0);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(
        records(&bytes) >= frames && frames >= 100,
        "{} records of {frames} frames",
        records(&bytes)
    );
}

/// Counts the records of a pcap file.
fn records(bytes: &[u8]) -> u64 {
    let mut at = 24;
    let mut records = 0;
    while let Some(len) = bytes.get(at + 8..at + 12) {
        at += 16 + u32::from_le_bytes(len.try_into().unwrap()) as usize;
        records += 1;
    }
    assert_eq!(at, bytes.len(), "the last record is whole");
    records
}
