//! TAP devices: the two ends of an emulated cable.

use crate::fault::{Attempt, Fault};
use crate::netns;
use crate::sys::{done, owned};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::str::FromStr;

/// Longest name of a device, in bytes.
const NAME_MAX: usize = libc::IFNAMSIZ - 1;
/// Maximum frames that the kernel queues for us between two reads, so that a short wait for the CPU loses nothing.
const TX_QUEUE_FRAMES: i32 = 4096;
/// `_IOW('T', 226, int)` of `linux/if_tun.h`.
const TUNSETCARRIER: libc::Ioctl = 0x4004_54e2;

/// The location of one end: `IFNAME@NETNS`, or `IFNAME` in the caller's own namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub name: String,
    /// A name below `/var/run/netns`, a path, or empty.
    pub netns: String,
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (name, netns) = text.split_once('@').unwrap_or((text, ""));
        let fits = !name.is_empty() && name.len() <= NAME_MAX;
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"/:%".contains(&byte));
        let named = !text.ends_with('@') && name != "." && name != "..";
        if fits && plain && named {
            Ok(Self {
                name: name.to_owned(),
                netns: netns.to_owned(),
            })
        } else {
            Err(())
        }
    }
}

/// A hardware address of six bytes; it must not be a group address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

impl FromStr for Mac {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut mac = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut mac {
            let part = parts.next().filter(|part| part.len() == 2).ok_or(())?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| ())?;
        }
        if parts.next().is_some() || mac[0] & 1 != 0 {
            Err(())
        } else {
            Ok(Self(mac))
        }
    }
}

/// One end. The device vanishes when this value is dropped or the process ends in any way.
#[derive(Debug)]
pub struct Tap {
    pub place: Place,
    frames: OwnedFd,
    /// A socket in the device's namespace, for queries and settings.
    control: OwnedFd,
    /// `/proc/net/dev` of the device's namespace.
    counters: File,
}

impl Tap {
    /// Creates the device, down (or up, if `up`). Refuses a name that already exists.
    pub fn create(place: &Place, mac: Option<Mac>, up: bool) -> Result<Self, Fault> {
        netns::inside(&place.netns, || {
            let what = format!(
                "cannot create the TAP device {} in namespace \"{}\"",
                place.name, place.netns
            );
            let to_do = "it needs root, /dev/net/tun, and a name that is not in use in that namespace (`ip link`)";
            let tap = Self::open(place).attempt(&what, to_do)?;
            tap.configure(mac, up).attempt(&what, to_do)?;
            Ok(tap)
        })
    }

    fn open(place: &Place) -> io::Result<Self> {
        // SAFETY: the path is a C string; open returns a new descriptor.
        let frames = owned(unsafe {
            libc::open(
                c"/dev/net/tun".as_ptr(),
                libc::O_RDWR | libc::O_CLOEXEC | libc::O_NONBLOCK,
            )
        })?;
        let mut request = request(&place.name);
        request.ifr_ifru.ifru_flags =
            (libc::IFF_TAP | libc::IFF_NO_PI | libc::IFF_TUN_EXCL) as libc::c_short;
        // SAFETY: TUNSETIFF reads and writes one ifreq, which `request` is.
        done(unsafe {
            libc::ioctl(
                frames.as_raw_fd(),
                libc::TUNSETIFF as libc::Ioctl,
                &raw mut request,
            )
        })?;
        // SAFETY: socket takes integers and returns a new descriptor.
        let control = owned(unsafe {
            libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0)
        })?;
        let counters = File::open("/proc/thread-self/net/dev")?;
        Ok(Self {
            place: place.clone(),
            frames,
            control,
            counters,
        })
    }

    fn configure(&self, mac: Option<Mac>, up: bool) -> io::Result<()> {
        let mut length = request(&self.place.name);
        length.ifr_ifru.ifru_ifindex = TX_QUEUE_FRAMES; // ifr_qlen is in the same union as the index
        self.control_ioctl(libc::SIOCSIFTXQLEN, &mut length)?;
        if let Some(Mac(bytes)) = mac {
            let mut address = request(&self.place.name);
            let mut hardware = libc::sockaddr {
                sa_family: libc::ARPHRD_ETHER,
                sa_data: [0; 14],
            };
            for (slot, byte) in hardware.sa_data.iter_mut().zip(bytes) {
                *slot = byte as libc::c_char;
            }
            address.ifr_ifru.ifru_hwaddr = hardware;
            self.control_ioctl(libc::SIOCSIFHWADDR, &mut address)?;
        }
        if up {
            let mut flags = request(&self.place.name);
            self.control_ioctl(libc::SIOCGIFFLAGS, &mut flags)?;
            // SAFETY: SIOCGIFFLAGS has just filled this member.
            flags.ifr_ifru.ifru_flags =
                unsafe { flags.ifr_ifru.ifru_flags } | libc::IFF_UP as libc::c_short;
            self.control_ioctl(libc::SIOCSIFFLAGS, &mut flags)?;
        }
        Ok(())
    }

    pub fn fd(&self) -> RawFd {
        self.frames.as_raw_fd()
    }

    /// Reads one frame; `WouldBlock` if none waits.
    pub fn read(&self, frame: &mut [u8]) -> io::Result<usize> {
        // SAFETY: `frame` is valid for writing its whole length.
        let got = unsafe { libc::read(self.fd(), frame.as_mut_ptr().cast(), frame.len()) };
        usize::try_from(got).map_err(|_| io::Error::last_os_error())
    }

    /// Writes one frame to the kernel, which processes it before this call returns.
    pub fn write(&self, frame: &[u8]) -> io::Result<()> {
        // SAFETY: `frame` is valid for reading its whole length.
        let put = unsafe { libc::write(self.fd(), frame.as_ptr().cast(), frame.len()) };
        if put < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// Plugs or unplugs the cable at this end: the kernel reports the loss of the link to all watchers.
    pub fn set_carrier(&self, up: bool) -> io::Result<()> {
        let carrier = libc::c_int::from(up);
        // SAFETY: TUNSETCARRIER reads one int, which outlives the call.
        done(unsafe { libc::ioctl(self.fd(), TUNSETCARRIER, &raw const carrier) })
    }

    /// Whether the device is administratively up.
    pub fn is_up(&self) -> io::Result<bool> {
        let mut flags = request(&self.place.name);
        self.control_ioctl(libc::SIOCGIFFLAGS, &mut flags)?;
        // SAFETY: SIOCGIFFLAGS has just filled this member.
        Ok(i32::from(unsafe { flags.ifr_ifru.ifru_flags }) & libc::IFF_UP != 0)
    }

    pub fn index(&self) -> io::Result<i32> {
        let mut index = request(&self.place.name);
        self.control_ioctl(libc::SIOCGIFINDEX, &mut index)?;
        // SAFETY: SIOCGIFINDEX has just filled this member.
        Ok(unsafe { index.ifr_ifru.ifru_ifindex })
    }

    pub fn mac(&self) -> io::Result<String> {
        let mut address = request(&self.place.name);
        self.control_ioctl(libc::SIOCGIFHWADDR, &mut address)?;
        // SAFETY: SIOCGIFHWADDR has just filled this member.
        let bytes = unsafe { address.ifr_ifru.ifru_hwaddr }.sa_data;
        Ok(bytes[..6]
            .iter()
            .map(|byte| format!("{:02x}", *byte as u8))
            .collect::<Vec<_>>()
            .join(":"))
    }

    /// Frames that the kernel dropped at this end because this process did not read them in time: losses that no
    /// setting caused.
    pub fn kernel_dropped(&self) -> io::Result<u64> {
        const TX_DROPPED: usize = 11;
        let mut table = String::new();
        let mut counters = &self.counters;
        counters.rewind()?;
        counters.read_to_string(&mut table)?;
        let wanted = format!("{}:", self.place.name);
        let line = table
            .lines()
            .find_map(|line| line.trim_start().strip_prefix(&wanted));
        let dropped = line.and_then(|line| line.split_whitespace().nth(TX_DROPPED)?.parse().ok());
        dropped.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the device is gone"))
    }

    fn control_ioctl(&self, code: libc::c_ulong, request: &mut libc::ifreq) -> io::Result<()> {
        // SAFETY: all codes used here read and write one ifreq.
        done(unsafe {
            libc::ioctl(
                self.control.as_raw_fd(),
                code as libc::Ioctl,
                std::ptr::from_mut(request),
            )
        })
    }
}

fn request(name: &str) -> libc::ifreq {
    // SAFETY: ifreq is plain data; all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (slot, byte) in request.ifr_name.iter_mut().zip(name.bytes().take(NAME_MAX)) {
        *slot = byte as libc::c_char;
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_name_with_or_without_a_namespace() {
        let place = |text: &str| text.parse::<Place>().map(|place| (place.name, place.netns));
        assert_eq!(place("wan0@client"), Ok(("wan0".into(), "client".into())));
        assert_eq!(place("wan0"), Ok(("wan0".into(), String::new())));
        assert_eq!(
            place("wan0@/proc/1/ns/net"),
            Ok(("wan0".into(), "/proc/1/ns/net".into()))
        );
        for bad in [
            "",
            "@x",
            "wan0@",
            "a/b@x",
            "0123456789abcdef@x",
            "..@x",
            "a%d@x",
            "a b@x",
        ] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_mac_has_six_bytes_and_is_no_group() {
        assert_eq!("02:00:00:00:00:0a".parse(), Ok(Mac([2, 0, 0, 0, 0, 10])));
        for bad in [
            "",
            "02:00:00:00:00",
            "02:00:00:00:00:0a:0b",
            "01:00:00:00:00:01",
            "2:0:0:0:0:1",
            "0g:00:00:00:00:01",
        ] {
            assert!(bad.parse::<Mac>().is_err(), "{bad}");
        }
    }
}
