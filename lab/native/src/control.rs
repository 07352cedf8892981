//! Commands as JSON lines on stdin, answers as JSON lines on stdout.
//!
//! Stdin is read without blocking, so that one thread can wait for packets and commands with one `poll`. The end of
//! stdin means that the parent is gone: commands that run indefinitely then exit and clean up.

use serde::Serialize;
use std::io::{self, Write};

/// Maximum length of a line. A longer line is refused, and the rest of it is skipped.
const LINE_BYTES_MAX: usize = 64 * 1024;

pub const STDIN: i32 = 0;

/// The next input from stdin.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// No complete line yet.
    Nothing,
    Line(String),
    /// A line longer than the limit; it is skipped to its end.
    TooLong,
    /// The parent closed stdin.
    End,
}

/// Splits a byte stream into lines of bounded length.
#[derive(Debug, Default)]
pub struct Lines {
    pending: Vec<u8>,
    skipping: bool,
    ended: bool,
}

impl Lines {
    /// Reads what is available on stdin. Call it when `poll` reports stdin as readable.
    pub fn fill(&mut self) -> io::Result<()> {
        let mut part = [0; 4096];
        // SAFETY: `part` is valid for writing its whole length.
        let got = unsafe { libc::read(STDIN, part.as_mut_ptr().cast(), part.len()) };
        match usize::try_from(got) {
            Ok(0) => self.ended = true,
            Ok(len) => self.take(&part[..len]),
            Err(_) => {
                let error = io::Error::last_os_error();
                if !matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next complete line, without its line end. After the last line it is always [`Input::End`].
    pub fn next(&mut self) -> Input {
        loop {
            let Some(end) = self.pending.iter().position(|&byte| byte == b'\n') else {
                if self.pending.len() > LINE_BYTES_MAX {
                    self.pending.clear();
                    self.skipping = true;
                }
                return if self.ended {
                    Input::End
                } else {
                    Input::Nothing
                };
            };
            let rest = self.pending.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.pending, rest);
            line.pop();
            if std::mem::take(&mut self.skipping) || line.len() > LINE_BYTES_MAX {
                return Input::TooLong;
            }
            let line = String::from_utf8_lossy(&line).trim().to_owned();
            if !line.is_empty() {
                return Input::Line(line);
            }
        }
    }

    /// Waits for the next line; for commands with a separate thread for stdin.
    pub fn wait(&mut self) -> io::Result<Input> {
        loop {
            match self.next() {
                Input::Nothing => {
                    crate::sys::wait_readable(&[STDIN], None)?;
                    self.fill()?;
                }
                input => return Ok(input),
            }
        }
    }
}

/// Writes one JSON line. If the reader of stdout is gone, the answer is lost, but the measurement continues.
pub fn say(answer: &impl Serialize) {
    if let Ok(mut line) = serde_json::to_vec(answer) {
        line.push(b'\n');
        let mut out = io::stdout().lock();
        let _gone = out.write_all(&line).and_then(|()| out.flush());
    }
}

/// The answer to a command that is invalid or not possible.
#[derive(Debug, Serialize)]
pub struct Refused {
    ok: bool,
    error: String,
    boot_us: u64,
}

pub fn say_refused(error: impl Into<String>) {
    say(&Refused {
        ok: false,
        error: error.into(),
        boot_us: crate::clock::boot_us(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_wherever_the_reads_fell() {
        let mut lines = Lines::default();
        lines.take(b"{\"op\":");
        assert_eq!(lines.next(), Input::Nothing);
        lines.take(b"\"a\"}\n\n  \nsecond\nthird");
        assert_eq!(lines.next(), Input::Line("{\"op\":\"a\"}".into()));
        assert_eq!(lines.next(), Input::Line("second".into()));
        assert_eq!(lines.next(), Input::Nothing);
        lines.ended = true;
        assert_eq!(lines.next(), Input::End);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_one_is_read() {
        let mut lines = Lines::default();
        lines.take(&vec![b'x'; LINE_BYTES_MAX + 1]);
        assert_eq!(lines.next(), Input::Nothing);
        assert!(lines.pending.is_empty());
        lines.take(b"xx\nnext\n");
        assert_eq!(lines.next(), Input::TooLong);
        assert_eq!(lines.next(), Input::Line("next".into()));
    }
}
