//! Two engines in two namespaces, with real devices and sockets, and a core that accepts everything.

mod memory;
mod netns;
mod node;
mod traffic;

use std::{
    io::{BufRead, BufReader},
    mem::ManuallyDrop,
    net::Ipv4Addr,
    process::{Command, Stdio},
    sync::mpsc::sync_channel,
    thread,
    time::Instant,
};

use jvpn_io::{
    identity,
    steering::AddressTable,
    udp::{UdpOptions, UdpSocket},
};
use jvpn_proto::{
    blame::{DropKind, Dropped},
    messages::{AttachKind, Command as Order, Report, Role},
    planted::TRIGGER,
};

use crate::{
    memory::{copies_of, private_bytes},
    netns::{Topology, ip, within},
    node::{KEYS, Node, World, start_with_mtu, start_without_programs},
    traffic::{datagrams_echo, datagrams_echo_at_last, origins, send, stream_both_ways},
};

const NO_OFFLOADS: [&str; 3] = ["tun_offload", "udp_gso", "udp_gro"];
/// The names of namespaces that another process has laid, without their ends.
const NAMESPACES: &str = "JVPN_TEST_NAMESPACES";
/// From one byte to beyond the MTU, where the inner IP packet is fragmented.
const SIZES: [usize; 7] = [1, 63, 512, 1_372, 1_392, 1_393, 9_000];

#[test]
fn both_families_pass_inside_over_ipv4_outside() {
    let Some(topology) = Topology::lay() else { return };
    let _world = World::connect(&topology, "192.0.2.1", &[]);
    datagrams_echo(&topology, "10.80.0.2", "10.80.0.1", &SIZES);
    datagrams_echo(&topology, "fd80::2", "fd80::1", &SIZES);
    stream_both_ways(&topology, "10.80.0.1", 40 << 20);
    stream_both_ways(&topology, "fd80::1", 20 << 20);
}

#[test]
fn both_families_pass_inside_over_ipv6_outside() {
    let Some(topology) = Topology::lay() else { return };
    let _world = World::connect(&topology, "2001:db8:a::1", &[]);
    datagrams_echo(&topology, "10.80.0.2", "10.80.0.1", &SIZES);
    stream_both_ways(&topology, "10.80.0.1", 20 << 20);
    stream_both_ways(&topology, "fd80::1", 20 << 20);
}

#[test]
fn everything_passes_without_any_offload() {
    let Some(topology) = Topology::lay() else { return };
    let _world = World::connect(&topology, "192.0.2.1", &NO_OFFLOADS);
    datagrams_echo(&topology, "10.80.0.2", "10.80.0.1", &SIZES);
    datagrams_echo(&topology, "fd80::2", "fd80::1", &SIZES);
    stream_both_ways(&topology, "10.80.0.1", 20 << 20);
    stream_both_ways(&topology, "fd80::1", 20 << 20);
}

#[test]
fn everything_passes_with_each_offload_off_and_another_cipher() {
    for disable in ["tun_offload", "udp_gso", "udp_gro", "aes_gcm"] {
        let Some(topology) = Topology::lay() else { return };
        let _world = World::connect(&topology, "192.0.2.1", &[disable]);
        datagrams_echo(&topology, "10.80.0.2", "10.80.0.1", &SIZES);
        stream_both_ways(&topology, "10.80.0.1", 10 << 20);
    }
}

#[test]
fn a_link_that_cuts_superframes_and_a_small_mtu_lose_no_stream_and_teach_senders_of_datagrams() {
    let Some(topology) = Topology::lay() else { return };
    for namespace in [&topology.client, &topology.gateway] {
        ip(&["-n", namespace, "link", "set", "wan0", "gso_max_segs", "1", "mtu", "1400"]);
    }
    let _world = World::connect(&topology, "192.0.2.1", &[]);
    datagrams_echo_at_last(&topology, "10.80.0.2", "10.80.0.1", &SIZES);
    stream_both_ways(&topology, "10.80.0.1", 10 << 20);
}

#[test]
fn a_stream_lives_through_the_loss_of_its_link() {
    let Some(topology) = Topology::lay() else { return };
    let mut world = World::connect(&topology, "192.0.2.1", &[]);
    let session = world.session();
    world.open_path(2, "wan1", "198.51.100.1");
    world.client.apply(vec![Order::AddCandidate { session, path: 2 }]);
    world
        .until("candidate", |world| world.client.saw(|report| matches!(report, Report::PathValidated { path: 2, .. })));

    ip(&["-n", &topology.client, "link", "set", "wan0", "down"]);
    let down = Instant::now();
    world.until("loss", |world| world.client.link("wan0").is_some_and(|link| !link.up));
    eprintln!("the loss of the link was reported at most {} µs after `ip` returned", down.elapsed().as_micros());
    let reason = "transport_dead".to_owned();
    let attach = Order::Attach { session, path: 2, bind_seq: 2, kind: AttachKind::Switch, reason };
    world.client.apply(vec![Order::SetPathDead { session, path: 1, dead: true }, attach]);
    let attached = |report: &Report| matches!(report, Report::AttachValidated { path: 2, bind_seq: 2, .. });
    world.until("attach", |world| world.client.saw(attached));
    datagrams_echo(&topology, "10.80.0.2", "10.80.0.1", &SIZES);
    stream_both_ways(&topology, "10.80.0.1", 5 << 20);
}

#[test]
fn of_handshakes_that_the_kernel_merged_only_the_first_is_read() {
    const INIT_BYTES: usize = 232;
    const MERGED: usize = 40;
    let Some(topology) = Topology::lay() else { return };
    let mut world = World::connect(&topology, "192.0.2.1", &[]);
    let inits = [[1; INIT_BYTES]; MERGED].concat();
    within(&topology.client, || {
        let bind = "192.0.2.2:0".parse().expect("an address");
        let options = UdpOptions { bind, device: None, reached_address: false, mark: 0, gso: true, gro: false };
        let sender = UdpSocket::open(&options).expect("a socket");
        let to = "192.0.2.1:4774".parse().expect("an address");
        sender.send_gso(to, None, &inits, INIT_BYTES).expect("sent");
    });
    let dropped = |of: DropKind| move |report: &Report| matches!(report, Report::Dropped { kind, count, .. } if *kind == of.into() && *count == MERGED as u64 - 1);
    world.until("merged handshakes", |world| world.gateway.saw(dropped(DropKind::InitRate)));
}

#[test]
fn sessions_of_several_workers_carry_traffic_and_addresses_move_between_them() {
    let Some(topology) = Topology::lay().filter(|_| programs_are_taken()) else { return };
    let mut world = World::connect_to(3, &topology, "192.0.2.1", &[]);
    assert!(world.gateway.saw(|report| matches!(report, Report::Started { workers: 3, alone_because: None, .. })));
    let mut by_worker = [0; 3];
    for dial in 2.. {
        let session = world.gateway.session.expect("connected");
        by_worker[session as usize % 3] += 1;
        // The session before is still alive: the kernel may merge a datagram of this session with one of the other,
        // which has another worker.
        datagrams_echo_at_last(&topology, "10.80.0.2", "10.80.0.1", &SIZES);
        datagrams_echo_at_last(&topology, "fd80::2", "fd80::1", &SIZES);
        stream_both_ways(&topology, "10.80.0.1", 1 << 20);
        if !by_worker.contains(&0) {
            break;
        }
        assert!(dial < 64, "the sessions of 64 dials are {by_worker:?}");
        world.dial_again(dial);
    }
    // Commands given to the workers just before the stop still take effect at the peer.
    let reason = "daemon_stopped".to_owned();
    let close = |&session| Order::CloseSession { session, reason: reason.clone() };
    world.gateway.apply(world.gateway.sessions.iter().map(close).collect());
    world.gateway.stop();
    world.until("all sessions closed", |world| {
        let closed = |session| {
            world.client.saw(|report| matches!(report, Report::PeerClosed { session: of, .. } if *of == session))
        };
        world.client.sessions.iter().copied().all(closed)
    });
}

#[test]
fn a55_a_packet_that_makes_its_session_panic_ends_that_session_and_the_worker_goes_on() {
    let Some(topology) = Topology::lay() else { return };
    let mut world = World::connect(&topology, "192.0.2.1", &[]);
    let other = world.gateway.session.expect("connected");
    world.dial_again(2);
    let broken = world.gateway.session.expect("connected");
    send(&topology, "10.80.0.2", "10.80.0.1", TRIGGER);
    let faulted = |report: &Report| matches!(report, Report::SessionFaulted { session, .. } if *session == broken);
    world.until("the fault", |world| world.gateway.saw(faulted));
    world.gateway.apply(vec![Order::ChallengeSession { session: other }]);
    let answered =
        |report: &Report| matches!(report, Report::ChallengeResult { session, answered: true } if *session == other);
    world.until("an answer of the other session", |world| world.gateway.saw(answered));
    world.dial_again(3);
    datagrams_echo(&topology, "10.80.0.2", "10.80.0.1", &SIZES);
    assert!(!world.gateway.saw(|report| matches!(report, Report::Fatal { .. })));
}

#[test]
fn a45_a_packet_under_an_address_of_nobody_does_not_pass_among_those_under_the_clients_own() {
    const EACH: usize = 100;
    let Some(topology) = Topology::lay() else { return };
    let mut world = World::connect(&topology, "192.0.2.1", &[]);
    ip(&["-n", &topology.client, "address", "add", "10.80.0.3/24", "dev", "tun-c"]);
    let arrived = origins(&topology, ["10.80.0.2", "10.80.0.3"], "10.80.0.1", EACH);
    world.until("a drop of each foreign packet", |world| {
        let foreign = |report: &Report| match report {
            Report::Dropped { kind: Dropped::Drop(DropKind::InnerSource), count, .. } => *count,
            _ => 0,
        };
        // The kernel may add packets of its own, from a link-local address.
        world.gateway.sum(foreign) >= EACH as u64
    });
    assert_eq!(arrived(), [Ipv4Addr::new(10, 80, 0, 2); EACH]);
}

#[test]
fn a52_a_private_key_is_in_one_place_of_an_engines_memory() {
    if std::env::var_os(KEYS).is_some() {
        return be_looked_into();
    }
    let Some(topology) = Topology::lay() else { return };
    let folder = std::env::temp_dir().join(&topology.client);
    std::fs::create_dir(&folder).expect("a temporary folder");
    let secrets = ["tun-c", "tun-g"].map(|tun| {
        identity::generate(&folder.join(tun)).expect("a key file");
        let text = std::fs::read_to_string(folder.join(tun)).expect("just written");
        [private_bytes(&text), text.trim().as_bytes().to_vec()]
    });
    let mut engines = Command::new(std::env::current_exe().expect("the test program"))
        .args(["--exact", "a52_a_private_key_is_in_one_place_of_an_engines_memory", "--nocapture"])
        .env(KEYS, &folder)
        .env(NAMESPACES, topology.client.trim_end_matches("-c"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the same program");
    let mut said = BufReader::new(engines.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let connected = said.any(|line| line.contains("connected"));
    let copies = secrets.map(|forms| forms.map(|secret| if connected { copies_of(&secret, engines.id()) } else { 0 }));
    drop(engines.stdin.take());
    said.for_each(drop);
    let ended = engines.wait().expect("it ends with its input");
    std::fs::remove_dir_all(&folder).expect("the keys are removed");
    assert!(connected && ended.success());
    assert_eq!(copies, [[1, 0], [1, 0]], "client, gateway: the bytes, and the text of the key file");
}

/// The same test in another process: two engines with the given keys, until its input ends.
fn be_looked_into() {
    let name = |end: &str| format!("{}-{end}", std::env::var(NAMESPACES).expect("said together with the keys"));
    let topology = ManuallyDrop::new(Topology { client: name("c"), gateway: name("g") });
    let mut world = World::connect(&topology, "192.0.2.1", &[]);
    world.dial_again(2);
    datagrams_echo(&topology, "10.80.0.2", "10.80.0.1", &SIZES);
    println!("connected");
    let _until_the_end = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn without_its_device_an_engine_ends_with_fatal() {
    let Some(topology) = Topology::lay().filter(|_| programs_are_taken()) else { return };
    let mut world = World::connect_to(3, &topology, "192.0.2.1", &[]);
    ip(&["-n", &topology.client, "link", "delete", "tun-c"]);
    ip(&["-n", &topology.gateway, "link", "delete", "tun-g"]);
    let fatal_of =
        |tun: &'static str| move |report: &Report| matches!(report, Report::Fatal { what } if what.contains(tun));
    world.until("fatal reports", |world| world.client.saw(fatal_of("tun-c")) && world.gateway.saw(fatal_of("tun-g")));
    assert!(world.client.refuses_commands() && world.gateway.refuses_commands());
}

#[test]
fn without_the_right_to_choose_their_packets_there_are_no_several_workers() {
    let Some(topology) = Topology::lay() else { return };
    let refused = start_without_programs(&topology.gateway, 2).expect_err("two workers are configured");
    assert!(refused.what.contains("2 workers") && refused.hint.contains("CAP_BPF"), "{refused:?}");
    let found = start_without_programs(&topology.gateway, 0).expect("the possible number of workers");
    let several = thread::available_parallelism().is_ok_and(|processors| processors.get() >= 4);
    let alone = |report: &Report| matches!(report, Report::Started { workers: 1, alone_because, .. } if alone_because.is_some() == several);
    assert!(found.iter().any(alone), "{found:?}");
}

#[test]
fn what_cannot_start_says_why_and_what_to_do() {
    let Some(topology) = Topology::lay() else { return };
    let start = |role, namespace, tun, disable| Node::start(role, namespace, tun, disable, 1, sync_channel(1).0);
    let _gateway = start(Role::Gateway, &topology.gateway, "tun-g", &[]).expect("the first gateway starts");
    let busy = start(Role::Gateway, &topology.gateway, "tun-h", &[]).err().expect("the port is in use");
    assert!(busy.what.contains(":4774") && busy.hint.contains("ss -ulpn"), "{busy:?}");
    let named = start(Role::Client, &topology.gateway, "tun-g", &[]).err().expect("the name is in use");
    assert!(named.what.contains("tun-g") && named.hint.contains("another"), "{named:?}");
    let unsafe_key = start_with_mtu(&topology.client, 9_000).expect_err("too many packets for one key");
    assert!(unsafe_key.why.contains("9000 bytes") && unsafe_key.hint.contains("30460760"), "{unsafe_key:?}");
    let unknown = start(Role::Client, &topology.client, "tun-c", &["warp"]).err().expect("no such feature");
    assert!(unknown.hint.contains("udp_gso"), "{unknown:?}");
}

/// `cargo test --release -p jvpn-io --test tunnel -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, and it needs iperf3"]
fn throughput_of_one_stream() {
    let Some(topology) = Topology::lay() else { return };
    let _world = World::connect(&topology, "192.0.2.1", &[]);
    for (what, address) in [("tunnel", "10.80.0.1"), ("plain veth", "192.0.2.1")] {
        let mut server = within(&topology.gateway, || iperf3(&["-s", "-1", "--forceflush"]).spawn().expect("iperf3"));
        let said = BufReader::new(server.stdout.take().expect("piped")).lines();
        let listening = said.map_while(Result::ok).any(|line| line.contains("Server listening"));
        assert!(listening, "iperf3 does not listen");
        let output = within(&topology.client, || {
            iperf3(&["-c", address, "-t", "6", "-O", "1", "-f", "m"]).output().expect("iperf3")
        });
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let summary = text.lines().rfind(|line| line.contains("receiver")).unwrap_or(&errors);
        eprintln!("{what}: {summary}");
        let _ = server.kill();
        let _ = server.wait();
    }
}

fn programs_are_taken() -> bool {
    AddressTable::new().inspect_err(|error| eprintln!("skipped: no programs in the kernel here: {error}")).is_ok()
}

fn iperf3(arguments: &[&str]) -> Command {
    let mut command = Command::new("iperf3");
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
