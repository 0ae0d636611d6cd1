"""PyTorch's side of bench/compare: eager, or with --compile what torch.compile makes of it. See weft_peer.cpp for the commands
and docs/performance.md for the workloads."""
import argparse
import os
import time

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("--compile", action="store_true")
options.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
options.add_argument("--isa", default="")
options = options.parse_args()
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # no pool of compilers beside the one that is timed

import serve  # noqa: E402  (before torch, which may print)
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

torch.set_num_threads(options.threads)
if options.compile and options.isa:
    import torch._inductor.config

    torch._inductor.config.cpp.simdlen = {"avx512": 512, "avx2": 256}.get(options.isa, 0)


def compiled(function):
    return torch.compile(function) if options.compile else function


def tensor(array):
    return torch.from_numpy(array)


def kernel_call():
    """torch.compile changes nothing about a call of one kernel."""
    if options.compile:
        raise serve.Unsupported("a single kernel: the same as without compiling")


def heads_first(array):
    """[B, L, H, D] of the exchange files -> [B, H, L, D], contiguous."""
    return tensor(array).transpose(1, 2).contiguous()


def sdpa(case, arrays):
    query, key, value = (heads_first(arrays[name]) for name in ("query", "key", "value"))
    lq, lkv, dropout = case["Lq"], case["Lkv"], case.get("dropout", 0.0)
    if not dropout:
        kernel_call()
    # What is_causal cannot say becomes a mask, made once: boolean, or numbers where there is a bias.
    causal, mask = case.get("causal", False), None
    i, j = torch.arange(lq)[:, None], torch.arange(lkv)[None, :]

    def both(a, b):
        return b if a is None else a & b

    if case.get("window") is not None:
        mask = both(mask, i - j <= case["window"])
        if not causal:
            mask = both(mask, j - i <= case["window"])
    if "lengths" in case:
        mask = both(mask, (j < tensor(arrays["lengths"])[:, None, None, None]).expand(-1, 1, lq, -1))
    if case.get("mask"):
        mask = both(mask, tensor(arrays["mask"]))
    if causal and (mask is not None or case.get("bias") or causal == "bottom_right"):
        mask, causal = both(mask, j <= i + (lkv - lq if causal == "bottom_right" else 0)), False
    if case.get("bias"):
        bias = tensor(arrays["bias"])
        mask = bias if mask is None else bias.masked_fill(~mask, float("-inf"))
    grouped = {"enable_gqa": True} if query.shape[1] != key.shape[1] else {}

    def attention(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=bool(causal), **grouped)

    attention = compiled(attention)

    def results(tensors):
        return [t.detach().transpose(1, 2).numpy() for t in tensors]

    if case["pass"] == "fwd":

        def forward():
            with torch.no_grad():
                return (attention(query, key, value),)

        return serve.Ready(forward, results, ["out"])
    cotangent = heads_first(arrays["cotangent"])
    inputs = [t.requires_grad_() for t in (query, key, value)]

    def both_ways():
        out = attention(*inputs)
        return (out, *torch.autograd.grad(out, inputs, cotangent))

    return serve.Ready(both_ways, results, ["out", "d_query", "d_key", "d_value"])


class Attention(nn.Module):
    """Multi-head attention over two widths; nn.MultiheadAttention ties the heads' size to the query's width."""

    def __init__(self, query_features, key_features, heads, head_dim, dropout=0.0):
        super().__init__()
        self.heads, self.head_dim, self.dropout = heads, head_dim, dropout
        self.query = nn.Linear(query_features, heads * head_dim)
        self.key = nn.Linear(key_features, heads * head_dim)
        self.value = nn.Linear(key_features, heads * head_dim)
        self.out = nn.Linear(heads * head_dim, query_features)

    def forward(self, x, y):
        def split(t):
            return t.view(*t.shape[:2], self.heads, self.head_dim).transpose(1, 2)

        out = F.scaled_dot_product_attention(split(self.query(x)), split(self.key(y)), split(self.value(y)), dropout_p=self.dropout)
        return self.out(out.transpose(1, 2).flatten(2))


def own_name(name, arrays):
    """`self_attend.query.weight` -> the exchange file's `self_attend.query.kernel`."""
    stem, _, last = name.rpartition(".")
    for word in ("kernel", "embedding", "scale") if last == "weight" else (last,):
        path = f"{stem}.{word}" if stem else word
        if "param." + path in arrays:
            return path
    raise KeyError(name)


def to_torch(array, path, shape):
    """Kernels are [in, out] or [window, in, out] in the file, [out, in] or [out, in, window] here."""
    if path.endswith(".kernel"):
        if len(shape) == 4:
            return tensor(array).permute(3, 2, 0, 1).contiguous()
        return tensor(array.reshape(shape[1], shape[0])).T.contiguous()
    return tensor(array).reshape(shape)


def from_torch(grad, path, shape):
    grad = grad.permute(2, 3, 1, 0) if grad.dim() == 4 else grad.T if path.endswith(".kernel") else grad
    return grad.reshape(tuple(shape)).numpy()


def load(model, arrays):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            path = own_name(name, arrays)
            parameter.copy_(to_torch(arrays["param." + path], path, parameter.shape))
    return model


def mha(case, arrays):
    model = load(Attention(case["Fq"], case["Fkv"], case["H"], case["Dh"]), arrays)
    x, y = tensor(arrays["query"]), tensor(arrays["key"])
    call = compiled(model)
    if case["pass"] == "fwd":

        def forward():
            with torch.no_grad():
                return (call(x, y),)

        return serve.Ready(forward, lambda outs: [out.numpy() for out in outs], ["out"])

    def both_ways():
        model.zero_grad(set_to_none=True)
        loss = call(x, y).square().mean()
        loss.backward()
        return loss

    paths = [own_name(name, arrays) for name, _ in model.named_parameters()]

    def results(loss):
        grads = [from_torch(p.grad, path, arrays["param." + path].shape) for p, path in zip(model.parameters(), paths)]
        return [loss.detach().numpy(), *grads]

    return serve.Ready(both_ways, results, ["loss", *("grad." + path for path in paths)])


class Mlp(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class Vqa(nn.Module):
    def __init__(self, case):
        super().__init__()
        channels, width = case["channels"], case["Fq"]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in zip([3] + channels[:-1], channels))
        self.embed = nn.Embedding(case["vocab"], width)
        self.positions = nn.Parameter(torch.zeros(case["words"], width))
        self.self_norm, self.cross_norm = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.self_attend = Attention(width, width, case["H"], case["Dh"])
        self.cross_attend = Attention(width, channels[-1], case["H"], case["Dh"])
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.head = nn.Linear(width, case["answers"])

    def forward(self, image, words):
        x = image
        for conv in self.convs:
            x = F.relu(conv(x))
        x = x.flatten(2).transpose(1, 2)
        t = self.embed(words) + self.positions
        normed = self.self_norm(t)
        t = t + self.self_attend(normed, normed)
        t = t + self.cross_attend(self.cross_norm(t), x)
        t = t + self.down(F.gelu(self.up(t), approximate="tanh"))
        return self.head(t.mean(1))


class EncoderBlock(nn.Module):
    def __init__(self, case):
        super().__init__()
        width, dropout = case["F"], case.get("dropout", 0.0)
        self.attend_norm, self.feed_norm = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attend = Attention(width, width, case["H"], case["Dh"], dropout)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        normed = self.attend_norm(x)
        x = x + self.drop(self.attend(normed, normed))
        return x + self.drop(self.down(F.gelu(self.up(self.feed_norm(x)), approximate="tanh")))


class Encoder(nn.Module):
    def __init__(self, case):
        super().__init__()
        self.embed = nn.Embedding(case["vocab"], case["F"])
        self.positions = nn.Parameter(torch.zeros(case["L"], case["F"]))
        self.blocks = nn.ModuleList(EncoderBlock(case) for _ in range(case["layers"]))
        self.norm = nn.LayerNorm(case["F"], eps=1e-6)
        self.head = nn.Linear(case["F"], case["answers"])

    def forward(self, words):
        x = self.embed(words) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))


def training_step(model, inputs, labels, arrays):
    load(model, arrays)
    call = compiled(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2, fused=True)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(call(*inputs), labels)
        loss.backward()
        optimizer.step()
        return loss

    return serve.Ready(step, lambda loss: [loss.detach().numpy()], ["loss"], check_runs=5)


def mlp(case, arrays):
    return training_step(Mlp(case["sizes"]), (tensor(arrays["x"]),), tensor(arrays["labels"]).long(), arrays)


def encoder(case, arrays):
    return training_step(Encoder(case), (tensor(arrays["words"]).long(),), tensor(arrays["labels"]).long(), arrays)


def vqa(case, arrays):
    """With images channels first or last, whichever is faster here."""
    words, labels = tensor(arrays["words"]).long(), tensor(arrays["labels"]).long()
    image = tensor(arrays["image"]).permute(0, 3, 1, 2)  # channels last in memory

    def step(channels_first):
        ready = training_step(Vqa(case), (image.contiguous() if channels_first else image, words), labels, arrays)
        ready.choice = {"channels_first": channels_first}
        return ready

    def seconds(channels_first):
        ready = step(channels_first)
        for _ in range(2):
            ready.run()
        begin = time.perf_counter()
        for _ in range(5):
            ready.run()
        return time.perf_counter() - begin

    chosen = case.get("channels_first")
    return step(min((False, True), key=seconds) if chosen is None else chosen)


def gemm(case, arrays):
    layout, activation = case.get("layout", "NN"), case.get("activation", "none")
    a, b = tensor(arrays["a"]), tensor(arrays["b"])
    a, b = a.T if layout[0] == "T" else a, b.T if layout[1] == "T" else b
    bias = tensor(arrays["bias"]) if case.get("bias") else None
    if bias is None and activation == "none":
        kernel_call()

    def dense(a, b):
        out = torch.addmm(bias, a, b) if bias is not None else a @ b
        return F.relu(out) if activation == "relu" else F.gelu(out, approximate="tanh") if activation == "gelu" else out

    dense = compiled(dense)

    def forward():
        with torch.no_grad():
            return (dense(a, b),)

    return serve.Ready(forward, lambda outs: [out.numpy() for out in outs], ["out"])


def layer_norm(case, arrays):
    x, scale, bias = (tensor(arrays[name]) for name in ("x", "scale", "bias"))
    norm = compiled(lambda x, scale, bias: F.layer_norm(x, (x.shape[-1],), scale, bias, 1e-6))

    def results(tensors):
        return [t.detach().numpy() for t in tensors]

    if case["pass"] == "fwd":

        def forward():
            with torch.no_grad():
                return (norm(x, scale, bias),)

        return serve.Ready(forward, results, ["out"])
    inputs, cotangent = [t.requires_grad_() for t in (x, scale, bias)], tensor(arrays["cotangent"])

    def both_ways():
        out = norm(*inputs)
        return (out, *torch.autograd.grad(out, inputs, cotangent))

    return serve.Ready(both_ways, results, ["out", "d_x", "d_scale", "d_bias"])


def cross_entropy(case, arrays):
    logits, labels = tensor(arrays["logits"]).requires_grad_(), tensor(arrays["labels"]).long()
    loss_of = compiled(lambda logits: F.cross_entropy(logits, labels))

    def both_ways():
        loss = loss_of(logits)
        return (loss, *torch.autograd.grad(loss, [logits]))

    return serve.Ready(both_ways, lambda tensors: [t.detach().numpy() for t in tensors], ["loss", "d_logits"])


KINDS = {f.__name__: f for f in (sdpa, mha, mlp, vqa, encoder, gemm, layer_norm, cross_entropy)}


def make(case, arrays):
    if options.compile:
        torch.compiler.reset()  # the last case's code is not needed any more
    return KINDS[case["kind"]](case, arrays)


serve.serve("compile" if options.compile else "torch",
            {"torch": torch.__version__, "capability": torch.backends.cpu.get_cpu_capability()},
            torch.get_num_threads(), make)
