//! The world of the protocol's tests.

#[path = "../../proto/tests/world/mod.rs"]
mod of_the_tests;

pub use of_the_tests::*;
