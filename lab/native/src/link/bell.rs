//! Wakes a waiting thread.

use crate::sys;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// An eventfd; clones share it.
#[derive(Debug, Clone)]
pub struct Bell(Arc<OwnedFd>);

impl Bell {
    pub fn new() -> io::Result<Self> {
        // SAFETY: eventfd takes integers and returns a new descriptor.
        let fd = sys::owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        Ok(Self(Arc::new(fd)))
    }

    /// The descriptor is readable after a ring.
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    pub fn ring(&self) -> io::Result<()> {
        let one: u64 = 1;
        // SAFETY: an eventfd takes exactly the eight bytes of `one`.
        let put = unsafe { libc::write(self.fd(), (&raw const one).cast(), size_of::<u64>()) };
        if put < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    pub fn hush(&self) -> io::Result<()> {
        let mut rung: u64 = 0;
        // SAFETY: an eventfd writes exactly the eight bytes of `rung`.
        let got = unsafe { libc::read(self.fd(), (&raw mut rung).cast(), size_of::<u64>()) };
        if got >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() == io::ErrorKind::WouldBlock {
            Ok(())
        } else {
            Err(error)
        }
    }
}
