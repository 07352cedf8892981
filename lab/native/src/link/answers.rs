//! The answers of a running link on stdout, one JSON object per line.

use super::lane::Stats;
use crate::clock::{self, BootUs};
use crate::pcap::Written;
use serde::Serialize;

#[derive(Debug, Serialize)]
/// One end, as the kernel created it.
pub struct End {
    pub name: String,
    pub netns: String,
    pub ifindex: i32,
    pub mac: String,
}

#[derive(Debug, Serialize)]
pub struct Ready {
    pub ok: bool,
    pub op: &'static str,
    pub boot_us: BootUs,
    pub seed: u64,
    pub a: End,
    pub b: End,
}

#[derive(Debug, Serialize)]
pub struct Done {
    pub ok: bool,
    pub op: &'static str,
    pub boot_us: BootUs,
    /// When each direction applied the change, if the command can concern both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ab_boot_us: Option<BootUs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ba_boot_us: Option<BootUs>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub ok: bool,
    pub op: &'static str,
    #[serde(rename = "boot_us")]
    pub boot_us: BootUs,
    pub seed: u64,
    pub ab: Box<Stats>,
    pub ba: Box<Stats>,
    /// Frames that the kernel dropped at each end before this process could read them.
    pub kernel_dropped: KernelDropped,
    pub pcap: Option<Written>,
}

#[derive(Debug, Serialize)]
pub struct KernelDropped {
    pub a: u64,
    pub b: u64,
}

impl Done {
    pub fn now(op: &'static str) -> Self {
        Self {
            ok: true,
            op,
            boot_us: clock::boot_us(),
            ab_boot_us: None,
            ba_boot_us: None,
        }
    }
}
