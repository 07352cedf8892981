//! The Node binding of the engine. JSON text crosses it in batches; there is never a call per packet.
#![allow(clippy::needless_pass_by_value, reason = "values that cross the binding are copies, owned by the callee")]

use std::net::IpAddr;
use std::path::Path;

use jvpn_io::{Blame, Engine as Running, StartError, identity, names, sys, systemd};
use jvpn_proto::messages::{Command, EngineConfig, ReportBatch};
use napi::{
    Error, Result, Status,
    bindgen_prelude::Function,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

/// At most one wake waits in Node's queue: the callback drains everything, so a second one would find nothing.
const WAKES_MAX: usize = 1;

type Wake = ThreadsafeFunction<(), (), (), Status, false, false, WAKES_MAX>;

/// A running engine: its device, its sockets, its threads.
#[napi]
#[derive(Debug)]
pub struct Engine {
    running: Option<Running>,
}

#[napi]
impl Engine {
    /// Starts the engine. `on_reports` is called when reports wait, and not again before `drain` is called. Throws an
    /// error with the code `InvalidArg` if the configuration is wrong and `GenericFailure` if the machine refuses. The
    /// message has three lines: what happened, why, what to do.
    #[napi(constructor)]
    pub fn new(config_json: String, on_reports: Function<'_, (), ()>) -> Result<Self> {
        let config: EngineConfig = parse("the engine's configuration", &config_json)?;
        let wake: Wake = on_reports
            .build_threadsafe_function::<()>()
            .callee_handled::<false>()
            .max_queue_size::<WAKES_MAX>()
            .build()?;
        // If the queue is full, a wake is already pending; if it is closing, there is no listener left.
        let notify = move || {
            let _ = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        };
        let running = Running::start(&config, notify).map_err(|error| thrown(&error))?;
        Ok(Self { running: Some(running) })
    }

    /// Hands over an array of commands, all or none. Throws if a command is malformed, if too many wait, and after
    /// `stop`.
    #[napi]
    pub fn apply(&self, commands_json: String) -> Result<()> {
        let commands: Vec<Command> = parse("the commands", &commands_json)?;
        let running = self.running.as_ref().ok_or_else(|| Error::from_reason("the engine is stopped"))?;
        running.apply(commands).map_err(Error::from_reason)
    }

    /// The oldest waiting reports, at most `max` (1 … 1,024), as a `ReportBatch`; an empty batch after `stop`.
    #[napi]
    pub fn drain(&self, max: u32) -> Result<String> {
        let nothing = ReportBatch { reports: Vec::new(), lost: 0, waiting: 0 };
        print(&self.running.as_ref().map_or(nothing, |running| running.drain(max as usize)))
    }

    /// Sends what is queued, closes device and sockets and waits for the threads (at most a few hundred milliseconds).
    #[napi]
    pub fn stop(&mut self) {
        drop(self.running.take());
    }
}

/// `CLOCK_BOOTTIME` in milliseconds, with microsecond decimals.
#[napi]
pub fn boot_ms() -> f64 {
    sys::boot_us() as f64 / 1_000.0
}

/// Creates a private key file (0600; it never overwrites a file) and returns the public key.
#[napi]
pub fn generate_key(path: String) -> Result<String> {
    identity::generate(Path::new(&path)).map_err(|error| thrown(&error))
}

/// The public key of a private key file.
#[napi]
pub fn public_key(path: String) -> Result<String> {
    identity::public_key(Path::new(&path)).map_err(|error| thrown(&error))
}

/// Looks up a name, and calls `done` once with its addresses, sorted, or with the system's words for the failure, as
/// JSON: `{"addresses":[…]}` or `{"why":"…"}`. Throws if no thread can be started. The look-up may take half a minute;
/// it keeps nothing waiting, not even the end of the process.
#[napi]
pub fn look_up(host: String, done: Function<'_, String, ()>) -> Result<()> {
    let answer = done
        .build_threadsafe_function::<String>()
        .callee_handled::<false>()
        .weak::<true>()
        .max_queue_size::<1>()
        .build()?;
    let found = move |found: std::result::Result<Vec<IpAddr>, String>| {
        let text = found.map_or_else(|why| json!({ "why": why }), |addresses| json!({ "addresses": addresses }));
        // If nobody listens any more, the process is ending.
        let _ = answer.call(text.to_string(), ThreadsafeFunctionCallMode::NonBlocking);
    };
    names::look_up(host, found).map_err(|why| Error::from_reason(format!("cannot start a look-up: {why}")))
}

/// Sends a state such as `READY=1` to the service manager; does nothing without one.
#[napi]
pub fn notify_systemd(state: String) -> Result<()> {
    systemd::notify(&state).map_err(|error| Error::from_reason(format!("cannot notify the service manager: {error}")))
}

fn parse<T: DeserializeOwned>(what: &str, json: &str) -> Result<T> {
    serde_json::from_str(json)
        .map_err(|error| Error::new(Status::InvalidArg, format!("cannot read {what}\n{error}\nsee kernel/contract")))
}

fn print<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::from_reason(format!("cannot write the reports as JSON: {error}")))
}

fn thrown(error: &StartError) -> Error {
    let status = match error.blame {
        Blame::Configuration => Status::InvalidArg,
        Blame::Machine => Status::GenericFailure,
    };
    Error::new(status, error.to_string())
}
