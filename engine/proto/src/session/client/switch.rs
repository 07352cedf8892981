//! Switches on the client: the gateway's answer to a switch, and its requests for one.

use crate::frames::{Status, SwitchAck, SwitchRequest};
use crate::messages::{AttachKind, Report};
use crate::session::Session;
use crate::session::arrival::Arrival;
use crate::session::bounds::check_bind_seq;
use crate::session::faults::Trouble;
use crate::shared::Shared;
use crate::vocabulary::blame::DropKind;

impl Session {
    pub(in crate::session) fn on_switch_ack(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        ack: &SwitchAck,
    ) -> Result<(), Trouble> {
        check_bind_seq(ack.bind_seq)?;
        let awaited = self.side.attempt().is_some_and(|attempt| {
            attempt.kind == AttachKind::Switch && (attempt.path, attempt.bind_seq) == (ack.to, ack.bind_seq)
        });
        if !awaited {
            return Err(Trouble::Unattributable(DropKind::StaleSwitchAck));
        }
        if arrival.via == Some(ack.to) {
            self.credit(cx, arrival.now, ack.to);
        }
        match ack.status {
            Status::Ok => self.activation_validated(arrival.now, cx),
            Status::Denied => self.activation_denied(arrival.now, cx, ack.reason, ack.retry_after_ms),
            Status::Waiting => self.activation_waits(arrival.now, cx, ack.retry_after_ms),
        }
        Ok(())
    }

    /// The gateway's request to switch; each request is reported once.
    pub(in crate::session) fn on_switch_request(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        request: &SwitchRequest,
    ) -> Result<(), Trouble> {
        let Some(side) = self.side.client_mut() else { return Err(Trouble::OTHER_ROLE) };
        if side.switch_requested.is_some_and(|newest| request.id <= newest) {
            return Err(Trouble::Unattributable(DropKind::StaleSwitchRequest));
        }
        side.switch_requested = Some(request.id);
        let reason = request.reason.to_string();
        cx.report(arrival.now, Report::SwitchRequested { session: self.handle, path: request.to, reason });
        Ok(())
    }
}
