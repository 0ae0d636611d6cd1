"""PyTorch's side of bench_gpu.cpp: the same workloads, a JSON line for each.

  peer_torch_gpu.py [--device cuda] [--mode eager|compile|graph] [--sdpa auto|flash|efficient|cudnn|math]
                    [--seconds S] --arrays FOLDER WORKLOADS.json [PART...]

FOLDER holds what `bench_gpu --save` wrote for the workloads with parameters; `graph` replays a CUDA graph of the call."""
import argparse
import json
import os
import statistics
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--device", default="cuda")
parser.add_argument("--mode", choices=("eager", "compile", "graph"), default="eager")
parser.add_argument("--sdpa", choices=("auto", "flash", "efficient", "cudnn", "math"), default="auto")
parser.add_argument("--seconds", type=float, default=0.5)
parser.add_argument("--shrink", type=int, default=1, help="divides the extents, to try the program without waiting")
parser.add_argument("--arrays", required=True)
parser.add_argument("workloads")
parser.add_argument("parts", nargs="*")
options = parser.parse_args()

out = os.fdopen(os.dup(1), "w")  # serve turns standard output over to standard error
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
import serve  # noqa: E402

serve.serve = lambda *_: None  # the cases of torch_peer, without its server
sys.argv = ["torch_peer.py"] + (["--compile"] if options.mode == "compile" else [])
import torch  # noqa: E402

torch.set_default_device(options.device)
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # float32 means float32, as in Weft
import torch_peer  # noqa: E402


def floats_in(dtype):
    """Makes torch_peer's arrays tensors of the device, floating ones in dtype."""

    def tensor(array):
        made = array if isinstance(array, torch.Tensor) else torch.from_numpy(array).to(options.device)
        return made.to(dtype) if made.is_floating_point() else made

    torch_peer.tensor = tensor
    torch_peer.kernel_call = lambda: None


def arrays_of(case):
    """Drawn here, or for a model the file with its parameters."""
    kind, normal = case["kind"], torch.randn
    if kind == "gemm":
        return {"a": normal(case["M"], case["K"]), "b": normal(case["K"], case["N"]), "bias": normal(case["N"])}
    if kind == "sdpa":
        queries, keys = (case["B"], case["Lq"], case["H"], case["D"]), (case["B"], case["Lkv"], case["H"], case["D"])
        return {"query": normal(queries), "key": normal(keys), "value": normal(keys), "cotangent": normal(queries)}
    if kind == "layer_norm":
        x = (case["rows"], case["features"])
        return {"x": normal(x), "scale": normal(x[1]), "bias": normal(x[1]), "cotangent": normal(x)}
    if kind == "cross_entropy":
        return {"logits": normal(case["rows"], case["classes"]), "labels": torch.randint(case["classes"], (case["rows"],))}
    return serve.read_arrays(os.path.join(options.arrays, case["name"].replace(" ", "_") + ".safetensors"))


def shrunk(case):
    for extent in ("B", "M", "N", "K", "Lq", "Lkv", "rows", "classes"):
        if extent in case:
            case[extent] = max(1, case[extent] // options.shrink)
    return case


def wait():
    if options.device.startswith("cuda"):
        torch.cuda.synchronize()


def graph_of(run):
    """A replay of the call, recorded once."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        kept = run()
    graph.kept = kept
    return graph.replay


def seconds_of(run, count):
    wait()
    begin = time.perf_counter()
    for _ in range(count):
        run()
    wait()
    return time.perf_counter() - begin


def measure(run):
    for _ in range(3):
        seconds_of(run, 1)
    count = int(min(max(0.02 / max(seconds_of(run, 1), 1e-6), 1), 1000))
    times, spent = [], 0.0
    while spent < options.seconds or len(times) < 3:
        took = seconds_of(run, count)
        spent += took
        times.append(took / count)
    return {"median_ms": 1e3 * statistics.median(times), "min_ms": 1e3 * min(times), "calls": count * len(times)}


def backend():
    if options.sdpa == "auto":
        import contextlib

        return contextlib.nullcontext()
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel({"flash": SDPBackend.FLASH_ATTENTION, "efficient": SDPBackend.EFFICIENT_ATTENTION,
                        "cudnn": SDPBackend.CUDNN_ATTENTION, "math": SDPBackend.MATH}[options.sdpa])


peer = "torch " + options.mode + ("" if options.sdpa == "auto" else " " + options.sdpa)
with open(options.workloads) as file:
    workloads = json.load(file)
for case in workloads:
    name = case["name"]
    if options.parts and not any(part in name for part in options.parts):
        continue
    try:
        floats_in(getattr(torch, case.get("dtype", "float32")))
        arrays = arrays_of(shrunk(case))
        if options.mode == "compile":
            torch.compiler.reset()
        with backend():
            ready = torch_peer.KINDS[case["kind"]](case, arrays)
            line = measure(graph_of(ready.run) if options.mode == "graph" else ready.run)
    except Exception as error:  # the others go on
        line = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
    line.update(name=name, peer=peer)
    print(json.dumps(line), file=out, flush=True)
    if options.device.startswith("cuda"):
        torch.cuda.empty_cache()
