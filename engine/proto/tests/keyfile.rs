//! Text forms of keys.

mod support;

use jvpn_proto::keyfile::{KeyError, PublicKey, StaticKey};
use proptest::prelude::*;
use support::{key, noise};

proptest! {
    #[test]
    fn keys_come_back_as_they_went(seed in any::<u64>()) {
        let key = key(seed);
        prop_assert_eq!(&StaticKey::from_text(&key.to_text()), &Ok(key.clone()));
        prop_assert_eq!(PublicKey::from_text(&key.public().to_text()), Ok(key.public()));
        prop_assert_eq!(key.to_text().len(), 49);
    }

    #[test]
    fn no_text_panics(text in "(jvp[ks]1:)?\\PC{0,60}") {
        let _ = (PublicKey::from_text(&text), StaticKey::from_text(&text));
    }
}

#[test]
fn the_text_is_base64url_of_the_bytes() {
    let public = PublicKey::from_bytes(std::array::from_fn(|at| 255 - at as u8));
    assert_eq!(public.to_text(), "jvpk1:__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA");
    assert_eq!(PublicKey::from_text(&public.to_text()), Ok(public));
}

#[test]
fn a_key_file_may_end_with_a_line_end() {
    let key = key(1);
    assert_eq!(StaticKey::from_text(&format!("{}\n", *key.to_text())), Ok(key));
}

#[test]
fn what_is_no_key_is_refused_with_its_reason() {
    let (private, public) = (key(1).to_text(), key(1).public().to_text());
    let public_of = PublicKey::from_text;
    assert_eq!(public_of(&private), Err(KeyError::PrivateForPublic));
    assert_eq!(StaticKey::from_text(&public), Err(KeyError::PublicForPrivate));
    assert_eq!(public_of(&public[6..]), Err(KeyError::Prefix));
    assert_eq!(public_of(&public[..48]), Err(KeyError::Length));
    assert_eq!(public_of(&format!("{public}A")), Err(KeyError::Length));
    assert_eq!(public_of(&format!("{}+", &public[..48])), Err(KeyError::Encoding));
    assert_eq!(public_of(&format!("{public}\n")), Err(KeyError::Length));
}

#[test]
fn a_key_has_one_text() {
    let accepted = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']).filter(|last| {
        let text = format!("{}{last}", &key(1).to_text()[..48]);
        StaticKey::from_text(&text).is_ok()
    });
    assert_eq!(accepted.count(), 16, "the last character carries four bits");
}

#[test]
fn a42_a_public_key_of_low_order_is_refused() {
    let zeros = format!("jvpk1:{}", "A".repeat(43));
    assert_eq!(PublicKey::from_text(&zeros), Err(KeyError::LowOrder));
}

#[test]
fn a_private_key_is_not_printed() {
    let key = key(3);
    let printed = format!("{key:?}");
    assert!(printed.contains(&key.public().to_text()) && !printed.contains(&key.to_text()[6..]), "{printed}");
}

#[test]
fn generated_keys_differ() {
    let mut fill = noise(1);
    assert_ne!(StaticKey::generate(&mut fill), StaticKey::generate(&mut fill));
}
