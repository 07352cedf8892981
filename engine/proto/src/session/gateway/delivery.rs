//! A frame that is sent until it is acknowledged: ASSIGN, SWITCH_REQUEST.

use crate::frames::Frame;
use crate::messages::PathId;
use crate::path::Retry;

#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) id: u32,
    pub(crate) frame: Frame,
    pub(crate) retry: Retry,
    pub(crate) sends_max: u8,
}

impl Delivery {
    pub(crate) fn asks_for(&self, path: PathId) -> bool {
        matches!(&self.frame, Frame::SwitchRequest(request) if request.to == path)
    }

    /// The path that a SWITCH_REQUEST of this id asks for.
    pub(crate) fn requested(&self, id: u32) -> Option<PathId> {
        if let Frame::SwitchRequest(request) = &self.frame { (request.id == id).then_some(request.to) } else { None }
    }

    pub(crate) fn next_at(&self) -> Option<u64> {
        (self.retry.sends < self.sends_max).then_some(self.retry.next_at)
    }
}
