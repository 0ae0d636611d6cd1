"""One workload at a time: the same numbers for everybody, results compared, then rounds of timing in turn."""
import statistics
import time
from pathlib import Path

from . import machine
from .workers import Unsupported, WorkerError, report

BUSY_LIMIT = 0.3       # cores in use by others, above which a timing is worth nothing
PROBE_LIMIT = 0.90     # of the best multiply-add rate seen
SHARED_FLOOR = 0.01    # small tensors are judged against this share of the largest one


class Disagreement(Exception):
    """Peers that compute different things must not be timed against each other."""


class Busy(Exception):
    """Somebody else uses the machine."""


def largest_error(errors):
    """The worst of {name: [largest difference, largest number]}, relative. Gradients that are zero but for rounding (such as
    those of a key's bias) are judged against the others."""
    overall = max((size for _, size in errors.values()), default=0) * SHARED_FLOOR
    return max((difference / max(size, overall, 1e-30) for difference, size in errors.values()), default=0.0)


class Measurement:
    def __init__(self, weft, others, options, lock, folder):
        self.weft, self.others = weft, others
        self.options, self.lock, self.folder = options, lock, Path(folder)
        self.peak = 0.0
        self.choices = {}  # what each peer found best for the case that is open

    def probe(self, seconds=0.02):
        rate = self.weft.ask("probe", seconds=seconds)["flops"]
        self.peak = max(self.peak, rate)
        return rate

    def _settled_probe(self):
        """A neighbour keeps the rate low however often one looks; two threads that woke up on one core move apart."""
        rate = 0.0
        for _ in range(8):
            rate = max(rate, self.probe())
            if rate >= PROBE_LIMIT * self.peak:
                break
            time.sleep(0.03)
        return rate

    def run(self, case):
        """The result of a case, as docs/performance.md describes it."""
        data = str(self.folder / "arrays.safetensors")
        self.lock.take()
        result = self._open(case, data)
        result.update(self._rounds(case, result.pop("ready"), result["notes"]))
        if case["class"] in self.options.memory or "all" in self.options.memory:
            result["memory_mb"] = self._memory(case, data, [self.weft.name, *result["medians"]])
        return result

    def _open(self, case, data):
        errors, notes, ready, self.choices = {}, {}, [], {}
        for worker in [self.weft, *self.others]:
            worker.revive()
        # With dropout everybody draws other numbers: what is compared is the case without.
        compared = {**case, "dropout": 0.0} if case.get("dropout") else case
        self.weft.ask("make", case=compared, file=data)
        self.weft.ask("open", case=compared, file=data)
        results = str(self.folder / "results.safetensors")
        self.weft.ask("write", file=results)
        for worker in self.others:
            try:
                self.choices[worker.name] = worker.ask("open", case=compared, file=data).get("choice", {})
                errors[worker.name] = largest_error(worker.ask("check", file=results)["errors"])
                if compared is not case:
                    worker.ask("open", case=case, file=data)
                ready.append(worker)
            except Unsupported as reason:
                notes[worker.name] = str(reason)
            except WorkerError as error:
                notes[worker.name] = str(error)
                report(error)
        if compared is not case:
            self.weft.ask("open", case=case, file=data)
        tolerance = self.options.step_tolerance if case["class"] == "step" else self.options.tolerance
        wrong = {name: error for name, error in errors.items() if not error <= tolerance}
        if wrong and not self.options.force:
            raise Disagreement(f"{case['name']}: results differ from Weft's by more than {tolerance:g} of their size: "
                               + ", ".join(f"{name} by {error:.2g}" for name, error in wrong.items()))
        return {"name": case["name"], "class": case["class"], "errors": errors, "notes": notes, "ready": ready}

    def _rounds(self, case, ready, notes):
        """Everybody in turn, round after round. A round in which the machine was not ours alone is run again, a few times."""
        best, medians, disturbed = {}, {}, 0
        workers = [self.weft, *ready]
        while len(medians.get(self.weft.name, [])) < self.options.rounds:
            busy = machine.busy_cores(0.1)
            before = self._settled_probe()
            timings = self._round(workers, notes)
            after = self._settled_probe()
            if busy > BUSY_LIMIT or min(before, after) < PROBE_LIMIT * self.peak:
                disturbed += 1
                if disturbed <= 2 * self.options.rounds:
                    continue
                if not self.options.force:
                    raise Busy(f"{case['name']}: the machine is busy: others use {busy:.1f} cores, multiply-adds run at "
                               f"{100 * min(before, after) / self.peak:.0f} % of their best; --force goes ahead all the same")
            for name, timing in timings.items():
                best[name] = min(best.get(name, float("inf")), timing["min_s"])
                medians.setdefault(name, []).append(timing["median_s"])
        for worker in workers:
            worker.ask("close")
        kept = {worker.name for worker in workers}
        return self._summary(case, {n: best[n] for n in best if n in kept}, {n: medians[n] for n in medians if n in kept}, disturbed)

    def _round(self, workers, notes):
        timings = {}
        for worker in list(workers):
            try:
                timings[worker.name] = worker.ask("time", seconds=self.options.seconds, calls=self.options.calls)
            except WorkerError as error:
                if worker is self.weft:
                    raise
                notes[worker.name] = str(error)
                report(error)
                workers.remove(worker)
        return timings

    def _summary(self, case, best, medians, disturbed):
        name = self.weft.name
        middle = {worker: statistics.median(times) for worker, times in medians.items()}
        peers = {worker: seconds for worker, seconds in best.items() if not worker.startswith("weft")}
        result = {
            "weft_s": best[name],
            "weft_median_s": middle[name],
            "peers": peers,
            "medians": {worker: middle[worker] for worker in best if worker != name},
            "rounds": medians,
            "disturbed_rounds": disturbed,
        }
        for worker, seconds in best.items():
            if worker.startswith("weft") and worker != name:
                result[worker.replace("-", "_") + "_s"] = seconds
        if peers:
            fastest = min(peers, key=peers.get)
            result["best_peer"] = fastest
            result["ratio_best_peer"] = peers[fastest] / best[name]
            result["ratio_best_peer_median"] = min(middle[peer] for peer in peers) / middle[name]
            # Clear: not even Weft's worst round was as slow as the best of any peer, or the other way round.
            slowest_weft, fastest_weft = max(medians[name]), min(medians[name])
            result["clear"] = (all(min(medians[peer]) > slowest_weft for peer in peers)
                               or any(max(medians[peer]) < fastest_weft for peer in peers))
        if case["flops"]:
            result["gflops"] = case["flops"] / best[name] / 1e9
            result["percent_of_peak"] = 100 * case["flops"] / best[name] / self.peak if self.peak else None
        else:
            result["gflops"] = result["percent_of_peak"] = None
        return result

    def _memory(self, case, data, names):
        """Resident memory at its peak over 20 calls less that before the first, in a process that has done nothing else."""
        memory = {}
        for worker in [self.weft, *self.others]:
            if worker.name not in names:
                continue
            fresh = worker.again()
            try:
                fresh.ask("open", case={**case, **self.choices.get(worker.name, {})}, file=data)
                answer = fresh.ask("memory", calls=20)
                memory[worker.name] = (answer["peak"] - answer["before"]) / 2**20
            except WorkerError as error:
                report(error)
            finally:
                fresh.end()
        return memory
