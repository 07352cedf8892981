//! The TUN device of an engine: one queue for each worker, and the kernel's part of choosing between them.

use std::io;

use jvpn_proto::messages::{EngineConfig, Role};

use crate::{
    fault::StartError,
    steering::AddressTable,
    tun::{Tun, TunError},
};

/// More would wait for the one thread that decides.
pub const WORKERS_MAX: u8 = 16;
/// With fewer processors a second worker takes more from the other threads and the kernel than it gives.
const PROCESSORS_FOR_WORKERS: usize = 4;

/// The step that needs a right beyond that to create devices.
const STEERING: &str = "steering";

#[derive(Debug)]
pub struct Device {
    /// One for each worker.
    pub queues: Vec<Tun>,
    /// With several.
    pub addresses: Option<AddressTable>,
    /// Why there is one worker where the machine has processors for more.
    pub alone_because: Option<String>,
}

impl Device {
    /// Creates the device for as many workers as are configured, or suit the machine.
    pub fn create(config: &EngineConfig, offload: bool) -> Result<Self, StartError> {
        let workers = match (config.role, config.workers) {
            (Role::Client, _) => 1,
            (Role::Gateway, 0) => suitable(),
            (Role::Gateway, wanted) => wanted,
        };
        if workers == 1 {
            return Self::alone(config, offload, None);
        }
        match Self::shared(config, offload, workers) {
            Ok(device) => Ok(device),
            Err(error) if config.workers == 0 => Self::alone(config, offload, Some(error.to_string())),
            Err(error) if error.step == STEERING => Err(StartError::machine(
                format!("cannot start {workers} workers"),
                error.source,
                "give the gateway CAP_BPF, or set workers = 1",
            )),
            Err(error) => Err(no_tun(&config.tun, &error)),
        }
    }

    fn alone(config: &EngineConfig, offload: bool, alone_because: Option<String>) -> Result<Self, StartError> {
        let queue = Tun::create(&config.tun, config.mtu, offload).map_err(|error| no_tun(&config.tun, &error))?;
        Ok(Self { queues: vec![queue], addresses: None, alone_because })
    }

    fn shared(config: &EngineConfig, offload: bool, workers: u8) -> Result<Self, TunError> {
        let steering = |source| TunError { step: STEERING, source };
        let addresses = AddressTable::new().map_err(steering)?;
        let queues = Tun::create_queues(&config.tun, config.mtu, offload, workers)?;
        if let Some(queue) = queues.first() {
            addresses.steer(queue).map_err(steering)?;
        }
        Ok(Self { queues, addresses: Some(addresses), alone_because: None })
    }
}

/// One processor is left to the thread that decides.
fn suitable() -> u8 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    if processors < PROCESSORS_FOR_WORKERS { 1 } else { (processors - 1).min(usize::from(WORKERS_MAX)) as u8 }
}

fn no_tun(name: &str, error: &TunError) -> StartError {
    let hint = match error.source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => "run as root, or with CAP_NET_ADMIN",
        Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => {
            "load the kernel module: modprobe tun (in a container, pass /dev/net/tun in)"
        }
        Some(libc::EBUSY | libc::EEXIST | libc::EINVAL) => {
            "another process or device has this name: ip link; choose another"
        }
        _ => "check the name and the MTU of the device",
    };
    let what = format!("cannot create the TUN device {name}");
    if error.source.kind() == io::ErrorKind::InvalidInput && error.source.raw_os_error().is_none() {
        return StartError::configuration(what, error, hint);
    }
    StartError::machine(what, error, hint)
}
