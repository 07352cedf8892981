//! All clients, their deadlines and the socket that they share.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::{AsRawFd, RawFd},
};

use jvpn_io::{
    sys::{boot_us, fill_random},
    udp::{MESSAGES_MAX, RecvBatch, SendError, UdpOptions, UdpSocket},
};
use jvpn_proto::{endpoint::Transmit, keyfile::StaticKey, messages::PathId};

use crate::{
    addresses::{address_of, owner_of},
    client::{Client, News, Troubles},
    report::{Answer, Spread},
};

/// Maximum clients started between two reads of the socket.
const BEGUN_AT_ONCE: u32 = 256;
/// Batches of datagrams taken in one turn.
const BATCHES_PER_TURN: usize = 32;
/// Maximum client deadlines handled in one turn. Answers are read in between: a client must not lose one because other
/// clients' timers are due, since real clients run on separate machines.
const DUE_PER_TURN: usize = 256;
/// Maximum clients that dial at the same time. Joining is not measured for speed, and clients that wait too long in a
/// queue only repeat their activation.
const DIALLING_MAX: u32 = 256;
/// Longest datagram with an inner packet.
const DATAGRAM_MAX: usize = 256;

#[derive(Debug, Clone, Copy)]
enum Op {
    Join,
    Jump,
    Talk { talkers: u32 },
    Ping { talkers: u32, host: Ipv4Addr },
}

impl Op {
    fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Jump => "jump",
            Self::Talk { .. } => "talk",
            Self::Ping { .. } => "ping",
        }
    }

    /// Whether the operation attaches clients.
    fn attaches(self) -> bool {
        matches!(self, Self::Join | Self::Jump)
    }
}

/// The current task.
#[derive(Debug)]
struct Task {
    op: Op,
    /// The clients with numbers below this take part.
    clients: u32,
    /// The first client to start, and the next one.
    first: u32,
    next: u32,
    began: u64,
    /// Starts per second; `None` = all at once.
    per_second: Option<u32>,
    until: u64,
    took_us: Vec<u64>,
    sent: u64,
    troubles_before: Troubles,
    unsent_before: u64,
}

#[derive(Debug)]
pub struct Crowd {
    socket: UdpSocket,
    batch: RecvBatch,
    clients: Vec<Client>,
    keys: Vec<StaticKey>,
    gateway: Option<(SocketAddr, String)>,
    deadlines: BinaryHeap<Reverse<(u64, u32)>>,
    task: Option<Task>,
    troubles: Troubles,
    /// Datagrams that the kernel refused.
    unsent: u64,
    ended: u64,
}

impl Crowd {
    /// `keys` are the keys of the clients that may join, in reverse order.
    pub fn new(keys: Vec<StaticKey>) -> io::Result<Self> {
        let bind = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let options = UdpOptions { bind, device: None, reached_address: true, mark: 0, gso: false, gro: false };
        Ok(Self {
            socket: UdpSocket::open(&options)?,
            batch: RecvBatch::default(),
            // Reallocation would copy all joined clients and delay them.
            clients: Vec::with_capacity(keys.len()),
            keys,
            gateway: None,
            deadlines: BinaryHeap::new(),
            task: None,
            troubles: Troubles::default(),
            unsent: 0,
            ended: 0,
        })
    }

    pub fn descriptor(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Lets more clients join until there are `clients`.
    pub fn join(
        &mut self,
        gateway: SocketAddr,
        key: &str,
        clients: u32,
        per_second: u32,
        limit_ms: u64,
    ) -> Result<(), String> {
        let here = self.clients.len() as u32;
        let most = here + self.keys.len() as u32;
        if clients <= here || clients > most {
            return Err(format!("cannot reach {clients} clients: {here} have joined and there are keys for {most}"));
        }
        self.gateway = Some((gateway, key.to_owned()));
        self.begin(Op::Join, here, clients, Some(per_second), limit_ms)
    }

    /// Every client's current path dies at once; each client attaches from a new address.
    pub fn jump(&mut self, limit_ms: u64) -> Result<(), String> {
        let here = self.clients.len() as u32;
        if self.clients.iter().any(|client| !client.attached()) {
            return Err("not every client is attached".to_owned());
        }
        self.begin(Op::Jump, 0, here, None, limit_ms)
    }

    /// `talkers` clients, spread evenly over all, send `packets` inner packets each, in turn.
    pub fn talk(&mut self, talkers: u32, packets: u32, per_second: u32) -> Result<(), String> {
        self.must_have(talkers, per_second)?;
        let limit_ms = 10_000 + u64::from(talkers) * u64::from(packets) * 2_000 / u64::from(per_second);
        self.begin(Op::Talk { talkers }, 0, talkers * packets, Some(per_second), limit_ms)
    }

    /// `talkers` clients, spread evenly over all, ping a host behind the gateway once.
    pub fn ping(&mut self, host: Ipv4Addr, talkers: u32, per_second: u32, limit_ms: u64) -> Result<(), String> {
        self.must_have(talkers, per_second)?;
        self.begin(Op::Ping { talkers, host }, 0, talkers, Some(per_second), limit_ms)?;
        self.clients.iter_mut().for_each(Client::forget_ping);
        Ok(())
    }

    fn must_have(&self, talkers: u32, per_second: u32) -> Result<(), String> {
        let here = self.clients.len() as u32;
        if talkers == 0 || talkers > here || per_second == 0 {
            return Err(format!("{talkers} of {here} clients cannot talk at {per_second} packets per second"));
        }
        Ok(())
    }

    fn begin(
        &mut self,
        op: Op,
        first: u32,
        clients: u32,
        per_second: Option<u32>,
        limit_ms: u64,
    ) -> Result<(), String> {
        if let Some(task) = &self.task {
            return Err(format!("{} is still running", task.op.name()));
        }
        let began = boot_us();
        let until = began + limit_ms * 1_000;
        let (troubles_before, unsent_before) = (self.troubles, self.unsent);
        self.task = Some(Task {
            op,
            clients,
            first,
            next: first,
            began,
            per_second,
            until,
            took_us: Vec::with_capacity((clients - first) as usize),
            sent: 0,
            troubles_before,
            unsent_before,
        });
        Ok(())
    }

    /// When the next turn is due; `now` if work waits.
    pub fn next_due(&self, now: u64) -> Option<u64> {
        let deadline = self.deadlines.peek().map(|Reverse((at, _))| *at);
        let task = self.task.as_ref().map(|task| task.next_at().unwrap_or(task.until).max(now));
        [deadline, task].into_iter().flatten().min()
    }

    /// One round of bounded work: start clients, receive, handle deadlines. Returns the task's answer once it is done
    /// or out of time.
    pub fn turn(&mut self) -> Result<Option<Answer>, String> {
        self.begin_some()?;
        self.receive()?;
        self.on_deadlines()?;
        Ok(self.finish())
    }

    fn begin_some(&mut self) -> Result<(), String> {
        for _ in 0..BEGUN_AT_ONCE {
            let now = boot_us();
            let Some(task) = self.task.as_mut().filter(|task| task.next_at().is_some_and(|at| at <= now)) else {
                break;
            };
            let (number, op, began) = (task.next, task.op, task.began);
            task.next += 1;
            let spread = |talkers: u32| (number % talkers) * (self.clients.len() as u32 / talkers);
            match op {
                Op::Talk { talkers } => {
                    self.say(now, spread(talkers), Client::talk)?;
                    self.count(0);
                }
                Op::Ping { talkers, host } => {
                    self.say(now, spread(talkers), |client, now, out| client.ping(now, out, host))?;
                }
                Op::Jump => {
                    let client = &mut self.clients[number as usize];
                    client.jump(now)?;
                    // All paths died at once; clients handled later were without a path for longer.
                    client.since = began;
                    self.settle(now, number)?;
                }
                Op::Join => {
                    let (Some(identity), Some((gateway, key))) = (self.keys.pop(), &self.gateway) else { break };
                    let mut seed = [0; 32];
                    fill_random(&mut seed).map_err(|error| format!("cannot read random bytes: {error}"))?;
                    self.clients.push(Client::dial(now, number, identity, *gateway, key, seed)?);
                    self.settle(now, number)?;
                }
            }
        }
        Ok(())
    }

    /// Sends the inner packet that `seal` produces, if the client has a usable path.
    fn say(
        &mut self,
        now: u64,
        number: u32,
        seal: impl FnOnce(&mut Client, u64, &mut [u8]) -> Option<usize>,
    ) -> Result<(), String> {
        let client = &mut self.clients[number as usize];
        let mut out = [0; DATAGRAM_MAX];
        let sealed = seal(client, now, &mut out);
        let (path, gateway) = (client.path(), client.gateway());
        if let Some(len) = sealed {
            self.send(number, path, gateway, &out[..len])?;
        }
        if let Some(task) = &mut self.task {
            task.sent += u64::from(sealed.is_some());
        }
        self.settle(now, number)
    }

    /// Counts one client as done.
    fn count(&mut self, took_us: u64) {
        if let Some(task) = &mut self.task {
            task.took_us.push(took_us);
        }
    }

    fn send(&mut self, number: u32, path: PathId, to: SocketAddr, data: &[u8]) -> Result<(), String> {
        let from = address_of(number, path).into();
        let Err(failure) = self.socket.send_gso(to, Some(from), data, data.len()) else { return Ok(()) };
        match failure.error {
            SendError::WouldBlock | SendError::Drop(_) => {
                self.unsent += 1;
                Ok(())
            }
            SendError::Hard(errno) => {
                Err(format!("cannot send from {from}: error {errno}; check the routes of this namespace"))
            }
        }
    }

    fn receive(&mut self) -> Result<(), String> {
        for _ in 0..BATCHES_PER_TURN {
            let count = match self.socket.recv_batch(&mut self.batch) {
                Ok(count) => count,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => break,
                Err(error) => return Err(format!("cannot read the socket: {error}")),
            };
            let mut heard = Vec::with_capacity(count);
            for message in self.batch.messages() {
                let Some((number, path)) = message.local.and_then(owner_of) else { continue };
                let Some(client) = self.clients.get_mut(number as usize) else { continue };
                let at = message.at_us;
                let answered = message.datagrams().filter_map(|datagram| client.receive(at, path, datagram)).last();
                heard.push((at, number, answered));
            }
            for (at, number, answered) in heard {
                if let Some(took_us) = answered
                    && self.task.as_ref().is_some_and(|task| matches!(task.op, Op::Ping { .. }))
                {
                    self.count(took_us);
                }
                self.settle(at, number)?;
            }
            if count < MESSAGES_MAX {
                break;
            }
        }
        Ok(())
    }

    fn on_deadlines(&mut self) -> Result<(), String> {
        let now = boot_us();
        for _ in 0..DUE_PER_TURN {
            let Some(Reverse((at, number))) = self.deadlines.peek().copied().filter(|Reverse((at, _))| *at <= now)
            else {
                break;
            };
            self.deadlines.pop();
            let client = &mut self.clients[number as usize];
            if client.armed != Some(at) {
                continue;
            }
            client.armed = None;
            client.on_deadline(now)?;
            self.settle(now, number)?;
        }
        Ok(())
    }

    /// Lets a client act on its reports, sends its datagrams, and schedules its next deadline.
    fn settle(&mut self, now: u64, number: u32) -> Result<(), String> {
        let client = &mut self.clients[number as usize];
        let news = client.decide(now, &mut self.troubles)?;
        let leaving: Vec<Transmit> = std::iter::from_fn(|| client.transmit()).collect();
        for Transmit { route, data, .. } in leaving {
            self.send(number, route.socket, route.remote, &data)?;
        }
        let client = &mut self.clients[number as usize];
        match (news, &mut self.task) {
            (Some(News::Attached), Some(task)) if task.op.attaches() => {
                task.took_us.push(boot_us().saturating_sub(client.since));
                task.sent += u64::from(client.sent);
            }
            (Some(News::Ended), _) => self.ended += 1,
            _ => {}
        }
        if let Some(at) = client.next_deadline()
            && client.armed.is_none_or(|armed| at < armed)
        {
            client.armed = Some(at);
            self.deadlines.push(Reverse((at, number)));
        }
        Ok(())
    }

    fn finish(&mut self) -> Option<Answer> {
        let now = boot_us();
        self.task.as_ref().filter(|task| task.is_done() || task.until <= now)?;
        let attached = self.clients.iter().filter(|client| client.attached()).count() as u64;
        let task = self.task.take()?;
        let (us, done) = (now - task.began, task.took_us.len() as u64);
        Some(Answer {
            ok: true,
            op: task.op.name(),
            attached,
            done,
            missing: u64::from(task.clients).saturating_sub(if task.op.attaches() { attached } else { done }),
            us,
            took_us: Spread::of(task.took_us),
            datagrams: task.sent,
            unanswered: self.troubles.unanswered - task.troubles_before.unanswered,
            denied: self.troubles.denied - task.troubles_before.denied,
            unsent: self.unsent - task.unsent_before,
            ended: self.ended,
        })
    }
}

impl Task {
    /// When the next client starts; `None` if all have started, or if too many are still dialling.
    fn next_at(&self) -> Option<u64> {
        let begun = u64::from(self.next - self.first);
        if matches!(self.op, Op::Join) && begun >= self.took_us.len() as u64 + u64::from(DIALLING_MAX) {
            return None;
        }
        let at = self.began + self.per_second.map_or(0, |rate| begun * 1_000_000 / u64::from(rate.max(1)));
        (self.next < self.clients).then_some(at)
    }

    fn is_done(&self) -> bool {
        self.next == self.clients && self.took_us.len() >= (self.clients - self.first) as usize
    }
}
