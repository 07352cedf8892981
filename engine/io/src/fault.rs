//! Why the engine did not start, in three lines for the user.

use std::{error::Error, fmt, io};

/// Who can repair the fault. It decides the daemon's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// A key file or a setting.
    Configuration,
    /// Permissions, devices, addresses of this machine.
    Machine,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartError {
    pub blame: Blame,
    pub what: String,
    pub why: String,
    pub hint: String,
}

impl StartError {
    pub fn configuration(what: impl Into<String>, why: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self { blame: Blame::Configuration, what: what.into(), why: why.to_string(), hint: hint.into() }
    }

    pub fn machine(what: impl Into<String>, why: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self { blame: Blame::Machine, what: what.into(), why: why.to_string(), hint: hint.into() }
    }
}

/// Three lines: what happened, why, what to do.
impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}", self.what, self.why, self.hint)
    }
}

impl Error for StartError {}

/// The symbol of an error number as reports contain it: `ENETDOWN`. An unlisted number becomes `errno_…`.
pub fn errno_name(errno: i32) -> String {
    let name = match errno {
        libc::EPERM => "EPERM",
        libc::EINTR => "EINTR",
        libc::EIO => "EIO",
        libc::ENXIO => "ENXIO",
        libc::EAGAIN => "EAGAIN",
        libc::ENOMEM => "ENOMEM",
        libc::EACCES => "EACCES",
        libc::EBUSY => "EBUSY",
        libc::EEXIST => "EEXIST",
        libc::ENODEV => "ENODEV",
        libc::EINVAL => "EINVAL",
        libc::EMFILE => "EMFILE",
        libc::ENFILE => "ENFILE",
        libc::EMSGSIZE => "EMSGSIZE",
        libc::EAFNOSUPPORT => "EAFNOSUPPORT",
        libc::EADDRINUSE => "EADDRINUSE",
        libc::EADDRNOTAVAIL => "EADDRNOTAVAIL",
        libc::ENETDOWN => "ENETDOWN",
        libc::ENETUNREACH => "ENETUNREACH",
        libc::ENOBUFS => "ENOBUFS",
        libc::ECONNREFUSED => "ECONNREFUSED",
        libc::EHOSTDOWN => "EHOSTDOWN",
        libc::EHOSTUNREACH => "EHOSTUNREACH",
        _ => return format!("errno_{errno}"),
    };
    name.to_owned()
}

/// Like [`errno_name`], for an error of the standard library. An error without a number means that the library itself
/// refused an argument.
pub fn io_error_name(error: &io::Error) -> String {
    errno_name(error.raw_os_error().unwrap_or(libc::EINVAL))
}
