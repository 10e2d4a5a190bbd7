//! The reason for the pool's keepers, in its smallest form.

use framehaul::sys::signal;
use ipc_channel::ipc::{self, IpcOneShotServer, IpcSender};
use libtest_mimic::Failed;
use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

/// The child of [`the_hang`]: hands out a channel's sending end, receives one small message from
/// it to show that it works, and then does nothing any more.
pub(crate) fn receive_and_stop() -> ! {
    let server = std::env::args().nth(2).unwrap();
    let (sender, receiver) = ipc::bytes_channel().unwrap();
    IpcSender::connect(server).unwrap().send(sender).unwrap();
    receiver.recv().unwrap();
    println!("received");
    loop {
        std::thread::park();
    }
}

/// The reason for the pool's keepers, in its smallest form: a large message is under way to a
/// process that dies. `send` keeps a copy of the receiving end of its own, so the kernel sees a
/// socket that still has a reader, and the call never returns; a signal whose handler lacks
/// SA_RESTART is what ends it.
pub(crate) fn the_hang() -> Result<(), Failed> {
    let (server, name) = IpcOneShotServer::<ipc::IpcBytesSender>::new()?;
    let mut child = Command::new("/proc/self/exe")
        .args(["receive-and-stop", &name])
        .stdout(Stdio::piped())
        .spawn()?;
    let (_, sender) = server.accept()?;
    sender.send(b"a small one")?;
    let mut said = [0; 9];
    child
        .stdout
        .take()
        .ok_or("no pipe")?
        .read_exact(&mut said)?;

    signal::prepare_nudge();
    let (tell, told) = channel();
    let sending = std::thread::spawn(move || {
        let task = fs::read_link("/proc/thread-self").unwrap();
        tell.send(task.file_name().unwrap().to_string_lossy().into_owned())
            .unwrap();
        sender.send(&vec![1; 20_000_000])
    });
    let task = told.recv()?;
    // Asleep in `sendto` (44), not just on its way there.
    let blocked = || {
        let path = format!("/proc/self/task/{task}/syscall");
        fs::read_to_string(path).is_ok_and(|call| call.starts_with("44 "))
    };
    while !blocked() {
        std::thread::yield_now();
    }
    child.kill()?;
    child.wait()?;
    // The child is reaped, all of its descriptors are closed: nothing is left that could wake it.
    assert!(
        blocked() && !sending.is_finished(),
        "ipc-channel no longer hangs: simplify the keeper"
    );
    while !sending.is_finished() {
        signal::nudge(&sending);
        std::thread::yield_now();
    }
    let error = sending.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Interrupted);
    Ok(())
}
