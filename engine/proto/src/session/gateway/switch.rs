//! Switches on the gateway: those that the client makes, and those that the core requests.

use crate::frames::{Frame, Reason, Switch, SwitchDeny, SwitchRequest};
use crate::messages::{AttachKind, PathId, Report};
use crate::path::{Path, Retry, SENDS_MAX};
use crate::session::Session;
use crate::session::arrival::Arrival;
use crate::session::faults::Trouble;
use crate::session::gateway::attach::check_activation;
use crate::session::gateway::binding::Asked;
use crate::session::gateway::delivery::Delivery;
use crate::shared::Shared;
use crate::vocabulary::Declined;
use crate::vocabulary::blame::DropKind;

impl Session {
    pub(in crate::session) fn on_switch(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        switch: &Switch,
    ) -> Result<(), Trouble> {
        let now = arrival.now;
        let &Switch { reason, to, bind_seq, .. } = switch;
        check_activation(to, bind_seq)?;
        let own = arrival.via == Some(to);
        let fresh = if own { arrival.heard_before } else { self.path(to).and_then(|path| path.heard_at) };
        if own {
            self.credit(cx, now, to);
        }
        if let Some(side) = self.side.gateway_mut() {
            side.switch_request.take_if(|request| request.asks_for(to));
        }
        let asked = Asked { bind_seq, path: to, kind: AttachKind::Switch, reason, echo: [0; 16] };
        self.on_activation(now, cx, asked, fresh)
    }

    /// The client does not follow the newest request: it is not sent again, and the core is told once.
    pub(in crate::session) fn on_switch_deny(
        &mut self,
        cx: &mut Shared,
        arrival: Arrival,
        denial: &SwitchDeny,
    ) -> Result<(), Trouble> {
        let Some(side) = self.side.gateway_mut() else { return Err(Trouble::OTHER_ROLE) };
        let Some(path) = side.switch_request.as_ref().and_then(|request| request.requested(denial.id)) else {
            return Err(Trouble::Unattributable(DropKind::StaleSwitchDeny));
        };
        side.switch_request = None;
        let (session, reason) = (self.handle, denial.reason.to_string());
        let retry_after_ms = denial.retry_after_ms;
        cx.report(arrival.now, Report::SwitchDenied { session, path, reason, retry_after_ms });
        Ok(())
    }

    /// `RequestSwitch`: the newest request replaces an older one. Late for a path that the peer has closed.
    pub(crate) fn request_switch(
        &mut self,
        now: u64,
        cx: &mut Shared,
        to: PathId,
        reason: Reason,
    ) -> Result<(), Declined> {
        if !self.path(to).is_some_and(Path::validated) {
            return Err(Declined::Late);
        }
        let retry = Retry::begun(now, self.pto_us(self.control_path()));
        let Some(side) = self.side.gateway_mut() else {
            return Err(Declined::refused("only a gateway can request a switch"));
        };
        side.deliveries += 1;
        let id = side.deliveries;
        let frame = Frame::SwitchRequest(SwitchRequest { to, reason, id });
        side.switch_request = Some(Box::new(Delivery { id, frame: frame.clone(), retry, sends_max: SENDS_MAX }));
        if let Some(via) = self.control_path() {
            self.send_frames(now, cx, via, &[frame]);
        }
        self.rearm(now, cx);
        Ok(())
    }
}
