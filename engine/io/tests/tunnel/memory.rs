//! What is in the memory of another process.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

/// How often the bytes are in the memory that the process can write.
pub fn copies_of(secret: &[u8], process: u32) -> usize {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).expect("the process runs");
    let memory = File::open(format!("/proc/{process}/mem")).expect("only root may look");
    let writable = maps.lines().filter_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let address = |text| u64::from_str_radix(text, 16).ok();
        rest.starts_with("rw").then_some((address(from)?, address(to)?))
    });
    let count = |(from, to): (u64, u64)| {
        let mut bytes = vec![0; (to - from) as usize];
        // Some mappings of the kernel cannot be read.
        match memory.read_exact_at(&mut bytes, from) {
            Ok(()) => bytes.windows(secret.len()).filter(|window| *window == secret).count(),
            Err(_) => 0,
        }
    };
    writable.map(count).sum()
}

/// The 32 bytes of the key in a key file.
pub fn private_bytes(text: &str) -> Vec<u8> {
    let digit = |character: u8| match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let digits: Vec<u32> =
        text.trim().bytes().skip("jvps1:".len()).map(|character| u32::from(digit(character))).collect();
    let four = |digits: &[u32]| {
        let bits = digits.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - digits.len()));
        bits.to_be_bytes()[1..digits.len()].to_vec()
    };
    digits.chunks(4).flat_map(four).collect()
}
