//! Reads `vectors/*.json` for the tests of this crate.

use std::fs;

use serde_json::Value;

pub(crate) fn read(name: &str) -> Value {
    let path = format!("{}/../../vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(&path).expect(&path)).expect(&path)
}

pub(crate) fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().expect("a hexadecimal text");
    assert!(hex.len().is_multiple_of(2));
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal")).collect()
}
