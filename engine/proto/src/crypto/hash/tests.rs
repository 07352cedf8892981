use serde_json::Value;

use super::derive;
use crate::crypto::vectors::{bytes, read};

#[test]
fn hkdf_agrees_with_another_implementation() {
    let file = read("hkdf-blake2s.json");
    let vectors = file["vectors"].as_array().expect("a list");
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        assert_eq!(key_of(vector).as_slice(), bytes(&vector["key"]));
    }
}

#[test]
fn the_parts_of_the_info_are_one_text() {
    assert_eq!(derive(&[1; 32], &[2; 32], &[b"ab", b"c"]), derive(&[1; 32], &[2; 32], &[b"abc"]));
}

fn key_of(vector: &Value) -> [u8; 32] {
    let salt = bytes(&vector["salt"]).try_into().expect("32 bytes");
    *derive(&salt, &bytes(&vector["ikm"]), &[&bytes(&vector["info"])])
}
