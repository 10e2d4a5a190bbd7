"""What the experiments beside it share: their arguments, time, work, data, and how figures are printed.

Each experiment is a script `NAME.py` that calls `run(measure)`: `measure(bench)` returns figures by
key, the same keys as those of `framehaul lab NAME`. Printed is one JSON object:

    {"figures": {key: number}, "python": "3.11.2, NumPy 2.1.0, fork", "notes": [sentence]}

Figures that mean nothing in Python are left out, as are those for which there is no room; a note says
so where it is not plain. Times are in seconds. Needs NumPy and Python 3.9.
"""

import argparse
import ctypes
import json
import math
import multiprocessing
import os
import platform
import signal
import statistics
import sys
import tempfile
import time

import numpy as np

now = time.perf_counter  # the same clock in all processes


def run(measure):
    """Parses the arguments, measures, and prints the figures."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="some seconds instead of half a minute")
    # Forking is what the lecture's Pool does on Linux; workers that are spawned do the same.
    methods = multiprocessing.get_all_start_methods()
    default = "fork" if "fork" in methods else methods[0]
    parser.add_argument("--start-method", choices=methods, default=default)
    arguments = parser.parse_args()
    multiprocessing.set_start_method(arguments.start_method)
    # Who is told to end ends its workers and removes its files; these end at once.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
        parents = []
        os.register_at_fork(before=lambda: parents.append(os.getpid()),
                            after_in_parent=parents.pop,
                            after_in_child=lambda: _end_with(parents.pop()))
    bench = Bench(arguments.quick)
    figures = measure(bench)
    # What was never seen has no figure: JSON has no number for it.
    figures = {key: float(value) for key, value in figures.items() if math.isfinite(value)}
    print(json.dumps({
        "figures": figures,
        "python": f"{platform.python_version()}, NumPy {np.__version__}, {arguments.start_method}",
        "notes": bench.notes,
    }))


def _end_with(parent=None):
    """Has the kernel kill this process when the one that started it is gone: who is killed itself can
    tell nobody, and workers would wait for it for ever."""
    if not sys.platform.startswith("linux"):
        return
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    # It may have gone before the line above took effect.
    if parent is not None and os.getppid() != parent:
        os._exit(1)


# Who was not forked but started anew has not come through `run`.
if multiprocessing.parent_process() is not None:
    _end_with()


class Bench:
    """How thoroughly to measure, and what is to be said of it."""

    def __init__(self, quick):
        self.quick = quick
        self.notes = []
        self.processors = processors()
        self._steps_a_second = None

    def pick(self, quick, thorough):
        return quick if self.quick else thorough

    def note(self, sentence):
        if sentence not in self.notes:
            self.notes.append(sentence)

    def phase(self, what):
        print(what, file=sys.stderr, flush=True)

    def steps(self, seconds):
        """Steps of `burn` that take so long, undisturbed: by the fastest of many short tries."""
        if self._steps_a_second is None:
            begin, fastest = now(), math.inf
            while now() - begin < 0.4:
                fastest = min(fastest, timed(burn, 10_000))
            self._steps_a_second = 10_000 / fastest
        return max(1, int(seconds * self._steps_a_second))

    def in_turns(self, seconds, *acts, least=None):
        """Does all of these in turns for so many seconds, and so many times at least.

        Returns the times of each. A moment in which the machine is slow is so for all of them.
        """
        least = least or self.pick(2, 3)
        taken = [[] for _ in acts]
        begin = now()
        while len(taken[0]) < least or now() - begin < seconds:
            for act, times in zip(acts, taken):
                times.append(timed(act))
        return taken

    def medians(self, seconds, *acts, least=None):
        return [median(times) for times in self.in_turns(seconds, *acts, least=least)]

    def has_memory(self, needed, what):
        """Whether so many bytes are available; a note says if not."""
        available = available_memory()
        if available is None or available >= needed:
            return True
        self.note(f"{what}: left out, it takes {needed / 1e9:.1f} GB of memory, and "
                  f"{available / 1e9:.1f} GB are available")
        return False


def processors():
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def timed(act, *arguments):
    begin = now()
    act(*arguments)
    return now() - begin


def median(times):
    """Of no times at all it is not a number, which `run` leaves out."""
    return statistics.median(times) if times else math.nan


def burn(steps):
    """Work that needs nothing but a processor, in the interpreter, as the lecture's tasks do."""
    while steps > 0:
        steps -= 1


def nothing(_=None):
    pass


def warm_up(pool, workers):
    """Returns when the workers of a pool have had something to do."""
    pool.map(burn, [1_000] * (4 * workers), chunksize=1)


def process(target, *arguments, **options):
    """One that does not outlive this process; not started yet."""
    return multiprocessing.Process(target=target, args=arguments, kwargs=options, daemon=True)


def is_there(pid):
    """Whether there is such a process, be it as a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# ---- data ---------------------------------------------------------------------------------------

# One period of the samples: as different as a picture's.
_PERIOD = (np.arange(1 << 16, dtype=np.uint32) * 40_503).astype(np.uint16)


def fill(samples):
    """Writes all of these samples."""
    whole = len(samples) // len(_PERIOD) * len(_PERIOD)
    samples[:whole].reshape(-1, len(_PERIOD))[:] = _PERIOD
    samples[whole:] = _PERIOD[:len(samples) - whole]
    return samples


def array(size):
    """So many bytes of samples, a multiple of eight."""
    return fill(np.empty(size // 2, np.uint16))


def touch(samples):
    """Reads all of it."""
    return int(samples.view(np.uint64).sum())


def shared_array(bench, size):
    """So many bytes that workers inherit or are given when they start.

    It is a `multiprocessing.Array` without a lock: unlike a `SharedMemory`, of which a small
    /dev/shm does not have enough, it lies in a file for temporary files then.
    """
    place = "/dev/shm"
    if os.path.isdir(place):
        status = os.statvfs(place)
        if status.f_bavail * status.f_frsize < size:
            bench.note(f"{place} has no room for an array of {size / 1e6:.0f} MB: it is shared in a "
                       f"file in {tempfile.gettempdir()}")
    return multiprocessing.RawArray("B", size)


def samples_of(shared):
    """A shared array as NumPy sees it."""
    return np.frombuffer(shared, np.uint16)


# ---- memory -------------------------------------------------------------------------------------


def _kilobytes(path, field):
    try:
        with open(path) as lines:
            for line in lines:
                if line.startswith(field):
                    return int(line.split()[1])
    except OSError:
        pass  # a process that has ended meanwhile
    return None


def available_memory():
    """In bytes; None where the system does not say."""
    kilobytes = _kilobytes("/proc/meminfo", "MemAvailable:")
    return None if kilobytes is None else kilobytes * 1024


def address_space(pid="self"):
    """Of a process, in bytes; None where the system does not say."""
    kilobytes = _kilobytes(f"/proc/{pid}/status", "VmSize:")
    return None if kilobytes is None else kilobytes * 1024


def _anonymous(pids):
    return sum(_kilobytes(f"/proc/{pid}/status", "RssAnon:") or 0 for pid in pids) * 1024


def _sample(pids, pipe):
    """Looks until it is told to stop; in a process of its own, which no other's work holds up."""
    peak = 0
    pipe.send("ready")
    while not pipe.poll(0.001):
        peak = max(peak, _anonymous(pids))
    pipe.send(peak)


def peak_memory(pids, act):
    """The most anonymous memory, in bytes, that these processes and this one have while `act` is
    done, above what they had before. Not a number where there is no /proc."""
    pids = [os.getpid(), *pids]
    if not os.path.exists("/proc/self/status"):
        act()
        return math.nan
    ours, theirs = multiprocessing.Pipe()
    sampler = process(_sample, pids, theirs)
    sampler.start()
    ours.recv()
    rest = _anonymous(pids)
    act()
    ours.send("stop")
    peak = ours.recv()
    sampler.join()
    return max(0, peak - rest)


def worker_pids(pool, workers):
    """The processes of a pool whose workers are at rest."""
    pids = set()
    while len(pids) < workers:
        pids.update(pool.map(_pid, range(4 * workers), chunksize=1))
    return sorted(pids)


def _pid(_):
    time.sleep(0.005)  # so that the others have their share
    return os.getpid()
