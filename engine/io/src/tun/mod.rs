//! The TUN device: created with virtio headers, and removed when the process ends.

pub(crate) mod device;

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use crate::offload::{FrameSink, VIRTIO_LEN, WriteOffload};

/// Maximum packets that wait for us in the kernel. The default of 500 is less than one burst of 1 kHz flows on a busy
/// machine.
const TX_QUEUE_LEN: libc::c_int = 2000;
/// Below this MTU the kernel removes IPv6 addresses and does not restore them.
const MTU_MIN: u16 = 1280;

const TCP: libc::c_uint = libc::TUN_F_TSO4 | libc::TUN_F_TSO6;
/// The kernel accepts both families or none.
const UDP: libc::c_uint = libc::TUN_F_USO4 | libc::TUN_F_USO6;

/// Feature sets that kernels support, best first. USO needs Linux 6.2.
const OFFERS: [libc::c_uint; 5] = [
    libc::TUN_F_CSUM | TCP | libc::TUN_F_TSO_ECN | UDP,
    libc::TUN_F_CSUM | TCP | libc::TUN_F_TSO_ECN,
    libc::TUN_F_CSUM | TCP,
    libc::TUN_F_CSUM,
    0,
];

const NAMES: [(libc::c_uint, &str); 5] = [
    (libc::TUN_F_CSUM, "tun_csum"),
    (libc::TUN_F_TSO4, "tun_tso4"),
    (libc::TUN_F_TSO6, "tun_tso6"),
    (libc::TUN_F_USO4, "tun_uso4"),
    (libc::TUN_F_USO6, "tun_uso6"),
];

/// The step at which the device could not be created or set up.
#[derive(Debug)]
pub struct TunError {
    pub step: &'static str,
    pub source: io::Error,
}

/// One queue of a running device: non-blocking, without addresses or routes.
#[derive(Debug)]
pub struct Tun {
    file: File,
    name: String,
    offload: libc::c_uint,
}

impl Tun {
    /// Creates the device in the network namespace of the calling thread and brings it up. `name`: 1 to 15 bytes, not
    /// in use by another interface. `mtu` ≥ 1280. Without `offload` every frame is one whole packet with a complete
    /// checksum, in both directions.
    pub fn create(name: &str, mtu: u16, offload: bool) -> Result<Self, TunError> {
        Self::make(name, mtu, offload, 0)
    }

    /// Creates the same device with one queue for each of several threads. Without [`crate::steering`] the kernel
    /// distributes flows over the queues.
    pub fn create_queues(name: &str, mtu: u16, offload: bool, queues: u8) -> Result<Vec<Self>, TunError> {
        let first = Self::make(name, mtu, offload, libc::IFF_MULTI_QUEUE)?;
        let more = (1..queues).map(|_| first.another_queue()).collect::<Result<Vec<_>, _>>()?;
        Ok(std::iter::once(first).chain(more).collect())
    }

    fn another_queue(&self) -> Result<Self, TunError> {
        let (file, _) = open(&self.name, libc::IFF_MULTI_QUEUE)?;
        Ok(Self { file, name: self.name.clone(), offload: self.offload })
    }

    fn make(name: &str, mtu: u16, offload: bool, flags: libc::c_int) -> Result<Self, TunError> {
        if mtu < MTU_MIN {
            return Err(at("mtu")(io::Error::new(io::ErrorKind::InvalidInput, "below 1280")));
        }
        let (file, mut request) = open(name, flags | libc::IFF_TUN_EXCL)?;
        keep_for_ourselves(&file).map_err(at("owner"))?;
        let mut virtio_len = libc::c_int::try_from(VIRTIO_LEN).unwrap_or_default();
        ioctl(&file, libc::TUNSETVNETHDRSZ, &mut virtio_len).map_err(at("virtio header"))?;

        let control = control_socket().map_err(at("control socket"))?;
        request.ifr_ifru.ifru_mtu = libc::c_int::from(mtu);
        ioctl(&control, libc::SIOCSIFMTU, &mut request).map_err(at("mtu"))?;
        // `ifr_qlen` is another name of the same integer.
        request.ifr_ifru.ifru_mtu = TX_QUEUE_LEN;
        ioctl(&control, libc::SIOCSIFTXQLEN, &mut request).map_err(at("queue length"))?;
        let offload = if offload { probe(&file) } else { 0 };
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
        ioctl(&control, libc::SIOCSIFFLAGS, &mut request).map_err(at("up"))?;
        Ok(Self { file, name: name.to_owned(), offload })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads one frame: virtio header and packet; `WouldBlock` if there is none. A frame longer than the buffer is
    /// truncated, so the buffer should have [`crate::offload::FRAME_MAX`] bytes.
    pub fn read(&self, frame: &mut [u8]) -> io::Result<usize> {
        (&self.file).read(frame)
    }

    /// What the kernel accepts in one write.
    pub fn write_offload(&self) -> WriteOffload {
        WriteOffload {
            checksum: self.offload & libc::TUN_F_CSUM != 0,
            tcp: self.offload & TCP == TCP,
            udp: self.offload & UDP == UDP,
        }
    }

    /// Names of the features in use, such as `tun_tso4`.
    pub fn capabilities(&self) -> Vec<&'static str> {
        NAMES.iter().filter(|(bit, _)| self.offload & bit != 0).map(|(_, name)| *name).collect()
    }
}

impl FrameSink for &Tun {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        (&self.file).write_vectored(parts).map(drop)
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl AsRawFd for Tun {
    fn as_raw_fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl std::fmt::Display for TunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.step, self.source)
    }
}

impl std::error::Error for TunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

fn at(step: &'static str) -> impl FnOnce(io::Error) -> TunError {
    move |source| TunError { step, source }
}

/// Opens a queue of the device with this name, which is created if there is none. Also returns the request.
fn open(name: &str, flags: libc::c_int) -> Result<(File, libc::ifreq), TunError> {
    let mut request = named(name).map_err(at("name"))?;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open("/dev/net/tun")
        .map_err(at("open /dev/net/tun"))?;
    // All flags are in the low 16 bits; the highest flag is the sign bit.
    let flags = libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_VNET_HDR | flags;
    request.ifr_ifru.ifru_flags = flags as libc::c_short;
    ioctl(&file, libc::TUNSETIFF, &mut request).map_err(at("create"))?;
    Ok((file, request))
}

/// Only root and our own user may open another queue of the device. Without an owner, every user could open one if the
/// device has several queues.
fn keep_for_ourselves(file: &File) -> io::Result<()> {
    // SAFETY: both calls take integers by value and touch no memory of ours.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETOWNER, libc::c_ulong::from(libc::geteuid())) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn probe(file: &File) -> libc::c_uint {
    let taken = |offer: &libc::c_uint| {
        // SAFETY: TUNSETOFFLOAD takes its argument by value and touches no memory of ours.
        let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETOFFLOAD, libc::c_ulong::from(*offer)) };
        result == 0
    };
    OFFERS.into_iter().find(taken).unwrap_or(0)
}

fn named(name: &str) -> io::Result<libc::ifreq> {
    let bytes = name.as_bytes();
    // The kernel would replace `%d` with a number of its choice.
    let refused = |byte: &u8| !byte.is_ascii_graphic() || matches!(byte, b'/' | b'%' | b':');
    if bytes.is_empty() || bytes.len() >= libc::IFNAMSIZ || name == "." || name == ".." || bytes.iter().any(refused) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "1 to 15 printable characters without / % :"));
    }
    // SAFETY: `ifreq` is plain data; all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(bytes) {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    Ok(request)
}

fn ioctl<T>(fd: &impl AsRawFd, request: libc::Ioctl, argument: &mut T) -> io::Result<()> {
    // SAFETY: every request used in this file reads or writes at most its `T`: `ifreq` for the interface requests,
    // `c_int` for the length of the virtio header. The reference is valid for the call.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request, std::ptr::from_mut(argument)) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn control_socket() -> io::Result<OwnedFd> {
    // SAFETY: no pointers; a non-negative result is a descriptor that nothing else owns.
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd)) }
    }
}
