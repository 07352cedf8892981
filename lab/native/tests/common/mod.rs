//! Two namespaces with an emulated cable between them, and the tools that run in them.
//!
//! ```text
//!   jvpn-t<pid>-<name>-a              jvpn-t<pid>-<name>-b
//!   ┌───────────────────┐             ┌───────────────────┐
//!   │ end0  10.91.0.1   ├──── link ───┤ end0  10.91.0.2   │
//!   └───────────────────┘             └───────────────────┘
//! ```
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "each test file uses its own part; a panic is a failed test"
)]

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub const ADDRESS_A: &str = "10.91.0.1";
pub const ADDRESS_B: &str = "10.91.0.2";
const MAC_A: &str = "02:00:00:00:91:01";
const MAC_B: &str = "02:00:00:00:91:02";
/// Maximum wait for a condition of a test.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the reason if this machine cannot create namespaces and devices.
pub fn cannot_run() -> Option<&'static str> {
    // SAFETY: geteuid takes no arguments and cannot fail.
    let is_root = unsafe { libc::geteuid() } == 0;
    let has_ip = Command::new("ip")
        .arg("-V")
        .output()
        .is_ok_and(|output| output.status.success());
    match (
        is_root,
        std::path::Path::new("/dev/net/tun").exists(),
        has_ip,
    ) {
        (false, _, _) => Some("it needs root"),
        (_, false, _) => Some("it needs /dev/net/tun"),
        (_, _, false) => Some("it needs iproute2"),
        _ => None,
    }
}

/// A test that needs the kernel. It is skipped, with the reason, if it cannot run.
#[macro_export]
macro_rules! lab_or_skip {
    ($name:expr) => {
        match common::cannot_run() {
            Some(reason) => {
                eprintln!("skipped: {reason}");
                return;
            }
            None => common::Lab::new($name),
        }
    };
}

/// Two measurements at the same time would disturb each other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Deletes its namespaces at the end, in all cases.
#[derive(Debug)]
pub struct Lab {
    _turn: MutexGuard<'static, ()>,
    pub a: String,
    pub b: String,
}

impl Lab {
    pub fn new(name: &str) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let prefix = format!("jvpn-t{}-{name}", std::process::id());
        let lab = Self {
            _turn: turn,
            a: format!("{prefix}-a"),
            b: format!("{prefix}-b"),
        };
        for netns in [&lab.a, &lab.b] {
            ip(&format!("netns add {netns}"));
            ip(&format!("-n {netns} link set lo up"));
        }
        lab
    }

    /// The cable, with addresses and permanent neighbours at both ends.
    pub fn link(&self, options: &str) -> Tool {
        let ends = format!(
            "--a end0@{} --b end0@{} --mac-a {MAC_A} --mac-b {MAC_B}",
            self.a, self.b
        );
        let link = Tool::start(&format!("link {ends} --up --seed 1 {options}"));
        for (netns, own, other, mac) in [
            (&self.a, ADDRESS_A, ADDRESS_B, MAC_B),
            (&self.b, ADDRESS_B, ADDRESS_A, MAC_A),
        ] {
            ip(&format!("-n {netns} address add {own}/24 dev end0"));
            ip(&format!(
                "-n {netns} neighbour replace {other} lladdr {mac} dev end0 nud permanent"
            ));
        }
        link
    }

    /// Starts a flow from a to b: its receiver and its sender.
    pub fn flow_ab(&self, options: &str) -> (Tool, Tool) {
        flow(&self.a, &self.b, ADDRESS_B, options)
    }

    pub fn flow_ba(&self, options: &str) -> (Tool, Tool) {
        flow(&self.b, &self.a, ADDRESS_A, options)
    }

    /// Runs `work` in a namespace, on a separate thread.
    pub fn inside<T: Send>(netns: &str, work: impl FnOnce() -> T + Send) -> T {
        let file = std::fs::File::open(format!("/var/run/netns/{netns}")).unwrap();
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                // SAFETY: the file is open; setns affects only this thread, which ends here.
                let entered = unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) };
                assert_eq!(entered, 0);
                work()
            });
            worker.join().unwrap()
        })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for netns in [&self.a, &self.b] {
            let _gone_already = Command::new("ip").args(["netns", "delete", netns]).status();
        }
    }
}

fn flow(from: &str, to: &str, address: &str, options: &str) -> (Tool, Tool) {
    let receiver = Tool::start(&format!("flow recv --netns {to} --bind {address}:7000"));
    let sender = Tool::start_quiet(&format!(
        "flow send --netns {from} --to {address}:7000 {options}"
    ));
    (receiver, sender)
}

pub fn ip(line: &str) {
    let output = Command::new("ip").args(line.split(' ')).output().unwrap();
    assert!(
        output.status.success(),
        "ip {line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Repeats `ask` until `satisfies` accepts the answer; fails the test after `PATIENCE`.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> T, satisfies: impl Fn(&T) -> bool) -> T {
    let start = Instant::now();
    loop {
        let answer = ask();
        if satisfies(&answer) {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

/// One running `jvpn-lab`, killed when dropped.
#[derive(Debug)]
pub struct Tool {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The first line, from tools that start with one.
    pub ready: Value,
}

impl Tool {
    /// Starts a tool that reports when it is ready.
    pub fn start(line: &str) -> Self {
        let mut tool = Self::start_quiet(line);
        tool.ready = tool.hear();
        assert_eq!(tool.ready["op"], "ready", "{line}");
        tool
    }

    /// Starts a tool that writes nothing until it is done.
    pub fn start_quiet(line: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_jvpn-lab"))
            .args(line.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            stdin,
            stdout,
            ready: Value::Null,
        }
    }

    /// Sends a command and returns its answer.
    pub fn ask(&mut self, command: &str) -> Value {
        writeln!(self.stdin.as_mut().unwrap(), "{command}").unwrap();
        self.hear()
    }

    /// Sends a command that must succeed, and returns its time of effect.
    pub fn order(&mut self, command: &str) -> u64 {
        let answer = self.ask(command);
        assert_eq!(answer["ok"], true, "{command}: {answer}");
        answer["boot_us"].as_u64().unwrap()
    }

    pub fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: \"{line}\""))
    }

    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits until the tool ends, and returns the last line and the exit code.
    pub fn last_words(mut self) -> (Value, i32) {
        let said = self.hear();
        let status = self.child.wait().unwrap();
        (said, status.code().unwrap_or(-1))
    }

    pub fn wait(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}
