//! `jvpn-crowd --clients N --keys FILE`: many clients in one process, each with its own key, its own address and the
//! engine's real packet state. They share one socket. The program writes their public keys to FILE, one a line, for the
//! gateway's configuration.
//!
//! It reads commands as JSON lines from stdin and answers each with one JSON line on stdout. It exits when stdin
//! closes.
//!
//! | command | answer |
//! |---|---|
//! | `{"op":"join","gateway":"10.1.0.1:4774","key":"jvpk1:…","clients":N,"perSecond":1900,"limitMs":120000}` | when N clients are attached, or at the limit |
//! | `{"op":"jump","limitMs":60000}` | when all clients are attached again from new addresses, or at the limit |
//! | `{"op":"talk","clients":1000,"packets":200,"perSecond":50000}` | when `clients` clients, spread evenly over all, have sent `packets` inner packets each |
//! | `{"op":"ping","to":"10.64.0.1","clients":1000,"perSecond":500,"limitMs":20000}` | when `clients` clients, spread evenly over all, have an answer to one ping of this inner host, or at the limit |
#![forbid(unsafe_code)]

mod addresses;
mod client;
mod crowd;
mod packet;
mod report;

use std::{
    fs,
    io::{self, BufRead, Write},
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsRawFd,
    process::ExitCode,
    sync::{Arc, mpsc},
    thread,
};

use jvpn_io::sys::{WaitSet, Waker, boot_us, fill_random, wait};
use jvpn_proto::keyfile::StaticKey;
use serde::{Deserialize, Serialize};

use crate::{addresses::CLIENTS_MAX, crowd::Crowd, report::Refused};

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Order {
    Join { gateway: SocketAddr, key: String, clients: u32, per_second: u32, limit_ms: u64 },
    Jump { limit_ms: u64 },
    Talk { clients: u32, packets: u32, per_second: u32 },
    Ping { to: Ipv4Addr, clients: u32, per_second: u32, limit_ms: u64 },
    Quit,
}

#[derive(Debug, Serialize)]
struct Ready {
    ok: bool,
    op: &'static str,
    clients: u32,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [clients_option, clients, keys_option, file] = words.as_slice() else { return usage() };
    let Some(clients) = clients.parse().ok().filter(|clients| (1..=CLIENTS_MAX).contains(clients)) else {
        return usage();
    };
    if (clients_option.as_str(), keys_option.as_str()) != ("--clients", "--keys") {
        return usage();
    }
    match run(clients, file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: jvpn-crowd --clients 1…{CLIENTS_MAX} --keys FILE");
    ExitCode::from(2)
}

fn run(clients: u32, file: &str) -> Result<(), String> {
    let mut crowd = Crowd::new(make_keys(clients, file)?).map_err(|error| format!("cannot open a socket: {error}"))?;
    let (waker, orders) = read_orders().map_err(|error| format!("cannot read stdin: {error}"))?;
    say(&Ready { ok: true, op: "ready", clients });
    let mut set = WaitSet::default();
    loop {
        set.clear();
        set.add(waker.as_raw_fd());
        set.add(crowd.descriptor());
        let now = boot_us();
        let timeout = crowd.next_due(now).map(|due| due.saturating_sub(now));
        wait(&mut set, timeout).map_err(|error| format!("cannot wait for events: {error}"))?;
        waker.clear();
        loop {
            match orders.try_recv() {
                Ok(line) if !obey(&mut crowd, &line) => return Ok(()),
                Ok(_) => {}
                Err(mpsc::TryRecvError::Empty) => break,
                Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
            }
        }
        if let Some(answer) = crowd.turn()? {
            say(&answer);
        }
    }
}

/// Creates the keys of all clients. The file gets the public keys, in the order in which the clients join.
fn make_keys(clients: u32, file: &str) -> Result<Vec<StaticKey>, String> {
    let mut broken = None;
    let mut keys: Vec<StaticKey> = (0..clients)
        .map(|_| StaticKey::generate(&mut |out| broken = fill_random(out).err().or(broken.take())))
        .collect();
    if let Some(error) = broken {
        return Err(format!("cannot read random bytes: {error}"));
    }
    let mut text = String::new();
    for key in &keys {
        text.push_str(&key.public().to_text());
        text.push('\n');
    }
    fs::write(file, text).map_err(|error| format!("cannot write {file}: {error}"))?;
    keys.reverse();
    Ok(keys)
}

fn read_orders() -> io::Result<(Arc<Waker>, mpsc::Receiver<String>)> {
    let waker = Arc::new(Waker::new()?);
    let (sender, orders) = mpsc::sync_channel(16);
    let ring = waker.clone();
    thread::Builder::new().name("orders".to_owned()).spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
            ring.wake();
        }
        drop(sender);
        ring.wake();
    })?;
    Ok((waker, orders))
}

/// False if the crowd must end.
fn obey(crowd: &mut Crowd, line: &str) -> bool {
    let done = match serde_json::from_str(line) {
        Ok(Order::Join { gateway, key, clients, per_second, limit_ms }) => {
            crowd.join(gateway, &key, clients, per_second, limit_ms)
        }
        Ok(Order::Jump { limit_ms }) => crowd.jump(limit_ms),
        Ok(Order::Talk { clients, packets, per_second }) => crowd.talk(clients, packets, per_second),
        Ok(Order::Ping { to, clients, per_second, limit_ms }) => crowd.ping(to, clients, per_second, limit_ms),
        Ok(Order::Quit) => return false,
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = done {
        say(&Refused { ok: false, error });
    }
    true
}

fn say(answer: &impl Serialize) {
    if let Ok(line) = serde_json::to_string(answer) {
        let mut out = io::stdout().lock();
        // If the reader is gone, stdin ends too, and that ends the program.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}
