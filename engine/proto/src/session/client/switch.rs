//! Switches on the client: the gateway's answer to a switch, its requests for one, and their denials.

use crate::frames::{Frame, Reason, Status, SwitchAck, SwitchDeny, SwitchRequest};
use crate::messages::{AttachKind, PathId, Report};
use crate::session::Session;
use crate::session::arrival::Arrival;
use crate::session::bounds::check_bind_seq;
use crate::session::faults::Trouble;
use crate::session::side::Requested;
use crate::shared::Shared;
use crate::vocabulary::Declined;
use crate::vocabulary::blame::DropKind;
use crate::wire::CAP_SWITCH_DENY;

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

    /// The gateway's request to switch. Each request is reported once; a repeated one that was denied is denied again.
    pub(in crate::session) fn on_switch_request(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        request: &SwitchRequest,
    ) -> Result<(), Trouble> {
        let Some(side) = self.side.client_mut() else { return Err(Trouble::OTHER_ROLE) };
        if let Some(newest) = &side.switch_requested
            && request.id <= newest.id
        {
            if request.id == newest.id && newest.denial.is_some() {
                self.send_denial(arrival.now, cx);
                return Ok(());
            }
            return Err(Trouble::Unattributable(DropKind::StaleSwitchRequest));
        }
        side.switch_requested = Some(Requested { id: request.id, to: request.to, denial: None });
        let reason = request.reason.to_string();
        cx.report(arrival.now, Report::SwitchRequested { session: self.handle, path: request.to, reason });
        Ok(())
    }

    /// `DenySwitch`. Late if a newer request names another path.
    pub(crate) fn deny_switch(
        &mut self,
        now: u64,
        cx: &mut Shared,
        path: PathId,
        denial: (Reason, u32),
    ) -> Result<(), Declined> {
        let requested = self.side.client_mut().and_then(|side| side.switch_requested.as_mut());
        let Some(requested) = requested.filter(|requested| requested.to == path) else { return Err(Declined::Late) };
        requested.denial = Some(denial);
        self.send_denial(now, cx);
        self.rearm(now, cx);
        Ok(())
    }

    /// A gateway that did not grant the capability would take the frame for a fault of this client.
    fn send_denial(&mut self, now: u64, cx: &mut Shared) {
        let requested = self.side.client().and_then(|side| side.switch_requested.as_ref());
        let Some(&Requested { id, denial: Some((reason, retry_after_ms)), .. }) = requested else { return };
        if u64::from(self.granted) & CAP_SWITCH_DENY == 0 {
            return;
        }
        if let Some(via) = self.control_path() {
            self.send_frames(now, cx, via, &[Frame::SwitchDeny(SwitchDeny { id, reason, retry_after_ms })]);
        }
    }
}
