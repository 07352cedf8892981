//! A05: a cookie is valid for one address, one sender of an INIT, and a few minutes.

mod support;

use std::net::SocketAddr;

use jvpn_proto::{
    handshake::{COOKIE_PERIOD_US, CookieJar, Initiator, Mac2, check_mac1, init_hash},
    wire::{COOKIE_LEN, INIT_LEN},
};
use support::{key, noise, offered};

const NOW: u64 = 10 * COOKIE_PERIOD_US;

#[test]
fn an_init_with_its_cookie_is_accepted_from_that_address() {
    let (jar, initiator, init) = scene();
    assert_eq!(jar.check_mac2(NOW, at("192.0.2.1:4774"), &init), Mac2::Absent);
    let second = with_cookie(&jar, &initiator, &init, "192.0.2.1:4774");
    assert_eq!(jar.check_mac2(NOW, at("192.0.2.1:4774"), &second), Mac2::Valid);
    assert!(check_mac1(&key(2).public(), &second), "mac1 stays");
    assert_eq!(init_hash(&second), init_hash(&init), "it is the same handshake");
}

#[test]
fn a05_a_cookie_of_another_address_is_refused() {
    let (jar, initiator, init) = scene();
    let second = with_cookie(&jar, &initiator, &init, "192.0.2.1:4774");
    for other in ["192.0.2.1:4775", "192.0.2.2:4774", "[2001:db8::1]:4774"] {
        assert_eq!(jar.check_mac2(NOW, at(other), &second), Mac2::Invalid, "{other}");
    }
}

#[test]
fn an_address_is_the_same_in_both_of_its_forms() {
    let (jar, initiator, init) = scene();
    let second = with_cookie(&jar, &initiator, &init, "192.0.2.1:4774");
    assert_eq!(jar.check_mac2(NOW, at("[::ffff:192.0.2.1]:4774"), &second), Mac2::Valid);
}

#[test]
fn a05_an_old_cookie_is_refused() {
    let (jar, initiator, init) = scene();
    let second = with_cookie(&jar, &initiator, &init, "192.0.2.1:4774");
    let from = at("192.0.2.1:4774");
    assert_eq!(jar.check_mac2(NOW + 2 * COOKIE_PERIOD_US - 1, from, &second), Mac2::Valid);
    assert_eq!(jar.check_mac2(NOW + 2 * COOKIE_PERIOD_US, from, &second), Mac2::Invalid);
    assert_eq!(jar.check_mac2(NOW - 1, from, &second), Mac2::Invalid);
    assert_eq!(jar.check_mac2(0, from, &second), Mac2::Invalid);
}

#[test]
fn a05_a_cookie_for_another_mac1_is_not_read() {
    let (jar, initiator, init) = scene();
    let (_, other) = Initiator::new(&key(1), &key(2).public(), 7, &offered(), &mut noise(50)).expect("INIT");
    assert!(initiator.read_cookie(&reply(&jar, &other, "192.0.2.1:4774")).is_none());
    assert!(initiator.read_cookie(&reply(&jar, &init, "192.0.2.1:4774")).is_some());
}

#[test]
fn a10_a_changed_cookie_message_is_not_read() {
    let (jar, initiator, init) = scene();
    let genuine = reply(&jar, &init, "192.0.2.1:4774");
    for bit in 8 * 8..COOKIE_LEN * 8 {
        let mut changed = genuine;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(initiator.read_cookie(&changed).is_none(), "bit {bit}");
    }
}

#[test]
fn a05_a_flipped_bit_of_mac2_is_refused() {
    let (jar, initiator, init) = scene();
    let second = with_cookie(&jar, &initiator, &init, "192.0.2.1:4774");
    for bit in 216 * 8..232 * 8 {
        let mut changed = second;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(jar.check_mac2(NOW, at("192.0.2.1:4774"), &changed), Mac2::Invalid, "bit {bit}");
    }
}

#[test]
fn a05_a_cookie_of_another_gateway_start_is_refused() {
    let (jar, initiator, init) = scene();
    let second = with_cookie(&jar, &initiator, &init, "192.0.2.1:4774");
    let restarted = CookieJar::new(&mut noise(9));
    assert_eq!(restarted.check_mac2(NOW, at("192.0.2.1:4774"), &second), Mac2::Invalid);
}

#[test]
fn a_cookie_message_is_addressed_to_the_init() {
    let (jar, _, init) = scene();
    let message = reply(&jar, &init, "192.0.2.1:4774");
    assert_eq!((&message[..4], &message[4..8]), (&[4, 1, 0, 0][..], &init[4..8]));
}

fn scene() -> (CookieJar, Initiator, [u8; INIT_LEN]) {
    let (initiator, init) =
        Initiator::new(&key(1), &key(2).public(), 7, &offered(), &mut noise(3)).expect("an honest key");
    (CookieJar::new(&mut noise(8)), initiator, init)
}

fn reply(jar: &CookieJar, init: &[u8; INIT_LEN], from: &str) -> [u8; COOKIE_LEN] {
    jar.reply(NOW, at(from), &key(2).public(), init, &mut noise(6))
}

fn with_cookie(jar: &CookieJar, initiator: &Initiator, init: &[u8; INIT_LEN], from: &str) -> [u8; INIT_LEN] {
    let cookie = initiator.read_cookie(&reply(jar, init, from)).expect("a genuine COOKIE");
    initiator.with_cookie(&cookie)
}

fn at(address: &str) -> SocketAddr {
    address.parse().expect("an address")
}
