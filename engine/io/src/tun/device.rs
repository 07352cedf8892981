//! The TUN device of an engine, with one queue for each worker and the kernel program that selects the queue.

use std::{io, thread};

use jvpn_proto::messages::{EngineConfig, Role};

use crate::{
    fault::StartError,
    steering::AddressTable,
    tun::{Tun, TunError},
};

/// With more workers, the single core thread would be the bottleneck.
pub const WORKERS_MAX: u8 = 16;
/// With fewer processors, the core thread and the kernel leave none for a second worker.
const PROCESSORS_FOR_WORKERS: usize = 4;

#[derive(Debug)]
pub struct Device {
    /// One queue for each worker.
    pub queues: Vec<Tun>,
    /// Only with several workers.
    pub addresses: Option<AddressTable>,
    /// Why there is only one worker although the machine has processors for more.
    pub alone_because: Option<String>,
}

impl Device {
    /// Creates the device for the configured number of workers, or for a number that suits the machine.
    pub fn create(config: &EngineConfig, offload: bool) -> Result<Self, StartError> {
        let workers = match (config.role, config.workers) {
            (Role::Client, _) => 1,
            (Role::Gateway, 0) => suitable(thread::available_parallelism().map_or(1, usize::from)),
            (Role::Gateway, wanted) => wanted,
        };
        if workers == 1 {
            return Self::alone(config, offload, None);
        }
        match Self::shared(config, offload, workers) {
            Ok(device) => Ok(device),
            Err(Refusal::Device(error)) => Err(no_tun(&config.tun, &error)),
            Err(Refusal::Steering(error)) if config.workers == 0 => Self::alone(config, offload, Some(why(&error))),
            Err(Refusal::Steering(error)) => {
                let what = format!("cannot start {workers} workers");
                Err(StartError::machine(what, why(&error), "give the gateway CAP_BPF, or set workers = 1"))
            }
        }
    }

    fn alone(config: &EngineConfig, offload: bool, alone_because: Option<String>) -> Result<Self, StartError> {
        let queue = Tun::create(&config.tun, config.mtu, offload).map_err(|error| no_tun(&config.tun, &error))?;
        Ok(Self { queues: vec![queue], addresses: None, alone_because })
    }

    fn shared(config: &EngineConfig, offload: bool, workers: u8) -> Result<Self, Refusal> {
        let addresses = AddressTable::new().map_err(Refusal::Steering)?;
        let queues = Tun::create_queues(&config.tun, config.mtu, offload, workers).map_err(Refusal::Device)?;
        addresses.steer(&queues[0], workers).map_err(Refusal::Steering)?;
        Ok(Self { queues, addresses: Some(addresses), alone_because: None })
    }
}

enum Refusal {
    Device(TunError),
    /// Steering needs more rights, and a newer kernel, than the device.
    Steering(io::Error),
}

fn why(error: &io::Error) -> String {
    format!("the kernel refuses the programs that select a packet's worker: {error}")
}

/// One processor is left to the core thread.
fn suitable(processors: usize) -> u8 {
    if processors < PROCESSORS_FOR_WORKERS { 1 } else { (processors - 1).min(usize::from(WORKERS_MAX)) as u8 }
}

fn no_tun(name: &str, error: &TunError) -> StartError {
    let hint = match error.source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => "run as root, or with CAP_NET_ADMIN",
        Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => {
            "load the kernel module: modprobe tun (for a container: give it /dev/net/tun)"
        }
        Some(libc::EBUSY | libc::EEXIST | libc::EINVAL) => {
            "another process or device uses this name (see ip link); choose another name"
        }
        _ => "check the name and the MTU of the device",
    };
    let what = format!("cannot create the TUN device {name}");
    if error.source.kind() == io::ErrorKind::InvalidInput && error.source.raw_os_error().is_none() {
        return StartError::configuration(what, error, hint);
    }
    StartError::machine(what, error, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_with_four_processors_or_more_gets_a_worker_for_each_but_one() {
        assert_eq!([1, 2, 3, 4, 8, 17, 18, 256].map(suitable), [1, 1, 1, 3, 7, 16, 16, 16]);
    }
}
