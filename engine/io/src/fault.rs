//! Why the engine did not start, in the three lines that a person reads.

use std::{error::Error, fmt, io};

/// What can be repaired by whom decides the exit code of the daemon.
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

/// One thing per line: what happened, why, what to do.
impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}", self.what, self.why, self.hint)
    }
}

impl Error for StartError {}

/// The symbol of an error number as reports carry it: `ENETDOWN`. One without a name here is `errno_…`.
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

/// As [`errno_name`] for an error of the standard library; one without a number is the library's own refusal of an
/// argument.
pub fn io_error_name(error: &io::Error) -> String {
    errno_name(error.raw_os_error().unwrap_or(libc::EINVAL))
}
