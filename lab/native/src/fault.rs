//! An error in three lines for the user: what happened, why, and what to do.

use std::fmt;
use std::io;

/// The cause of the error decides the exit code: 2 for the caller of the command, 1 for the kernel or the network.
#[derive(Debug)]
pub enum Fault {
    /// The command line or a command on stdin is wrong.
    Usage { what: String, to_do: String },
    /// The kernel or the network refused.
    World {
        what: String,
        why: io::Error,
        to_do: String,
    },
}

impl Fault {
    pub fn usage(what: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self::Usage {
            what: what.into(),
            to_do: to_do.into(),
        }
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => 2,
            Self::World { .. } => 1,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { what, to_do } => write!(f, "{what}\n  {to_do}"),
            Self::World { what, why, to_do } => write!(f, "{what}\n  because: {why}\n  {to_do}"),
        }
    }
}

/// Turns a system error into a fault with the attempted action and a hint.
pub trait Attempt<T> {
    fn attempt(self, what: impl Into<String>, to_do: impl Into<String>) -> Result<T, Fault>;
}

impl<T> Attempt<T> for io::Result<T> {
    fn attempt(self, what: impl Into<String>, to_do: impl Into<String>) -> Result<T, Fault> {
        self.map_err(|why| Fault::World {
            what: what.into(),
            why,
            to_do: to_do.into(),
        })
    }
}
