//! ASSIGN is sent until the client acknowledges it. The retries of ASSIGN and SWITCH_REQUEST are both here.

use crate::frames::{Assign, Frame};
use crate::messages::Assignment;
use crate::path::{Retry, SENDS_MAX};
use crate::session::Session;
use crate::session::gateway::delivery::Delivery;
use crate::shared::Shared;
use crate::vocabulary::Declined;

/// Maximum number of sends of ASSIGN: five, one per PTO, then one per second.
const ASSIGN_SENDS_MAX: u8 = 30;
const ASSIGN_SLOW_US: u64 = 1_000_000;

impl Session {
    /// Refuses an assignment that does not fit the frame. Does not send yet.
    pub(in crate::session) fn deliver_assignment(
        &mut self,
        now: u64,
        assignment: Assignment,
    ) -> Result<Box<Delivery>, Declined> {
        let retry = Retry::begun(now, self.pto_us(self.control_path()));
        let Some(side) = self.side.gateway_mut() else {
            return Err(Declined::refused("only a gateway can assign addresses"));
        };
        let id = side.deliveries + 1;
        let assign = Assign::new(id, assignment)
            .map_err(|why| Declined::refused(format!("the assignment cannot be sent: {why:?}")))?;
        side.deliveries = id;
        Ok(Box::new(Delivery { id, frame: Frame::Assign(assign), retry, sends_max: ASSIGN_SENDS_MAX }))
    }

    pub(in crate::session) fn send_assign(&mut self, now: u64, cx: &mut Shared) {
        let frame = self.side.gateway().and_then(|side| side.assign.as_ref()).map(|delivery| delivery.frame.clone());
        if let Some((frame, via)) = frame.zip(self.control_path()) {
            self.send_frames(now, cx, via, &[frame]);
        }
    }

    pub(in crate::session) fn on_assign_ack(&mut self, id: u32) {
        if let Some(side) = self.side.gateway_mut() {
            side.assign.take_if(|delivery| delivery.id == id);
        }
    }

    pub(in crate::session) fn deliveries_on_time(&mut self, now: u64, cx: &mut Shared) {
        let via = self.control_path();
        let rtt = via.and_then(|id| self.path(id)).map(|path| path.rtt).unwrap_or_default();
        let interval = self.interval_us();
        let mut due = Vec::new();
        let Some(side) = self.side.gateway_mut() else { return };
        for delivery in [&mut side.assign, &mut side.switch_request].into_iter().flatten() {
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

    pub(in crate::session) fn next_delivery_at(&self) -> Option<u64> {
        let side = self.side.gateway()?;
        [&side.assign, &side.switch_request].into_iter().flatten().filter_map(|delivery| delivery.next_at()).min()
    }
}
