//! Frames that are sent until they are acknowledged: ASSIGN, SWITCH_REQUEST. And what the client does with them.

use super::Session;
use super::receive::Arrival;
use crate::endpoint::Declined;
use crate::frames::{Assign, Frame, Reason, SwitchRequest};
use crate::messages::{Assignment, PathId, Report};
use crate::path::{Retry, SENDS_MAX};
use crate::shared::Shared;

/// Sends of ASSIGN: five at PTO, then one each second.
const ASSIGN_SENDS_MAX: u8 = 30;
const ASSIGN_SLOW_US: u64 = 1_000_000;

#[derive(Debug)]
pub(super) struct Delivery {
    id: u32,
    frame: Frame,
    retry: Retry,
    sends_max: u8,
}

impl Delivery {
    pub(super) fn asks_for(&self, path: PathId) -> bool {
        matches!(&self.frame, Frame::SwitchRequest(request) if request.to == path)
    }

    fn next_at(&self) -> Option<u64> {
        (self.retry.sends < self.sends_max).then_some(self.retry.next_at)
    }
}

impl Session {
    /// Refuses an assignment that does not fit the frame. Nothing is sent yet.
    pub(super) fn deliver_assignment(&mut self, now: u64, assignment: Assignment) -> Result<Box<Delivery>, Declined> {
        let id = self.deliveries + 1;
        let assign = Assign::new(id, assignment)
            .map_err(|why| Declined::refused(format!("the assignment cannot be sent: {why:?}")))?;
        self.deliveries = id;
        let retry = Retry::begun(now, self.pto_us(self.control_path()));
        Ok(Box::new(Delivery { id, frame: Frame::Assign(assign), retry, sends_max: ASSIGN_SENDS_MAX }))
    }

    pub(super) fn send_assign(&mut self, now: u64, cx: &mut Shared) {
        let frame = self.assign.as_ref().map(|delivery| delivery.frame.clone());
        if let Some((frame, via)) = frame.zip(self.control_path()) {
            self.send_frames(now, cx, via, &[frame]);
        }
    }

    pub(super) fn on_assign_ack(&mut self, id: u32) {
        if self.assign.as_ref().is_some_and(|delivery| delivery.id == id) {
            self.assign = None;
        }
    }

    /// Every ASSIGN is acknowledged; the core hears of each once.
    pub(super) fn on_assign(&mut self, cx: &mut Shared, arrival: Arrival, assign: Assign) {
        let id = assign.id;
        if let Some(via) = arrival.via.or_else(|| self.control_path()) {
            self.send_frames(arrival.now, cx, via, &[Frame::AssignAck { id }]);
        }
        if self.assigned.is_none_or(|newest| newest < id) {
            self.assigned = Some(id);
            cx.report(arrival.now, Report::Assigned { session: self.handle, assignment: assign.into_assignment() });
        }
    }

    /// `RequestSwitch`: the newest wish replaces an older one. Late for a path that the peer has closed.
    pub(crate) fn request_switch(
        &mut self,
        now: u64,
        cx: &mut Shared,
        to: PathId,
        reason: Reason,
    ) -> Result<(), Declined> {
        if !self.path(to).is_some_and(|path| path.validated) {
            return Err(Declined::Late);
        }
        self.deliveries += 1;
        let id = self.deliveries;
        let frame = Frame::SwitchRequest(SwitchRequest { to, reason, id });
        let retry = Retry::begun(now, self.pto_us(self.control_path()));
        if let Some(via) = self.control_path() {
            self.send_frames(now, cx, via, std::slice::from_ref(&frame));
        }
        self.switch_request = Some(Box::new(Delivery { id, frame, retry, sends_max: SENDS_MAX }));
        self.rearm(now, cx);
        Ok(())
    }

    pub(super) fn deliveries_on_time(&mut self, now: u64, cx: &mut Shared) {
        let via = self.control_path();
        let rtt = via.and_then(|id| self.path(id)).map(|path| path.rtt).unwrap_or_default();
        let interval = self.interval_us();
        let mut due = Vec::new();
        for delivery in [&mut self.assign, &mut self.switch_request].into_iter().flatten() {
            if delivery.next_at().is_some_and(|at| at <= now) {
                delivery.retry.again(now, &rtt, interval);
                if delivery.retry.sends > SENDS_MAX {
                    delivery.retry.next_at = now + ASSIGN_SLOW_US;
                }
                due.push(delivery.frame.clone());
            }
        }
        if let Some(via) = via.filter(|_| !due.is_empty()) {
            self.send_frames(now, cx, via, &due);
        }
    }

    pub(super) fn next_delivery_at(&self) -> Option<u64> {
        [&self.assign, &self.switch_request].into_iter().flatten().filter_map(|delivery| delivery.next_at()).min()
    }
}
