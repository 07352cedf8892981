//! Runs a test in a temporary network namespace.

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

const INSIDE: &str = "JVPN_TEST_NAMESPACE";
/// Number of namespaces that this process has created, for unique names.
static MADE: AtomicU32 = AtomicU32::new(0);

/// Runs `body` in a new network namespace and a new process: the test `name` is started again inside. Only root can do
/// this.
pub fn run(name: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        body();
        return;
    }
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let namespace = Namespace(format!("jvpn-io{}-{number}", std::process::id()));
    let made = Command::new("ip").args(["netns", "add", &namespace.0]).output();
    if !made.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {name}: cannot create a network namespace (root and iproute2 are needed): {made:?}");
        return;
    }
    let program = std::env::current_exe().expect("the test program");
    let output = Command::new("ip")
        .args(["netns", "exec", &namespace.0])
        .arg(program)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .expect("ip runs");
    assert!(output.status.success(), "inside the namespace:\n{}", text(&output));
}

/// Runs `ip <arguments>`, which must succeed.
pub fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().expect("ip runs");
    assert!(output.status.success(), "ip {arguments}: {}", text(&output));
}

struct Namespace(String);

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = Command::new("ip").args(["netns", "del", &self.0]).output() {
            eprintln!("left behind: network namespace {}: {error}", self.0);
        }
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
