//! Messages that an attacker who knows the receiver's public key can write.

use blake2::{
    Blake2s256, Blake2sMac,
    digest::{Digest, FixedOutput, KeyInit, Update, consts::U16},
};
use jvpn_proto::keyfile::PublicKey;

/// Writes a valid mac1 into an INIT or a RESP.
pub fn mac1(message: &mut [u8], receiver: &PublicKey) {
    let at = message.len() - 32;
    let key = Blake2s256::new_with_prefix(b"JV/1 mac1").chain_update(receiver.as_bytes()).finalize();
    let mac = Blake2sMac::<U16>::new(&key).chain(&message[..at]).finalize_fixed();
    message[at..at + 16].copy_from_slice(&mac);
}
