//! The same task where a worker may not have the memory for three copies.
//!
//! A bound on address space (`ulimit -v`) is the one that needs no privileges. The pool starts a
//! script that bounds itself and then becomes the worker.

use crate::error::{Error, Result};
use crate::lab::Bench;
use crate::lab::folder::Folder;
use crate::lab::haul::{self, Haul, Input, Order, Packer, Way};
use crate::lab::work::failed;
use crate::pool::{JobError, Pool};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What became of a task under the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Done,
    /// Its worker died.
    Died,
    /// It panicked, and its worker lives on.
    Panicked,
    /// It, or its answer, could not be turned into bytes or back.
    NotUnderstood,
    /// No worker could be started under a limit.
    NotTried,
}

/// What a worker has in address space at rest, in bytes.
fn address_space_at_rest() -> Result<u64> {
    let pool = haul::pool(1, true, None)?;
    let pid = pool.pids().list().first().copied().unwrap_or(0);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(failed)?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let kilobytes = kilobytes.ok_or_else(|| failed("the kernel does not tell a worker's size"))?;
    Ok(kilobytes * 1024)
}

/// A worker, which needs no more than any other.
const SCRIPT: &str = "#!/bin/sh
ulimit -c 0
ulimit -v \"$FRAMEHAUL_LAB_KILOBYTES\" || exit 1
exec \"$FRAMEHAUL_LAB_EXE\" \"$@\" 2>/dev/null
";

/// A task on these data by each way, in workers that may have twice their size of memory beside
/// what they have at rest.
pub(super) fn try_all(bench: &Bench, folder: &Folder, data: &Arc<Vec<u16>>) -> Result<[Ended; 3]> {
    let bytes = 2 * data.len();
    let script = folder.join("limited");
    write_script(&script).map_err(Error::io(&script, "cannot write"))?;
    let kilobytes = (address_space_at_rest()? + 2 * bytes as u64) / 1024;
    let mut all = [Ended::NotTried; 3];
    for (ended, way) in all.iter_mut().zip(Way::ALL) {
        bench.phase(&format!("{} under a memory limit", way.name()))?;
        *ended = try_one(way, data, &script, kilobytes)?;
    }
    Ok(all)
}

fn write_script(path: &Path) -> std::io::Result<()> {
    std::fs::write(path, SCRIPT)?;
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o700))
}

fn try_one(way: Way, data: &Arc<Vec<u16>>, script: &PathBuf, kilobytes: u64) -> Result<Ended> {
    let slots = match way {
        Way::Shared => Some(haul::slots(1, 2 * data.len())?),
        Way::Payload | Way::PayloadRaw => None,
    };
    let input = match (&slots, way) {
        (Some(slots), _) => Input::Shared(haul::written(slots, data)?),
        (None, Way::PayloadRaw) => Input::PayloadRaw(data.clone()),
        (None, _) => Input::Payload(data.clone()),
    };
    let at = slots.as_ref().map(|slots| slots.whereabouts()).transpose();
    let exe = std::env::current_exe().map_err(failed)?;
    let pool = Pool::<Haul>::processes(1)
        .pack(Packer { by_channel: true })
        .max_deaths(1)
        .exe(script)
        .env("FRAMEHAUL_LAB_EXE", exe)
        .env("FRAMEHAUL_LAB_KILOBYTES", kilobytes.to_string())
        .start(at.map_err(failed)?);
    let Ok(pool) = pool else {
        return Ok(Ended::NotTried);
    };
    match pool.submit(Order::of(input, 0)).wait() {
        Ok(_) => Ok(Ended::Done),
        Err(JobError::WorkerDied(_)) => Ok(Ended::Died),
        Err(JobError::Panicked(_)) => Ok(Ended::Panicked),
        Err(JobError::NotUnderstood(_)) => Ok(Ended::NotUnderstood),
        Err(other) => Err(failed(other)),
    }
}
