"""What the peers in Python share: the commands of bench/compare (see weft_peer.cpp), answered on standard output."""
import json
import os
import statistics
import sys
import time

import numpy

# A peer prints answers on the stream it was started with; whatever its libraries print goes to standard error.
_answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

_TYPES = {"F32": numpy.float32, "F64": numpy.float64, "I32": numpy.int32, "I64": numpy.int64, "BOOL": numpy.bool_}


class Unsupported(Exception):
    """This peer has nothing equal to the workload."""


class Ready:
    """A case made ready: `run()` is one call, as timed, whose work is done when it returns."""

    def __init__(self, run, results, names, check_runs=1, choice=None):
        self.choice = choice or {}  # fields for the case, by which it is made ready this way without trying others
        self.run = run
        self.results = results  # what run() returned -> arrays, in the layout of the exchange files
        self.names = names
        self.check_runs = check_runs


def read_arrays(path):
    """The arrays of a safetensors file."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    header.pop("__metadata__", None)
    return {
        name: numpy.frombuffer(data[slice(*entry["data_offsets"])], _TYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
        for name, entry in header.items()
    }


def _results(case):
    arrays = {}
    for run in range(case.check_runs):
        for name, array in zip(case.names, case.results(case.run())):
            arrays[f"{name}.{run}" if case.check_runs > 1 else name] = array
    return arrays


def _check(case, path):
    """For each of Weft's results: the largest difference, and the largest number in it."""
    own, errors = _results(case), {}
    for name, other in read_arrays(path).items():
        if name not in own or own[name].shape != other.shape:
            raise ValueError(f"check: {name}: expected {list(other.shape)}, got "
                             f"{list(own[name].shape) if name in own else 'nothing'}")
        difference = numpy.abs(own[name].astype(numpy.float64) - other)
        if difference.size:
            largest = float(difference.max())
            errors[name] = [largest if largest == largest else float("inf"), float(numpy.abs(other).max())]
    return errors


def _time(case, seconds, calls):
    start = time.perf_counter()
    for i in range(3):  # the first call after a pause finds cold caches and sleeping threads
        if i and time.perf_counter() - start > 0.2 * seconds:
            break
        case.run()
    times, end = [], time.perf_counter() + seconds
    while (time.perf_counter() < end and len(times) < 50000) or len(times) < calls:
        begin = time.perf_counter()
        case.run()
        times.append(time.perf_counter() - begin)
    return {"min_s": min(times), "median_s": statistics.median(times), "calls": len(times)}


def _status_bytes(field):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return 1024 * int(line.split()[1])
    return 0


def _memory(case, calls):
    with open("/proc/self/clear_refs", "w") as peak:  # starts again from what is resident now
        peak.write("5")
    before = _status_bytes("VmRSS")
    for _ in range(calls):
        case.run()
    return {"before": before, "peak": _status_bytes("VmHWM")}


def serve(name, versions, threads, make):
    """Answers commands until `quit`. `make(case, arrays)` gives a Ready or raises Unsupported."""

    def say(answer):
        print(json.dumps(answer), file=_answers, flush=True)

    say({"ready": name, "threads": threads, "versions": versions})
    case = None
    for line in sys.stdin:
        try:
            command = json.loads(line)
            what, begin, answer = command["do"], time.perf_counter(), {}
            if what == "quit":
                return
            if what == "open":
                case = None
                case = make(command["case"], read_arrays(command["file"]))
                answer = {"choice": case.choice}
            elif what == "close":
                case = None
            elif case is None:
                raise ValueError(f"command `{what}`: no case is open, or the command is not known")
            elif what == "check":
                answer = {"errors": _check(case, command["file"])}
            elif what == "time":
                answer = _time(case, command["seconds"], command.get("calls", 3))
            elif what == "memory":
                answer = _memory(case, command.get("calls", 20))
            else:
                raise ValueError(f"command: unknown `{what}`")
            answer["took_s"] = time.perf_counter() - begin
            say(answer)
        except Unsupported as reason:
            say({"unsupported": str(reason)})
        except Exception as error:  # a failing case must not end the peer
            say({"error": f"{type(error).__name__}: {error}"})
