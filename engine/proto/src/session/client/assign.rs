//! ASSIGN: the addresses that the gateway's core assigned to this session.

use crate::frames::{Assign, Frame};
use crate::messages::Report;
use crate::session::Session;
use crate::session::arrival::Arrival;
use crate::shared::Shared;

impl Session {
    /// Every ASSIGN is acknowledged; each is reported to the core once.
    pub(in crate::session) fn on_assign(&mut self, cx: &mut Shared, arrival: Arrival, assign: Assign) {
        let id = assign.id;
        if let Some(via) = arrival.via.or_else(|| self.control_path()) {
            self.send_frames(arrival.now, cx, via, &[Frame::AssignAck { id }]);
        }
        let Some(side) = self.side.client_mut() else { return };
        if side.assigned.is_none_or(|newest| newest < id) {
            side.assigned = Some(id);
            cx.report(arrival.now, Report::Assigned { session: self.handle, assignment: assign.into_assignment() });
        }
    }
}
