//! Every file of the corpus, once.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jvpn_fuzz::TARGETS;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn a48_no_input_of_the_corpus_breaks_anything() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/corpus");
    let folders: BTreeSet<String> =
        files(&corpus).iter().map(|folder| folder.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(folders, TARGETS.iter().map(|target| target.name.to_owned()).collect());
    for target in TARGETS {
        let inputs = files(&corpus.join(target.name));
        assert!(!inputs.is_empty(), "{}", target.name);
        for input in inputs {
            eprintln!("{}", input.display());
            (target.run)(&fs::read(&input).unwrap());
        }
    }
}
