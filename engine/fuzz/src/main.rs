//! `cargo run --release -p jvpn-fuzz -- <runs>`: mutations of the corpus, the same at each call. An input that breaks
//! something is written beside the corpus of its target, and the program fails.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io, panic};

use jvpn_fuzz::{TARGETS, Target};

/// Longest input: a superframe.
const INPUT_MAX: usize = 65_535;
/// Values at which lengths and counters go wrong.
const EDGES: [u8; 8] = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff, 0x10];

fn main() -> ExitCode {
    let Some(runs) = env::args().nth(1).and_then(|text| text.parse::<u64>().ok()) else {
        eprintln!(
            "the number of runs is missing\n  why: it bounds the time that the mutations take\n  do:  cargo run --release -p jvpn-fuzz -- 1000000"
        );
        return ExitCode::from(2);
    };
    let found: Vec<PathBuf> = TARGETS.iter().filter_map(|target| mutate(*target, runs / target.cost)).collect();
    for input in &found {
        println!("broken by {}", input.display());
    }
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The first input that breaks the target.
fn mutate(target: Target, runs: u64) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/corpus").join(target.name);
    let seeds = seeds(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut draw = Draw(0x9e37_79b9_7f4a_7c15 ^ seeds.len() as u64);
    for run in 0..runs {
        let input = draw.mutant(&seeds);
        if panic::catch_unwind(|| (target.run)(&input)).is_err() {
            let path = folder.join(format!("found-{run}"));
            fs::write(&path, &input).unwrap_or_else(|error| eprintln!("{}: {error}", path.display()));
            return Some(path);
        }
    }
    println!("{}: {runs} runs", target.name);
    None
}

fn seeds(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    paths.into_iter().map(fs::read).collect()
}

/// xorshift64.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// One of the seeds with one to eight changes.
    fn mutant(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut input, seeds);
        }
        input.truncate(INPUT_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(input.len());
        match self.below(6) {
            0 if !input.is_empty() => input[at] ^= 1 << self.below(8),
            1 if !input.is_empty() => input[at] = EDGES[self.below(EDGES.len())],
            2 if !input.is_empty() => input[at] = self.below(256) as u8,
            3 => input.truncate(at),
            4 => {
                let piece = input[at..(at + 1 + self.below(64)).min(input.len())].to_vec();
                input.splice(at..at, piece);
            }
            _ => {
                let other = &seeds[self.below(seeds.len())];
                input.truncate(at);
                input.extend_from_slice(&other[self.below(other.len())..]);
            }
        }
    }
}
