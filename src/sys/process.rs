//! Worker processes: started so that they cannot outlive us, killed and reaped without races.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// A child process, from its start until it is reaped.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    pidfd: OwnedFd,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => match signal_name(signal) {
                Some(name) => write!(f, "killed by {name}"),
                None => write!(f, "killed by signal {signal}"),
            },
        }
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        // Of a process that has ended, it is one or the other.
        match status.signal() {
            Some(signal) => Self::Signal(signal),
            None => Self::Code(status.code().unwrap_or_default()),
        }
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        libc::SIGKILL => "SIGKILL",
        libc::SIGBUS => "SIGBUS",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGABRT => "SIGABRT",
        libc::SIGTERM => "SIGTERM",
        libc::SIGILL => "SIGILL",
        libc::SIGINT => "SIGINT",
        libc::SIGHUP => "SIGHUP",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGXCPU => "SIGXCPU",
        _ => return None,
    })
}

/// What a process is started with, beside its arguments.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Variables set or changed in the environment that it inherits.
    pub env: Vec<(OsString, OsString)>,
    /// Its working directory, if not this process's.
    pub dir: Option<PathBuf>,
}

/// Starts `exe` with `args`, in a process group of its own (a Ctrl-C at the terminal reaches the
/// parent alone), without standard input and output, with `inherited` left open under its number.
///
/// The kernel kills the child when **the calling thread** ends (PR_SET_PDEATHSIG is tied to the
/// thread, not the process): call it from a thread that then waits for the child.
pub fn spawn(
    exe: &Path,
    args: impl IntoIterator<Item: AsRef<OsStr>>,
    surroundings: &Surroundings,
    inherited: Option<BorrowedFd<'_>>,
) -> io::Result<Process> {
    let mut command = command(exe, args, surroundings);
    command.stdout(Stdio::null());
    start(command, inherited).map(|(process, _)| process)
}

/// Starts `program` (a path, or a name that is looked up on PATH) like [`spawn`], which see for the
/// calling thread: the process, and the ends to read its standard output and standard error from.
#[cfg(feature = "video")]
pub fn spawn_piped(
    program: &Path,
    args: impl IntoIterator<Item: AsRef<OsStr>>,
    surroundings: &Surroundings,
) -> io::Result<(Process, [OwnedFd; 2])> {
    let mut command = command(program, args, surroundings);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (process, child) = start(command, None)?;
    let (Some(out), Some(err)) = (child.stdout, child.stderr) else {
        unreachable!("both were asked for");
    };
    Ok((process, [out.into(), err.into()]))
}

fn command(
    exe: &Path,
    args: impl IntoIterator<Item: AsRef<OsStr>>,
    surroundings: &Surroundings,
) -> Command {
    let mut command = Command::new(exe);
    if let Some(dir) = &surroundings.dir {
        command.current_dir(dir);
    }
    command
        .args(args)
        .envs(surroundings.env.iter().map(|(name, value)| (name, value)));
    command
}

/// Starts what `command` says, in a process group of its own and bound to the calling thread.
fn start(mut command: Command, inherited: Option<BorrowedFd<'_>>) -> io::Result<(Process, Child)> {
    command.stdin(Stdio::null()).process_group(0);
    let (fd, parent) = (inherited.map(|fd| fd.as_raw_fd()), std::process::id());
    // SAFETY: between fork and exec the closure makes only async-signal-safe system calls and
    // allocates nothing; `fd` is borrowed for the whole of `start`.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have died before the line above took effect.
            if libc::getppid() as u32 != parent {
                libc::_exit(1);
            }
            if let Some(fd) = fd
                && libc::fcntl(fd, libc::F_SETFD, 0) != 0
            {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
    let mut child = command.spawn()?;
    let pid = child.id();
    // SAFETY: plain system call; the child was not reaped yet, so the id is still its own.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0) };
    if pidfd < 0 {
        let error = io::Error::last_os_error();
        let _ = child.kill();
        let _ = child.wait();
        return Err(error);
    }
    // SAFETY: just returned by the kernel, owned by nobody else.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd as libc::c_int) };
    Ok((Process { pid, pidfd }, child))
}

impl Process {
    /// Its process id.
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Kills it with SIGKILL; does nothing if it has ended already, reaped or not.
    pub fn kill(&self) {
        self.signal(libc::SIGKILL);
    }

    /// Asks it to end with SIGTERM, which it may heed or not.
    #[cfg(feature = "cli")]
    pub fn ask_to_end(&self) {
        self.signal(libc::SIGTERM);
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: the descriptor names this very process even after its id was reused.
        unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.pidfd.as_raw_fd(),
                signal,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            );
        }
    }

    /// Kills it and what it has started, as far as that is in its process group still.
    ///
    /// To be called before [`wait`](Self::wait), dead or alive: until it is reaped, no other group can
    /// have its number.
    #[cfg(feature = "video")]
    pub fn kill_group(&self) {
        // SAFETY: a plain system call; the leader is not reaped, so the group is its own.
        unsafe { libc::kill(-(self.pid as libc::pid_t), libc::SIGKILL) };
    }

    /// Waits up to `timeout` for its end, without reaping it: how it ended, once it has.
    ///
    /// To be called before [`wait`](Self::wait).
    #[cfg(feature = "video")]
    pub fn ended(&self, timeout: std::time::Duration) -> io::Result<Option<Exit>> {
        match super::poll::readable([self.as_fd()], timeout) {
            Ok([true]) => {}
            Err(e) if e.kind() != io::ErrorKind::Interrupted => return Err(e),
            Ok([false]) | Err(_) => return Ok(None),
        }
        // SAFETY: all zeros is a valid siginfo_t.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        // SAFETY: `info` is writable; the child is ours and not reaped, so the id is still its own.
        if unsafe { libc::waitid(libc::P_PID, self.pid, &raw mut info, how) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: waitid has filled in, or left at zero, what belongs to a child's end.
        let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
        let exit = match info.si_code {
            libc::CLD_EXITED => Exit::Code(status),
            _ => Exit::Signal(status),
        };
        Ok((pid != 0).then_some(exit))
    }

    /// Waits for its end and reaps it: how it ended, and the resources it used.
    ///
    /// To be called once; a second call would find no child and says so.
    pub fn wait(&self) -> io::Result<(Exit, libc::rusage)> {
        let mut status = 0;
        // SAFETY: zeroed is a valid rusage; both out-pointers are valid for the call.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        loop {
            // SAFETY: as above; the child is ours and was not reaped yet.
            let rc = unsafe { libc::wait4(self.pid as libc::pid_t, &mut status, 0, &mut usage) };
            if rc >= 0 {
                break;
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        let exit = Exit::from(ExitStatus::from_raw(status));
        Ok((exit, usage))
    }
}

/// Can be read when the process has ended, reaped or not.
impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// Has `last` called when this process exits by itself, by `exit` or by the end of `main`. It is not
/// to panic.
pub fn at_exit(last: extern "C" fn()) {
    // SAFETY: it takes any function pointer; what fails for want of memory is not called.
    unsafe { libc::atexit(last) };
}
