//! Selects the worker for a packet. The kernel does it, so that no packet moves between threads.
//!
//! ```text
//!   outer datagram ─► lowest byte of its index % workers ─► that worker's socket for its kind   (classic BPF)
//!   inner packet ─► destination ─► handle of its session % workers ─► that queue of the TUN   (eBPF and our table)
//! ```
//!
//! The index has a fixed position in DATA (the receiver's index, which we chose) and in INIT (the sender's index,
//! random). Repetitions of an INIT reach the same worker, on any path. A packet that belongs to none of our sessions
//! reaches some worker, which drops it.

use std::{
    io,
    net::{IpAddr, Ipv6Addr},
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
};

use jvpn_proto::{
    messages::SessionHandle,
    wire::{INDEX_AT, TYPE_INIT},
};

/// Maximum addresses in the table: two for each client that a gateway may know. An empty table takes 4 MiB of kernel
/// memory.
const ADDRESSES_MAX: u32 = 1 << 18;

/// A classic BPF program returns its accumulator (linux/filter.h).
const BPF_A: u32 = 0x10;

/// Directs datagrams for a group of sockets (`SO_REUSEPORT`): an INIT to the second half of the sockets, anything else
/// to the first half, and there to the position of its index's worker.
pub fn by_kind_and_index(socket: &impl AsRawFd, workers: u8) -> io::Result<()> {
    let jump = |code: u32, k: u32, jt: u8, jf: u8| libc::sock_filter { code: code as u16, jt, jf, k };
    let step = |code: u32, k: u32| jump(code, k, 0, 0);
    let worker = [
        step(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, INDEX_AT as u32),
        step(libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K, u32::from(workers)),
    ];
    // A datagram that is too short ends the program with 0.
    let mut program = [
        step(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0),
        jump(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, u32::from(TYPE_INIT), 3, 0),
        worker[0],
        worker[1],
        step(libc::BPF_RET | BPF_A, 0),
        worker[0],
        worker[1],
        step(libc::BPF_ALU | libc::BPF_ADD | libc::BPF_K, u32::from(workers)),
        step(libc::BPF_RET | BPF_A, 0),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the call reads a `sock_fprog` and the program that it points to; both live until the call returns.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const filter).cast(),
            size_of_val(&filter) as libc::socklen_t,
        )
    };
    done(result.into()).map(drop)
}

/// The sessions' inner addresses, as the TUN's program reads them.
#[derive(Debug)]
pub struct AddressTable {
    map: OwnedFd,
}

impl AddressTable {
    /// Creates an empty table in the kernel. Needs CAP_BPF (or CAP_SYS_ADMIN before Linux 5.8).
    pub fn new() -> io::Result<Self> {
        /// Entries are allocated on demand (linux/bpf.h).
        const NO_PREALLOC: u32 = 1;
        let attributes = MapCreate {
            map_type: HASH,
            key_size: size_of::<Key>() as u32,
            value_size: size_of::<SessionHandle>() as u32,
            max_entries: ADDRESSES_MAX,
            map_flags: NO_PREALLOC,
        };
        // SAFETY: the attributes contain no pointer.
        Ok(Self { map: unsafe { descriptor(MAP_CREATE, &attributes)? } })
    }

    /// Assigns the address to the session, so that its worker gets the packets. Fails if the table is full; then the
    /// first worker gets the packets and drops them.
    pub fn set(&self, address: IpAddr, session: SessionHandle) -> io::Result<()> {
        self.entry(MAP_UPDATE, &key(address), Some(&mut { session })).map(drop)
    }

    pub fn get(&self, address: IpAddr) -> Option<SessionHandle> {
        let mut session = 0;
        self.entry(MAP_LOOKUP, &key(address), Some(&mut session)).ok().map(|_| session)
    }

    pub fn remove(&self, address: IpAddr) {
        // A missing entry is no fault, and a remaining entry only names a session that is gone.
        let _ = self.entry(MAP_DELETE, &key(address), None);
    }

    /// Directs each inner packet to the TUN queue at the position of the worker that the table gives, and all others to
    /// the first queue.
    pub fn steer(&self, tun: &impl AsRawFd, workers: u8) -> io::Result<()> {
        let program = self.program(workers)?;
        let mut fd = program.as_raw_fd();
        // SAFETY: the call reads one int. The device keeps the program, and the program keeps the table, after our
        // descriptors are closed.
        done(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETSTEERINGEBPF, &raw mut fd) }.into()).map(drop)
    }

    fn program(&self, workers: u8) -> io::Result<OwnedFd> {
        let code = assemble(self.map.as_raw_fd(), workers);
        let attributes = ProgramLoad {
            program_type: SOCKET_FILTER,
            instructions: code.len() as u32,
            code: code.as_ptr() as u64,
            license: c"Apache-2.0".as_ptr() as u64,
            log_level: 0,
            log_size: 0,
            log: 0,
        };
        // SAFETY: the attributes contain pointers to a program of this length and to a NUL-terminated string; both live
        // until the call returns.
        unsafe { descriptor(PROGRAM_LOAD, &attributes) }
    }

    fn entry(&self, request: libc::c_int, key: &Key, session: Option<&mut SessionHandle>) -> io::Result<libc::c_long> {
        let attributes = MapEntry {
            map: self.map.as_raw_fd().cast_unsigned(),
            zero: 0,
            key: key.as_ptr() as u64,
            value: session.map_or(0, |session| std::ptr::from_mut(session) as u64),
            flags: 0,
        };
        // SAFETY: the attributes contain pointers to a key of 16 bytes and to a value of 4 bytes or none, the sizes of
        // the table; both live until the call returns.
        unsafe { bpf(request, &attributes) }
    }
}

/// An IPv6 address, or an IPv4 address mapped into it.
type Key = [u8; 16];

fn key(address: IpAddr) -> Key {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => Ipv6Addr::octets(&v6),
    }
}

// Numbers and layouts from linux/bpf.h.

const MAP_CREATE: libc::c_int = 0;
const MAP_LOOKUP: libc::c_int = 1;
const MAP_UPDATE: libc::c_int = 2;
const MAP_DELETE: libc::c_int = 3;
const PROGRAM_LOAD: libc::c_int = 5;
const HASH: u32 = 1;
const SOCKET_FILTER: u32 = 1;

#[repr(C)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
}

#[repr(C)]
struct MapEntry {
    map: u32,
    zero: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
struct ProgramLoad {
    program_type: u32,
    instructions: u32,
    code: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
}

/// SAFETY: the attributes must be those of the request, and the pointers in them must be valid for the request.
unsafe fn bpf<T>(request: libc::c_int, attributes: &T) -> io::Result<libc::c_long> {
    // SAFETY: pointer and length describe `attributes`; the caller guarantees the rest.
    done(unsafe { libc::syscall(libc::SYS_bpf, request, std::ptr::from_ref(attributes), size_of::<T>()) })
}

/// SAFETY: as for `bpf`; the request must also create a descriptor.
unsafe fn descriptor<T>(request: libc::c_int, attributes: &T) -> io::Result<OwnedFd> {
    // SAFETY: the caller guarantees the same.
    let fd = unsafe { bpf(request, attributes)? } as RawFd;
    // SAFETY: the kernel created this descriptor for this call (close-on-exec), and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn done(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The TUN's program: it looks up the destination of an IP packet. Each instruction has 8 bytes: code, registers
/// (target in the low bits, source in the high bits), offset, constant. Source: the kernel's documentation of the
/// instruction set, and linux/bpf.h.
fn assemble(map: RawFd, workers: u8) -> [u64; 31] {
    /// Registers: the result of a call; its arguments; a register that calls preserve; the end of the stack.
    const R0: u8 = 0;
    const R1: u8 = 1;
    const R2: u8 = 2;
    const R3: u8 = 3;
    const R4: u8 = 4;
    const PACKET: u8 = 6;
    const STACK: u8 = 10;
    /// Kernel functions.
    const LOAD_BYTES: i32 = 26;
    const LOOKUP: i32 = 1;
    /// Jump targets.
    const IPV6: i16 = 13;
    const LOAD: i16 = 17;
    const END: i16 = 28;
    const NOTHING: i16 = 29;

    let step = |code: u8, target: u8, source: u8, offset: i16, constant: i32| {
        let registers = if cfg!(target_endian = "big") { target << 4 | source } else { source << 4 | target };
        let ([o0, o1], [c0, c1, c2, c3]) = (offset.to_ne_bytes(), constant.to_ne_bytes());
        u64::from_ne_bytes([code, registers, o0, o1, c0, c1, c2, c3])
    };
    let set = |target, constant| step(0xb7, target, 0, 0, constant);
    let copy = |target, source| step(0xbf, target, source, 0, 0);
    let add = |target, constant| step(0x07, target, 0, 0, constant);
    let clear8 = |offset| step(0x7a, STACK, 0, offset, 0);
    let call = |function| step(0x85, 0, 0, 0, function);
    let jump = |here: i16, to: i16| step(0x05, 0, 0, to - here - 1, 0);
    let jump_if = |here: i16, is: i32, to: i16| step(0x15, R0, 0, to - here - 1, is);
    let jump_unless = |here: i16, is: i32, to: i16| step(0x55, R0, 0, to - here - 1, is);
    let end = step(0x95, 0, 0, 0, 0);
    [
        copy(PACKET, R1),
        // The key is the last 16 bytes of the stack.
        clear8(-16),
        clear8(-8),
        step(0x30, 0, 0, 0, 0), // R0 = the packet's first byte; without one the program ends with 0
        step(0x77, R0, 0, 0, 4), // R0 >>= 4: the IP version
        jump_if(5, 6, IPV6),
        jump_unless(6, 4, NOTHING),
        // IPv4: 4 bytes at 16, after ::ffff:
        step(0x6a, STACK, 0, -6, 0xffff),
        set(R2, 16),
        copy(R3, STACK),
        add(R3, -4),
        set(R4, 4),
        jump(12, LOAD),
        // IPv6: 16 bytes at 24
        set(R2, 24),
        copy(R3, STACK),
        add(R3, -16),
        set(R4, 16),
        copy(R1, PACKET),
        call(LOAD_BYTES),
        jump_unless(19, 0, NOTHING),
        step(0x18, R1, 1, 0, map), // R1 = the table; this is two instructions long
        step(0, 0, 0, 0, 0),
        copy(R2, STACK),
        add(R2, -16),
        call(LOOKUP),
        jump_if(25, 0, END),
        step(0x61, R0, R0, 0, 0),                 // R0 = the handle that R0 points to
        step(0x94, R0, 0, 0, i32::from(workers)), // R0 %= workers, here because the kernel uses 16 bits of the result
        end,
        set(R0, 0),
        end,
    ]
}
