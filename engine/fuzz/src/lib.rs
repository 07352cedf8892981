//! Everything that reads bytes of somebody else, as functions of bytes. A target panics if something is wrong: a bug in
//! the code, or an invariant that these bytes broke.
//!
//! ```text
//!   vectors/corpus/<target>/* ──► tests/corpus.rs: each file once, at every `cargo test`
//!                            └──► main.rs: mutations of them, a given number, the same at each run
//! ```

mod inner;
mod parsers;
mod sessions;
mod world;

/// A named function of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Also the folder of its corpus.
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Runs in the time of one run of the fastest target, as its reciprocal.
    pub cost: u64,
}

pub const TARGETS: [Target; 5] = [
    Target { name: "datagrams", run: sessions::datagrams, cost: 500 },
    Target { name: "sealed", run: sessions::sealed, cost: 500 },
    Target { name: "payloads", run: parsers::payloads, cost: 200 },
    Target { name: "texts", run: parsers::texts, cost: 1 },
    Target { name: "inner", run: inner::inner, cost: 1 },
];
