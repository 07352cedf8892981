//! `jvpn-lab`: the lab's native tools. Every duration in their reports is measured here, in native code, with the
//! clocks of `clock.rs`.

mod args;
mod capture;
mod clock;
mod control;
mod echo;
mod fault;
mod flow;
mod histogram;
mod inject;
mod link;
mod netns;
mod pcap;
mod seeded;
mod sys;
mod tcp;

use fault::Fault;
use std::process::ExitCode;

const HELP: &str = "\
jvpn-lab: the lab's native tools

  jvpn-lab link …                 an emulated cable: delay, jitter, loss, rate, recorded traces, black holes
  jvpn-lab flow send|recv …       a one-way UDP flow at a steady rate, and its gaps
  jvpn-lab echo serve|run …       packets there and back over UDP, TCP or Multipath TCP, and their gaps and round trips
  jvpn-lab tcp serve|fetch|push … one real TCP transfer, hashed at both ends, and its stalls
  jvpn-lab capture …              counts handshakes, connections and clear-text leaks in one namespace
  jvpn-lab inject …               sends captured datagrams again, unchanged or altered
  jvpn-lab clock                  CLOCK_BOOTTIME in µs, the clock of every report

Each command has --help. All times are µs of CLOCK_BOOTTIME unless the name says otherwise.
Exit codes: 0 done, 1 the system refused, 2 the command line is wrong.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    sys::end_with_parent();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::from(fault.exit_code())
        }
    }
}

fn run(words: &[String]) -> Result<(), Fault> {
    let (command, rest) = words
        .split_first()
        .map_or(("", words), |(first, rest)| (first.as_str(), rest));
    let wants_help = rest.iter().any(|word| word == "--help" || word == "-h");
    match command {
        "link" => help_or(wants_help, link::HELP, || link::run(rest)),
        "flow" => match rest.split_first() {
            Some((mode, rest)) if mode == "send" => {
                help_or(wants_help, flow::SEND_HELP, || flow::send(rest))
            }
            Some((mode, rest)) if mode == "recv" => {
                help_or(wants_help, flow::RECV_HELP, || flow::recv(rest))
            }
            _ => choose(wants_help, "flow send, flow recv"),
        },
        "tcp" => match rest.split_first() {
            Some((mode, rest)) if mode == "serve" => {
                help_or(wants_help, tcp::SERVE_HELP, || tcp::serve(rest))
            }
            Some((mode, rest)) if mode == "fetch" => {
                help_or(wants_help, tcp::CLIENT_HELP, || tcp::fetch(rest))
            }
            Some((mode, rest)) if mode == "push" => {
                help_or(wants_help, tcp::CLIENT_HELP, || tcp::push(rest))
            }
            _ => choose(wants_help, "tcp serve, tcp fetch, tcp push"),
        },
        "echo" => match rest.split_first() {
            Some((mode, rest)) if mode == "serve" => {
                help_or(wants_help, echo::SERVE_HELP, || echo::serve(rest))
            }
            Some((mode, rest)) if mode == "run" => {
                help_or(wants_help, echo::RUN_HELP, || echo::run(rest))
            }
            _ => choose(wants_help, "echo serve, echo run"),
        },
        "capture" => help_or(wants_help, capture::HELP, || capture::run(rest)),
        "inject" => help_or(wants_help, inject::HELP, || inject::run(rest)),
        "clock" => {
            println!("{}", clock::boot_us());
            Ok(())
        }
        "--help" | "-h" | "help" => help_or(true, HELP, || Ok(())),
        _ => Err(Fault::usage(
            format!("unknown command \"{command}\""),
            "see: jvpn-lab --help",
        )),
    }
}

fn help_or(wanted: bool, help: &str, run: impl FnOnce() -> Result<(), Fault>) -> Result<(), Fault> {
    if wanted {
        print!("{help}");
        return Ok(());
    }
    run()
}

fn choose(wants_help: bool, modes: &str) -> Result<(), Fault> {
    help_or(wants_help, HELP, || {
        Err(Fault::usage(
            "a mode is missing or unknown",
            format!("one of: {modes}"),
        ))
    })
}
