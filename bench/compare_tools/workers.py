"""The processes that are compared. Each stays alive, answers commands (bench/peers/weft_peer.cpp lists them), and is stopped
while it is not asked anything, so that no waiting thread of one takes a core from another."""
import contextlib
import json
import os
import signal
import subprocess
import sys


class WorkerError(RuntimeError):
    """A peer that failed, or has ended."""


class Unsupported(Exception):
    """The peer has nothing equal to the workload."""


class Worker:
    def __init__(self, name, command, environment=None, cpus=None, log=None):
        self.name = name
        self._arguments = (name, command, environment, cpus, log)

        def prepare():
            os.setpgrp()
            if cpus:
                os.sched_setaffinity(0, cpus)

        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log or subprocess.DEVNULL, text=True, preexec_fn=prepare,
            env={**os.environ, **(environment or {})})
        self.info = self._read()
        self._stop()

    def revive(self):
        """Starts the process anew if it has ended."""
        if not self.alive():
            self.end()
            self.__init__(*self._arguments)

    def again(self):
        """A fresh process like this one."""
        return Worker(*self._arguments)

    def _signal(self, number):
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass

    def _stop(self):
        self._signal(signal.SIGSTOP)

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise WorkerError(f"{self.name}: the process ended with status {code}; see its output in the log")
        return json.loads(line)

    def ask(self, do, **arguments):
        self._signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
            answer = self._read()
        except BrokenPipeError:
            raise WorkerError(f"{self.name}: the process has ended") from None
        finally:
            self._stop()
        if "unsupported" in answer:
            raise Unsupported(answer["unsupported"])
        if "error" in answer:
            raise WorkerError(f"{self.name}: {answer['error']}")
        return answer

    def alive(self):
        return self._process.poll() is None

    def end(self):
        self._signal(signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


# Instruction set -> environment that holds every library to it.
ISA_ENVIRONMENT = {
    "avx512": {"WEFT_CPU_ISA": "avx512"},
    "avx2": {"WEFT_CPU_ISA": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2",
             "MKL_ENABLE_INSTRUCTIONS": "AVX2", "XLA_FLAGS": "--xla_cpu_max_isa=AVX2"},
    "sse2": {"WEFT_CPU_ISA": "sse2", "ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41",
             "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"},
}
PEERS = {"torch": "torch", "compile": "torch", "jax": "jax", "nnx": "jax"}  # peer -> its environment


def environment_of(threads, isa):
    environment = {"WEFT_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads),
                   **ISA_ENVIRONMENT.get(isa, {})}
    if "XLA_FLAGS" in environment and os.environ.get("XLA_FLAGS"):
        environment["XLA_FLAGS"] = os.environ["XLA_FLAGS"] + " " + environment["XLA_FLAGS"]
    return environment


def command_of(peer, folder, peers_folder, threads, isa):
    python = str(peers_folder / PEERS[peer] / "bin" / "python")
    if PEERS[peer] == "jax":
        return [python, str(folder / "jax_peer.py"), *(["--nnx"] if peer == "nnx" else [])]
    return [python, str(folder / "torch_peer.py"), "--threads", str(threads), "--isa", isa or "",
            *(["--compile"] if peer == "compile" else [])]


def report(error):
    print(f"  {error}", file=sys.stderr)
