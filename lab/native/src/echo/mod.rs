//! `jvpn-lab echo`: packets there and back at a steady pace, over UDP, TCP or Multipath TCP. The same flow over all of
//! them, because what has no UDP can only be compared over TCP, and a round trip needs no second clock.

mod run;
mod serve;
mod stream;

pub use run::{HELP as RUN_HELP, run};
pub use serve::{HELP as SERVE_HELP, run as serve};
