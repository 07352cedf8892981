//! `jvpn-lab echo`: packets there and back at a steady rate, over UDP, TCP or Multipath TCP. The same flow runs over
//! all three, because systems without UDP can be compared only over TCP, and because a round trip needs only one clock.

mod run;
mod serve;
mod stream;

pub use run::{HELP as RUN_HELP, run};
pub use serve::{HELP as SERVE_HELP, run as serve};
