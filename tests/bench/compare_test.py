#!/usr/bin/env python3
"""Tests of bench/compare that time nothing: what a workload file means, what is reported, and the whole command with programs
in the place of Weft and its peers that answer without computing."""
import contextlib
import fcntl
import io
import json
import os
import runpy
import stat
import sys
import tempfile
import unittest
import xml.dom.minidom
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))
sys.dont_write_bytecode = True

from compare_tools import machine, measure, report, workers, workloads  # noqa: E402

# Answers as weft_peer does. Named `python` it also passes for an environment in which everything can be imported.
FAKE = """\
#!{python}
import json, os, sys
if len(sys.argv) > 1 and sys.argv[1] in ("-c", "-m"):
    sys.exit(0)
peer = "jax" if sys.argv[0].endswith("python") else "weft"
say = lambda answer: print(json.dumps(answer), flush=True)
probes = 0
say({{"ready": peer, "threads": 1, "isa": "none", "versions": {{peer: "1.2"}}}})
for line in sys.stdin:
    command = json.loads(line)
    do = command["do"]
    if do == "quit":
        break
    if do == "open" and command["case"]["name"] == os.environ.get("FAKE_DIES"):
        sys.exit(3)
    if do == "open" and peer == "jax" and command["case"]["kind"] == "gemm":
        say({{"unsupported": "no products"}})
    elif do == "check":
        say({{"errors": {{"out": [float(os.environ.get("FAKE_ERROR", "0")), 1.0]}}}})
    elif do == "time":
        seconds = 0.004 if peer == "jax" else 0.002
        say({{"min_s": seconds, "median_s": 2 * seconds, "calls": 3}})
    elif do == "probe":
        probes += 1
        say({{"flops": 5e10 if probes > 1 and "FAKE_PROBE_FALLS" in os.environ else 1e11}})
    elif do == "memory":
        say({{"before": 2**20, "peak": 3 * 2**20}})
    else:
        say({{"flops": 1e11, "bytes": 1e10}})
"""


def one(section, **fields):
    return workloads.expand({section: [{"name": "x", **fields}]})


def visible(case):
    """visible_pairs() the long way."""
    total = 0
    for length in case.get("lengths", [case["Lkv"]] * case["B"]):
        for i in range(case["Lq"]):
            for j in range(length):
                at = i + (case["Lkv"] - case["Lq"] if case.get("causal") == "bottom_right" else 0)
                window = case.get("window")
                seen = not case.get("causal") or j <= at
                seen = seen and (window is None or at - j <= window and j - at <= window)
                total += seen
    return total


class Workloads(unittest.TestCase):
    def test_own_file_has_the_three_kinds_everybody_runs(self):
        names = {case["name"] for case in workloads.read(BENCH / "workloads.json")}
        for name in ("sdpa/cross_short/fwd", "sdpa/causal_4k_128/fwdbwd", "mha/seed_256_512/fwd", "mha/one_sample/fwdbwd",
                     "step/tiny_mlp", "step/mlp_256", "step/vqa_b64"):
            self.assertIn(name, names)

    def test_forward_and_backward_are_two_cases(self):
        cases = one("sdpa", B=2, H=3, Lq=5, Lkv=7, D=11)
        self.assertEqual([(c["name"], c["class"], c["pass"]) for c in cases],
                         [("sdpa/x/fwd", "sdpa fwd", "fwd"), ("sdpa/x/fwdbwd", "sdpa fwdbwd", "fwdbwd")])
        self.assertEqual([c["flops"] for c in cases], [4 * 2 * 3 * 5 * 7 * 11, 3.5 * 4 * 2 * 3 * 5 * 7 * 11])

    def test_value_width_counts(self):
        self.assertEqual(one("sdpa", B=1, H=1, Lq=3, Lkv=5, D=7, Dv=2)[0]["flops"], 2 * 3 * 5 * (7 + 2))

    def test_only_visible_pairs_count(self):
        for more in ({"causal": True}, {"causal": "bottom_right"}, {"window": 2}, {"window": 3, "causal": True},
                     {"kv_len": [0.3, 1.0]}, {"kv_len": [0.5, 0.5], "causal": True}):
            for lq, lkv in ((5, 11), (11, 5), (7, 7)):
                case = one("sdpa", B=3, H=2, Lq=lq, Lkv=lkv, D=4, **more)[0]
                self.assertEqual(workloads.visible_pairs(case), visible(case), case)

    def test_lengths_lie_between_the_fractions(self):
        self.assertEqual(one("sdpa", B=3, H=1, Lq=2, Lkv=10, D=4, kv_len=[0.2, 1.0])[0]["lengths"], [2, 6, 10])

    def test_flops_of_layers_and_steps(self):
        forward, both = (c["flops"] for c in one("mha", B=2, Lq=3, Lkv=5, Fq=7, Fkv=11, H=2, Dh=4))
        inputs, out, attention = 2 * 2 * (3 * 7 * 8 + 2 * 5 * 11 * 8), 2 * 2 * 3 * 8 * 7, 4 * 2 * 2 * 3 * 5 * 4
        self.assertEqual(forward, inputs + out + attention)
        self.assertEqual(both, 2 * inputs + 3 * out + 3.5 * attention)
        self.assertEqual(one("step", kind="mlp", B=3, sizes=[5, 7, 2])[0]["flops"], 2 * 3 * (2 * 5 * 7 + 3 * 7 * 2))
        self.assertEqual(one("gemm", M=2, N=3, K=5)[0]["flops"], 60)
        self.assertEqual(one("cross_entropy", rows=2, classes=3)[0]["flops"], 0)

    def test_what_is_wrong_is_named(self):
        step = {"kind": "mlp", "B": 1}
        for content, message in (
            ({"sdpa": [{"name": "a", "B": 1, "H": 1, "Lq": 1, "Lkv": 1, "D": 4, "heads": 2}]}, "sdpa/a: unknown field `heads`"),
            ({"sdpa": [{"name": "a", "B": 1, "H": 1, "Lq": 1, "Lkv": 1}]}, "sdpa/a: field `D` is missing"),
            ({"sdpa": [{"name": "a", "B": 0, "H": 1, "Lq": 1, "Lkv": 1, "D": 4}]}, "B: expected a whole number"),
            ({"sdpa": [{"name": "a", "B": True, "H": 1, "Lq": 1, "Lkv": 1, "D": 4}]}, "B: expected a whole number"),
            ({"sdpa": [{"name": "a", "B": 1, "H": 3, "Hkv": 2, "Lq": 1, "Lkv": 1, "D": 4}]}, "Hkv: expected a divisor"),
            ({"sdpa": [{"name": "a", "B": 1, "H": 1, "Lq": 1, "Lkv": 1, "D": 4, "causal": 1}]}, "causal: expected one of"),
            ({"step": [{"name": "a", "kind": "cnn"}]}, "kind: expected one of mlp, vqa, encoder"),
            ({"step": [{"name": "a", **step, "sizes": [4]}]}, "sizes: expected at least 2"),
            ({"step": [{"name": "a", **step, "sizes": [4, 2]}] * 2}, "stands there twice"),
            ({"conv": []}, "unknown section `conv`"), ([], "expected an object"), ({"mha": {}}, "expected a list"),
        ):
            with self.assertRaises(workloads.WorkloadError) as caught:
                workloads.expand(content)
            self.assertIn(message, str(caught.exception))

    def test_files_that_cannot_be_read(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "w.json"
            with self.assertRaisesRegex(workloads.WorkloadError, "No such file"):
                workloads.read(path)
            path.write_text("{")
            with self.assertRaisesRegex(workloads.WorkloadError, "not JSON"):
                workloads.read(path)


class Judgement(unittest.TestCase):
    def test_error_is_relative_to_the_result(self):
        self.assertAlmostEqual(measure.largest_error({"out": [1e-3, 10.0]}), 1e-4)

    def test_rounding_of_a_zero_gradient_is_no_error(self):
        self.assertLess(measure.largest_error({"a": [0.0, 1.0], "zero": [1e-9, 1e-9]}), 1e-6)
        self.assertGreater(measure.largest_error({"a": [0.0, 1.0], "b": [1e-2, 1e-2]}), 0.5)

    def test_not_a_number_is_an_error(self):
        self.assertEqual(measure.largest_error({"out": [float("inf"), 1.0]}), float("inf"))


def result(name="sdpa/x/fwd", kind="sdpa fwd", weft=0.002, **peers):
    fastest = min(peers.values())
    return {"name": name, "class": kind, "weft_s": weft, "weft_median_s": weft, "peers": peers, "disturbed_rounds": 0,
            "ratio_best_peer": fastest / weft, "clear": True, "gflops": 12.5, "percent_of_peak": 50.0}


MACHINE = {"cpu": "a <fast> one", "threads": 4, "isa": "avx2", "peers": ["torch", "jax"], "versions": {"jax": "1.2"}}


class Report(unittest.TestCase):
    def test_times_have_a_unit(self):
        self.assertEqual([report.seconds_text(s) for s in (2.5, 0.0123, 1.5e-6, 2e-9, 0.25)],
                         ["2.50 s", "12.3 ms", "1.50 us", "2 ns", "250 ms"])

    def test_table_has_ratios_and_their_mean(self):
        text = report.markdown({"machine": MACHINE, "workloads": [result(torch=0.004, jax=0.008),
                                                                  result("sdpa/y/fwd", torch=0.016, jax=0.032)]})
        self.assertIn("| `sdpa/x/fwd` | 2.00 ms | 2.00 ms | 4.00 ms (2.00) | 8.00 ms (4.00) | **2.00** | 12 | 50 % |", text)
        self.assertIn("geometric mean* |  |  |  |  | **4.00** |", text)
        widths = {row.count("|") for row in text.splitlines() if row.startswith("|")}
        self.assertEqual(len(widths), 1)

    def test_chart_is_xml_with_a_bar_each(self):
        text = report.svg({"machine": MACHINE, "workloads": [result(torch=0.004, jax=0.5), result("b", torch=0.001, jax=0.001)]})
        tree = xml.dom.minidom.parseString(text)
        texts = [node.firstChild.data for node in tree.getElementsByTagName("text") if node.firstChild]
        self.assertIn("2.00", texts)
        self.assertIn("0.50", texts)
        self.assertEqual(len(tree.getElementsByTagName("rect")), 4)  # paper, key, two bars
        xs = [float(node.getAttribute("cx")) for node in tree.getElementsByTagName("circle")]
        self.assertLessEqual(max(xs), float(tree.documentElement.getAttribute("width")))


class Command(unittest.TestCase):
    """The whole command, with fakes."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name in ("weft_peer", "peers/jax/bin/python"):
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(FAKE.format(python=sys.executable))
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.workloads = self.folder / "w.json"
        self.workloads.write_text(json.dumps({
            "sdpa": [{"name": "x", "B": 2, "H": 3, "Lq": 5, "Lkv": 7, "D": 11, "dropout": 0.5}],
            "step": [{"name": "s", "kind": "mlp", "B": 1, "sizes": [3, 2]}], "gemm": [{"name": "g", "M": 2, "N": 3, "K": 5}]}))
        self.main = runpy.run_path(str(BENCH / "compare"), run_name="compare")["main"]

    def run_command(self, *more, environment=None):
        self.addCleanup(os.environ.update, {k: os.environ[k] for k in (environment or {}) if k in os.environ})
        for key, value in (environment or {}).items():
            os.environ[key] = value
            self.addCleanup(os.environ.pop, key, None)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = self.main(["--workloads", str(self.workloads), "--weft-peer", str(self.folder / "weft_peer"), "--peers-dir",
                                str(self.folder / "peers"), "--peers", "jax", "--rounds", "2", "--threads", "1",
                                "--json", str(self.folder / "r.json"), *more])
        return status, out.getvalue(), err.getvalue()

    def written(self):
        return json.loads((self.folder / "r.json").read_text())

    def test_writes_what_it_found(self):
        status, out, _ = self.run_command("--force", "--svg", str(self.folder / "r.svg"), "--markdown", str(self.folder / "r.md"))
        self.assertEqual(status, 0)
        content = self.written()
        self.assertEqual([w["name"] for w in content["workloads"]], ["sdpa/x/fwd", "sdpa/x/fwdbwd", "step/s", "gemm/g"])
        first, step, product = content["workloads"][0], content["workloads"][2], content["workloads"][3]
        self.assertEqual((first["weft_s"], first["peers"], first["ratio_best_peer"]), (0.002, {"jax": 0.004}, 2.0))
        self.assertAlmostEqual(first["gflops"], 4 * 2 * 3 * 5 * 7 * 11 / 0.002 / 1e9)
        self.assertAlmostEqual(first["percent_of_peak"], 100 * first["gflops"] / 100)
        self.assertEqual(step["memory_mb"], {"weft": 2.0, "weft-eager": 2.0, "jax": 2.0})
        self.assertEqual((product["peers"], product["notes"]), ({}, {"jax": "no products"}))
        self.assertEqual(content["machine"]["versions"], {"weft": "1.2", "jax": "1.2"})
        self.assertIn("sdpa/x/fwd", (self.folder / "r.md").read_text())
        xml.dom.minidom.parse(str(self.folder / "r.svg"))
        self.assertIn("(2.00)", out)

    def test_what_disagrees_is_not_timed(self):
        status, _, err = self.run_command("--only", "step", environment={"FAKE_ERROR": "0.25"})
        self.assertEqual(status, 1)
        self.assertTrue("differ" in err or "busy" in err, err)
        self.assertFalse((self.folder / "r.json").exists())

    def test_a_peer_that_dies_costs_its_own_times_only(self):
        status, _, err = self.run_command("--force", "--no-eager", "--memory", "none", environment={"FAKE_DIES": "step/s"})
        self.assertEqual(status, 1)
        self.assertIn("ended with status 3", err)
        self.assertEqual([w["name"] for w in self.written()["workloads"]], ["sdpa/x/fwd", "sdpa/x/fwdbwd", "gemm/g"])

    def test_a_busy_machine_is_refused(self):
        status, _, err = self.run_command("--only", "gemm", environment={"FAKE_PROBE_FALLS": "1"})
        self.assertEqual(status, 1)
        self.assertIn("busy", err)
        status, out, _ = self.run_command("--only", "gemm", "--force", environment={"FAKE_PROBE_FALLS": "1"})
        self.assertEqual(status, 0)
        self.assertEqual(self.written()["workloads"][0]["disturbed_rounds"], 6)
        self.assertIn("[6 rounds disturbed]", out)

    def test_wrong_arguments(self):
        for more in (["--only", "nothing"], ["--workloads", "none.json"]):
            self.assertEqual(self.run_command(*more)[0], 2)
        for more in (["--peers", "mxnet"], ["--threads", "0"], ["--isa", "mmx"]):
            with self.assertRaises(SystemExit) as caught:
                self.run_command(*more)
            self.assertEqual(caught.exception.code, 2)


class Isolation(unittest.TestCase):
    def test_every_library_is_held_to_the_instruction_set(self):
        environment = workers.environment_of(3, "avx2")
        self.assertEqual((environment["WEFT_CPU_ISA"], environment["ATEN_CPU_CAPABILITY"]), ("avx2", "avx2"))
        self.assertIn("--xla_cpu_max_isa=AVX2", environment["XLA_FLAGS"])
        self.assertEqual(environment["WEFT_NUM_THREADS"], "3")

    def test_lock_keeps_others_out(self):
        with tempfile.TemporaryDirectory() as folder:
            gate, path = (str(Path(folder) / name) for name in ("gate", "lock"))
            lock = machine.Lock([gate, path])
            with open(path, "a") as other:
                lock.take()
                lock.take()  # held already
                with self.assertRaises(BlockingIOError):
                    fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
                lock.give()
                fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)


if __name__ == "__main__":
    unittest.main()
