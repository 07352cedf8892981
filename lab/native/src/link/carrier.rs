//! The carrier of both ends, as on a cable.
//!
//! ```text
//!   a's carrier = the `carrier` command left it plugged  and  (when following) b is up
//!   b's carrier = the same, the other way round
//! ```

use super::tap::Tap;
use crate::fault::{Attempt, Fault};
use crate::netns;
use crate::sys::{done, owned};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// One end of the cable.
#[derive(Debug)]
struct End {
    tap: Arc<Tap>,
    plugged: bool,
    carrier: bool,
    /// Reports link changes in the end's namespace; only when following.
    watch: Option<OwnedFd>,
}

/// Both ends and the rule that connects them.
#[derive(Debug)]
pub struct Cable {
    ends: [End; 2],
    follows: bool,
}

impl Cable {
    /// With `follows`, an end has no carrier while the other end is set down, as with a cable or a veth pair. Without
    /// it, only the `carrier` command changes the carrier, as with a switch in between.
    pub fn new(taps: [Arc<Tap>; 2], follows: bool) -> Result<Self, Fault> {
        let [a, b] = taps;
        let mut cable = Self {
            ends: [End::new(a, follows)?, End::new(b, follows)?],
            follows,
        };
        cable.apply().attempt(
            "cannot set the carrier of a TAP device",
            "the kernel must be Linux 5.0 or newer",
        )?;
        Ok(cable)
    }

    pub fn plug(&mut self, end: usize, plugged: bool) -> io::Result<()> {
        self.ends[end].plugged = plugged;
        self.apply()
    }

    /// Descriptors that become readable when [`Cable::react`] must be called; −1 when not following.
    pub fn watches(&self) -> [RawFd; 2] {
        self.ends
            .each_ref()
            .map(|end| end.watch.as_ref().map_or(-1, AsRawFd::as_raw_fd))
    }

    /// Checks the devices again after a link change.
    pub fn react(&mut self) -> io::Result<()> {
        for watch in self.ends.iter().filter_map(|end| end.watch.as_ref()) {
            drain(watch);
        }
        self.apply()
    }

    fn apply(&mut self) -> io::Result<()> {
        let up = [self.ends[0].tap.is_up()?, self.ends[1].tap.is_up()?];
        for (end, other_up) in self.ends.iter_mut().zip([up[1], up[0]]) {
            let carrier = end.plugged && (other_up || !self.follows);
            if carrier != end.carrier {
                end.tap.set_carrier(carrier)?;
                end.carrier = carrier;
            }
        }
        Ok(())
    }
}

impl End {
    fn new(tap: Arc<Tap>, follows: bool) -> Result<Self, Fault> {
        let watch = if follows {
            let watched = netns::inside(&tap.place.netns, || {
                link_changes().attempt(
                    "cannot watch the links of a namespace",
                    "see the reason above",
                )
            });
            Some(watched?)
        } else {
            None
        };
        Ok(Self {
            tap,
            plugged: true,
            carrier: true,
            watch,
        })
    }
}

/// Opens a netlink socket that reports every link change in the calling thread's namespace.
fn link_changes() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: socket takes integers and returns a new descriptor.
    let socket = owned(unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) })?;
    // SAFETY: sockaddr_nl is plain data; all zeros is a valid value.
    let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
    address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
    address.nl_groups = libc::RTMGRP_LINK as u32;
    // SAFETY: `address` is a valid sockaddr_nl of the size given.
    done(unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            size_of::<libc::sockaddr_nl>() as libc::socklen_t,
        )
    })?;
    Ok(socket)
}

/// Empties the socket, at most as many messages as its buffer can hold. The content does not matter: the state is read
/// from the devices, so a message lost to a full buffer loses nothing.
fn drain(socket: &OwnedFd) {
    const MESSAGES_MAX: usize = 4096;
    let mut message = [0_u8; 4096];
    for _ in 0..MESSAGES_MAX {
        // SAFETY: `message` is valid for writing its whole length.
        let got = unsafe {
            libc::recv(
                socket.as_raw_fd(),
                message.as_mut_ptr().cast(),
                message.len(),
                0,
            )
        };
        let overrun = got < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ENOBUFS);
        if got <= 0 && !overrun {
            return;
        }
    }
}
