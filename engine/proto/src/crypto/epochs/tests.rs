use super::*;
use crate::crypto::keys::Ephemeral;
use crate::vocabulary::blame::DropKind;

const LIMITS: Limits = Limits {
    rekey_after_us: 100,
    reject_after_us: 150,
    rekey_after_packets: 4,
    rekey_after_failed_opens: 2,
    inits_per_s: 1,
};

fn pair() -> (Epochs, Epochs) {
    let root = Root::from_handshake(&[1; 64], &[2; 32], b"header");
    let make = |role| Epochs::new(root.clone(), Suite::ChaCha20Poly1305, role, LIMITS, 0);
    (make(Role::Client), make(Role::Gateway))
}

fn pass(from: &mut Epochs, to: &mut Epochs, now: u64) -> Result<Opened, DropKind> {
    let mut message = from.seal_frames(&[0x17, 0, 0], 1).ok_or(DropKind::NotSealed)?;
    open(to, now, &mut message)
}

fn open(to: &mut Epochs, now: u64, message: &mut [u8]) -> Result<Opened, DropKind> {
    let counter = u64::from_le_bytes(message[8..16].try_into().map_err(|_| DropKind::WrongLength)?);
    to.open(now, 0, message[1], counter, &mut message[16..])
}

#[test]
fn the_responder_seals_under_a_new_epoch_only_after_hearing_the_peer_in_it() {
    let (mut client, mut gateway) = pair();
    let mut fill = |out: &mut [u8]| out.fill(9);
    let (ours, theirs) = (Ephemeral::generate(&mut fill), Ephemeral::from_private(&[3; 32]));
    let shared = ours.agree(theirs.public()).expect("not of low order");
    gateway.prepare(10, &*shared, b"t");
    assert_eq!(gateway.number(), 0);
    client.advance(11, &*shared, b"t");
    assert_eq!(client.previous_until(), None);
    assert!(!pass(&mut gateway, &mut client, 12).expect("old epoch is accepted").confirms);
    assert!(pass(&mut client, &mut gateway, 13).expect("new epoch").confirms);
    assert_eq!(gateway.number(), 1);
    assert!(pass(&mut gateway, &mut client, 14).expect("new epoch").confirms);
    assert!(client.previous_until().is_some() && !client.settled());
    client.drop_previous(14 + LINGER_MIN_US);
    assert!(client.settled());
}

#[test]
fn a_key_reaches_its_limits_of_age_packets_and_failed_opens() {
    let (mut client, mut gateway) = pair();
    assert_eq!(
        (client.rekey_due(99, 0), client.rekey_due(100, 0), client.rekey_due(100, 5)),
        (None, Some("age"), None)
    );
    assert_eq!(
        (client.newly_expired(149), client.newly_expired(150), client.newly_expired(150)),
        (None, Some((0, "age")), None)
    );
    for _ in 0..4 {
        assert!(pass(&mut client, &mut gateway, 1).is_ok());
    }
    assert_eq!(client.rekey_due(1, 0), Some("packets"));
    let mut message = client.seal_frames(&[], 1).expect("within the limit");
    message[16] ^= 1;
    assert_eq!(open(&mut gateway, 1, &mut message.clone()), Err(DropKind::BadTag));
    assert_eq!(open(&mut gateway, 1, &mut message), Err(DropKind::BadTag));
    assert_eq!(gateway.rekey_due(1, 0), Some("failed_opens"));
    for _ in 0..3 {
        client.seal_frames(&[], 1);
    }
    assert_eq!(client.expired(1), Some("packets"));
    assert!(client.seal_frames(&[], 1).is_some(), "control must go on");
}

#[test]
fn a_message_under_a_key_past_its_hard_age_carries_no_inner_packet() {
    let (mut client, mut gateway) = pair();
    let carries = |at, client: &mut Epochs, gateway: &mut Epochs| pass(client, gateway, at).map(|it| it.carries_inner);
    assert_eq!(carries(149, &mut client, &mut gateway), Ok(true));
    assert_eq!(carries(150, &mut client, &mut gateway), Ok(false), "frames are still opened");
}

#[test]
fn the_previous_epoch_lingers_for_ten_seconds_at_most_however_long_the_paths_are() {
    let (mut client, mut gateway) = pair();
    gateway.prepare(0, &[7; 32], b"t");
    client.advance(0, &[7; 32], b"t");
    let mut message = client.seal_frames(&[0x17, 0, 0], 1).expect("within the limit");
    let opened = gateway.open(1_000, 600_000_000, message[1], 0, &mut message[16..]);
    assert!(opened.is_ok_and(|opened| opened.confirms));
    assert_eq!(gateway.previous_until(), Some(1_000 + 10_000_000));
    gateway.drop_previous(1_000 + 10_000_000);
    assert!(gateway.settled());
}

#[test]
fn control_messages_end_65_536_beyond_the_hard_limit_of_packets() {
    let (mut client, _) = pair();
    let sealed = (0..70_000).take_while(|_| client.seal_frames(&[], 1).is_some()).count();
    assert_eq!(sealed, 2 * 4 + 65_536);
}

#[test]
fn a_seal_that_fails_has_spent_its_counter() {
    let (mut client, _) = pair();
    assert_eq!(client.seal(&mut [0; 8], 4, 1, false), None);
    assert_eq!(client.seal(&mut [0; 24], 8, 1, false), None);
    assert_eq!(client.next_counter(), 2);
}
