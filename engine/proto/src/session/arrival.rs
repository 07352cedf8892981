//! One received message and its result.

use std::ops::Range;

use crate::messages::PathId;
use crate::vocabulary::Route;
use crate::vocabulary::blame::DropKind;

/// Clear fields of a DATA and where it came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming {
    pub(crate) now: u64,
    pub(crate) from: Route,
    /// The path whose index the message carries; `None` for the session index.
    pub(crate) indexed: Option<PathId>,
    pub(crate) flags: u8,
    pub(crate) counter: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Inner {
        range: Range<usize>,
        csum_partial: bool,
    },
    Consumed,
    Dropped(DropKind),
    /// The peer closed the session; this was acknowledged and reported.
    Ended,
}

/// How an authentic message arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) now: u64,
    pub(super) from: Route,
    /// The path whose own route the message came from.
    pub(super) via: Option<PathId>,
    /// When that path was last heard before this message.
    pub(super) heard_before: Option<u64>,
    pub(super) len: usize,
    /// Epoch and counter: a newer message has a greater value.
    pub(super) order: (u32, u64),
}
