//! A panic in the code of one session ends that session alone.
//!
//! ```text
//!   receive, timer, command, seal … ──► enter ──► the session's code, with `Shared`
//!                                         │ panic
//!                                         ▼
//!        its session is taken out of every table, unread and without CLOSE; `SessionFaulted` tells the core
//! ```
//!
//! The broken session is never entered again; its keys are erased when it is dropped. What all sessions share stays
//! sound: a session changes `Shared` only by calls, and each call leaves a queue, a map, a heap or a counter whole, or
//! was never begun. `Hold` alone relates several containers to each other; it is counted anew, and emptied if the sums
//! differ. Indices, addresses and slots of the session are released here, not by its own code.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Endpoint;
use crate::messages::{Report, SessionHandle};
use crate::session::Session;
use crate::shared::Shared;
use crate::vocabulary::short;

/// What a thread panicked with.
pub(super) type Panic = Box<dyn Any + Send>;

impl Endpoint {
    /// Runs code of one session. `None`: there is no such session, or it has just ended by a panic.
    #[inline]
    pub(super) fn enter<T>(
        &mut self,
        now: u64,
        handle: SessionHandle,
        act: impl FnOnce(&mut Session, &mut Shared) -> T,
    ) -> Option<T> {
        let session = self.sessions.get_mut(&handle)?;
        let work = || {
            let done = act(session, &mut self.cx);
            #[cfg(test)]
            session.stumble();
            done
        };
        match contained(work) {
            Ok(done) => Some(done),
            Err(panic) => {
                self.faulted(now, handle, &panic);
                None
            }
        }
    }

    /// The state of the session cannot be trusted: it is removed, and nothing of its code runs any more.
    #[cold]
    fn faulted(&mut self, now: u64, handle: SessionHandle, panic: &Panic) {
        self.cx.hold.mend();
        if self.detach(handle).is_some_and(|mut session| session.take_ring().is_some()) {
            self.cx.rings.write_off();
        }
        self.report_fault(now, handle, panic);
    }

    pub(super) fn report_fault(&mut self, now: u64, session: SessionHandle, panic: &Panic) {
        let why = short(format!("internal error in the engine: {}", panic_text(panic.as_ref())));
        self.cx.report(now, Report::SessionFaulted { session, why });
    }
}

/// Runs code that changes nothing but what is given up when it panics.
#[inline]
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(work))
}

/// The text of a panic.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

#[cfg(test)]
mod tests;
