//! Why a command of the core was not carried out.
//!
//! Commands and reports can cross each other: the core may send a command before it knows that the session, path, dial
//! or activation has ended. Such a command is [`Declined::Late`]. The report that explains it is already in the queue,
//! or the core itself ordered the end. The command has no effect and is counted.
//!
//! Everything else is [`Declined::Refused`]: core and engine disagree, and no report explains it. The core gets
//! `Report::Refused`.
//!
//! | late | refused |
//! |---|---|
//! | a session that ended | a session that never existed, or one that is in the wrong phase for the command |
//! | a path that was closed, or that the session has lost | a path that was never opened, or is not open yet |
//! | a dial that ended (`DialAlso`) | a second dial while one is running; every `Dial` that cannot begin |
//! | an activation that does not wait any more | an activation about which the core was never asked |
//! | | a value out of its range, a table that is full, a command of the other role |

use std::fmt;

use crate::messages::TEXT_MAX;

/// The command had no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declined {
    /// The subject of the command has already ended.
    Late,
    /// Core and engine disagree; the text says about what, in at most `TEXT_MAX` bytes.
    Refused(String),
}

impl Declined {
    pub(crate) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(short(why.into()))
    }

    /// For a command that must be answered: a late command is refused too.
    pub(crate) fn answered(self, why: impl FnOnce() -> String) -> Self {
        match self {
            Self::Late => Self::refused(why()),
            Self::Refused(_) => self,
        }
    }
}

/// A text for the core: its beginning, at most `TEXT_MAX` bytes.
pub(crate) fn short(mut text: String) -> String {
    let end = (0..=TEXT_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.truncate(end);
    text
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => f.write_str("its session, path, dial or activation has already ended"),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Declined {}
