"""JAX's side of bench/compare: pure functions under jax.jit with donated buffers, or with --nnx as users of flax.nnx write it.
Takes its number of threads from the CPUs it may run on. See weft_peer.cpp for the commands and docs/performance.md for the
workloads."""
import argparse
import os

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("--nnx", action="store_true")
options = options.parse_args()
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import serve  # noqa: E402  (before jax, which may print)
import flax  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy  # noqa: E402
import optax  # noqa: E402
from flax import nnx  # noqa: E402


def function_only():
    if options.nnx:
        raise serve.Unsupported("a plain function: the same as jax")


def to_numpy(tree):
    return [numpy.asarray(leaf) for leaf in tree]


def ready(function, inputs, names):
    def run():
        return jax.block_until_ready(function(*inputs))

    return serve.Ready(run, to_numpy, names)


def sdpa(case, arrays):
    function_only()
    query, key, value = (jnp.asarray(arrays[name]) for name in ("query", "key", "value"))
    lq, lkv, dropout = case["Lq"], case["Lkv"], case.get("dropout", 0.0)
    causal, window = case.get("causal", False), case.get("window")
    mask = None
    i, j = jnp.arange(lq)[:, None], jnp.arange(lkv)[None, :]
    if case.get("mask"):
        mask = jnp.asarray(arrays["mask"])
    if causal == "bottom_right":
        allowed = j <= i + lkv - lq
        mask, causal = allowed[None, None] if mask is None else mask & allowed, False
    bias = jnp.asarray(arrays["bias"]) if case.get("bias") else None
    lengths = jnp.asarray(arrays["lengths"]) if "lengths" in case else None
    if window is not None:
        window = (window, 0) if case.get("causal") else (window, window)
    keep = jax.random.key(3)

    def by_hand(q, k, v, mask, bias, lengths, random):
        """Where jax.nn.dot_product_attention refuses: dropout, and values of another width than keys."""
        groups = q.shape[2] // k.shape[2]
        q = q.reshape(*q.shape[:2], k.shape[2], groups, q.shape[3])
        logits = jnp.einsum("bqhgd,bkhd->bhgqk", q, k) / numpy.sqrt(q.shape[-1])
        logits = logits.reshape(logits.shape[0], -1, *logits.shape[3:])
        if bias is not None:
            logits = logits + bias
        allowed = mask
        for more in ([j <= i] if causal else []) + ([i - j <= window[0], j - i <= window[1]] if window else []) + (
                [j < lengths[:, None, None, None]] if lengths is not None else []):
            allowed = more if allowed is None else allowed & more
        if allowed is not None:
            logits = jnp.where(allowed, logits, -jnp.inf)
        weights = jax.nn.softmax(logits)
        if dropout:
            weights = jnp.where(jax.random.bernoulli(random, 1 - dropout, weights.shape), weights / (1 - dropout), 0)
        weights = weights.reshape(weights.shape[0], k.shape[2], groups, *weights.shape[2:])
        out = jnp.einsum("bhgqk,bkhd->bqhgd", weights, v)
        return out.reshape(*out.shape[:2], -1, out.shape[-1])

    def by_library(q, k, v, mask, bias, lengths, random):
        return jax.nn.dot_product_attention(q, k, v, bias=bias, mask=mask, is_causal=bool(causal), key_value_seq_lengths=lengths,
                                            local_window_size=window)

    attention = by_hand if dropout or key.shape[-1] != value.shape[-1] else by_library
    extras = [mask, bias, lengths, keep]
    if case["pass"] == "fwd":
        return ready(jax.jit(lambda *a: (attention(*a),)), [query, key, value, *extras], ["out"])

    def both_ways(q, k, v, cotangent, *extras):
        out, pullback = jax.vjp(lambda q, k, v: attention(q, k, v, *extras), q, k, v)
        return (out, *pullback(cotangent))

    inputs = [query, key, value, jnp.asarray(arrays["cotangent"]), *extras]
    return ready(jax.jit(both_ways), inputs, ["out", "d_query", "d_key", "d_value"])


def attention_layer(query_features, key_features, heads, head_dim, rngs, dropout=0.0):
    return nnx.MultiHeadAttention(num_heads=heads, in_features=query_features, in_kv_features=key_features,
                                  qkv_features=heads * head_dim, out_features=query_features, dropout_rate=dropout,
                                  broadcast_dropout=False, deterministic=False, decode=False, rngs=rngs)


def path_name(path):
    return ".".join(str(part) for part in path)


def load(model, arrays):
    params = nnx.state(model, nnx.Param)
    flat = []
    for path, variable in nnx.to_flat_state(params):
        array = jnp.asarray(arrays["param." + path_name(path)])
        assert array.shape == variable.shape, (path, array.shape, variable.shape)
        flat.append((path, variable.replace(array)))
    nnx.update(model, nnx.from_flat_state(flat))
    return model


def mha(case, arrays):
    model = load(attention_layer(case["Fq"], case["Fkv"], case["H"], case["Dh"], nnx.Rngs(0)), arrays)
    x, y = jnp.asarray(arrays["query"]), jnp.asarray(arrays["key"])

    def loss_of(m, x, y):
        return jnp.mean(m(x, y) ** 2)

    graph, params, rest = nnx.split(model, nnx.Param, ...)
    if case["pass"] == "fwd":
        if options.nnx:
            return ready(nnx.cached_partial(nnx.jit(lambda m, x, y: (m(x, y),)), model), [x, y], ["out"])
        return ready(jax.jit(lambda p, x, y: (nnx.merge(graph, p, rest)(x, y),)), [params, x, y], ["out"])
    names = ["loss", *("grad." + path_name(path) for path, _ in nnx.to_flat_state(params))]
    if options.nnx:
        call = nnx.cached_partial(nnx.jit(lambda m, x, y: nnx.value_and_grad(loss_of)(m, x, y)), model)
        inputs = [x, y]
    else:
        call = jax.jit(lambda p, x, y: jax.value_and_grad(lambda p: loss_of(nnx.merge(graph, p, rest), x, y))(p))
        inputs = [params, x, y]

    def run():
        return jax.block_until_ready(call(*inputs))

    def results(out):
        return [numpy.asarray(out[0]), *(numpy.asarray(leaf[...]) for _, leaf in nnx.to_flat_state(out[1]))]

    return serve.Ready(run, results, names)


class Mlp(nnx.Module):
    def __init__(self, sizes, rngs):
        self.layers = nnx.List([nnx.Linear(a, b, rngs=rngs) for a, b in zip(sizes[:-1], sizes[1:])])

    def __call__(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x)
            x = nnx.relu(x) if i + 1 < len(self.layers) else x
        return x


class Vqa(nnx.Module):
    def __init__(self, case, rngs):
        channels, width = case["channels"], case["Fq"]
        self.convs = nnx.List([nnx.Conv(a, b, (3, 3), strides=2, padding=1, rngs=rngs)
                               for a, b in zip([3] + channels[:-1], channels)])
        self.embed = nnx.Embed(case["vocab"], width, rngs=rngs)
        self.positions = nnx.Param(jnp.zeros((case["words"], width)))
        self.self_norm, self.cross_norm = nnx.LayerNorm(width, rngs=rngs), nnx.LayerNorm(width, rngs=rngs)
        self.self_attend = attention_layer(width, width, case["H"], case["Dh"], rngs)
        self.cross_attend = attention_layer(width, channels[-1], case["H"], case["Dh"], rngs)
        self.up, self.down = nnx.Linear(width, 4 * width, rngs=rngs), nnx.Linear(4 * width, width, rngs=rngs)
        self.head = nnx.Linear(width, case["answers"], rngs=rngs)

    def __call__(self, image, words):
        x = image
        for conv in self.convs:
            x = nnx.relu(conv(x))
        x = x.reshape(x.shape[0], -1, x.shape[-1])
        t = self.embed(words) + self.positions[...]
        t = t + self.self_attend(self.self_norm(t))
        t = t + self.cross_attend(self.cross_norm(t), x)
        t = t + self.down(nnx.gelu(self.up(t)))
        return self.head(t.mean(1))


class EncoderBlock(nnx.Module):
    def __init__(self, case, rngs):
        width, dropout = case["F"], case.get("dropout", 0.0)
        self.attend_norm, self.feed_norm = nnx.LayerNorm(width, rngs=rngs), nnx.LayerNorm(width, rngs=rngs)
        self.attend = attention_layer(width, width, case["H"], case["Dh"], rngs, dropout)
        self.up, self.down = nnx.Linear(width, 4 * width, rngs=rngs), nnx.Linear(4 * width, width, rngs=rngs)
        self.drop = nnx.Dropout(dropout, rngs=rngs)

    def __call__(self, x):
        x = x + self.drop(self.attend(self.attend_norm(x)))
        return x + self.drop(self.down(nnx.gelu(self.up(self.feed_norm(x)))))


class Encoder(nnx.Module):
    def __init__(self, case, rngs):
        self.embed = nnx.Embed(case["vocab"], case["F"], rngs=rngs)
        self.positions = nnx.Param(jnp.zeros((case["L"], case["F"])))
        self.blocks = nnx.List([EncoderBlock(case, rngs) for _ in range(case["layers"])])
        self.norm = nnx.LayerNorm(case["F"], rngs=rngs)
        self.head = nnx.Linear(case["F"], case["answers"], rngs=rngs)

    def __call__(self, words):
        x = self.embed(words) + self.positions[...]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(1))


def loss_of(model, *inputs):
    return optax.softmax_cross_entropy_with_integer_labels(model(*inputs[:-1]), inputs[-1]).mean()


def training_step(model, inputs, arrays):
    load(model, arrays)
    inputs = [jnp.asarray(array) for array in inputs]
    transform = optax.adamw(1e-3, weight_decay=1e-2)
    if options.nnx:
        optimizer = nnx.Optimizer(model, transform, wrt=nnx.Param)

        def step(model, optimizer, *inputs):
            loss, grads = nnx.value_and_grad(loss_of)(model, *inputs)
            optimizer.update(model, grads)
            return loss

        call = nnx.cached_partial(nnx.jit(step), model, optimizer)

        def run():
            return jax.block_until_ready(call(*inputs))
    else:
        graph, params, rest = nnx.split(model, nnx.Param, ...)

        def pure(params, rest, moments, *inputs):
            def loss(params):
                here = jax.tree.map(lambda leaf: leaf, rest)  # variables of this trace, which may be written in it
                merged = nnx.merge(graph, params, here)
                value = loss_of(merged, *inputs)
                return value, nnx.split(merged, nnx.Param, ...)[2]  # random streams move on

            (value, rest), grads = jax.value_and_grad(loss, has_aux=True)(params)
            updates, moments = transform.update(grads, moments, params)
            return optax.apply_updates(params, updates), rest, moments, value

        call = jax.jit(pure, donate_argnums=(0, 1, 2))
        box = [*jax.tree.map(jnp.copy, (params, rest)), transform.init(params)]

        def run():
            *box[:], loss = call(*box, *inputs)
            return jax.block_until_ready(loss)

    return serve.Ready(run, lambda loss: [numpy.asarray(loss)], ["loss"], check_runs=5)


def mlp(case, arrays):
    return training_step(Mlp(case["sizes"], nnx.Rngs(0)), (arrays["x"], arrays["labels"]), arrays)


def vqa(case, arrays):
    return training_step(Vqa(case, nnx.Rngs(0)), (arrays["image"], arrays["words"], arrays["labels"]), arrays)


def encoder(case, arrays):
    return training_step(Encoder(case, nnx.Rngs(0)), (arrays["words"], arrays["labels"]), arrays)


def gemm(case, arrays):
    function_only()
    layout, activation = case.get("layout", "NN"), case.get("activation", "none")

    def dense(a, b, *bias):
        out = (a.T if layout[0] == "T" else a) @ (b.T if layout[1] == "T" else b)
        out = out + bias[0] if bias else out
        return (jax.nn.relu(out) if activation == "relu" else jax.nn.gelu(out) if activation == "gelu" else out,)

    names = ("a", "b", "bias") if case.get("bias") else ("a", "b")
    return ready(jax.jit(dense), [jnp.asarray(arrays[name]) for name in names], ["out"])


def layer_norm(case, arrays):
    function_only()

    def norm(x, scale, bias):
        mean = x.mean(-1, keepdims=True)
        variance = jnp.square(x - mean).mean(-1, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(variance + 1e-6) * scale + bias

    inputs = [jnp.asarray(arrays[name]) for name in ("x", "scale", "bias")]
    if case["pass"] == "fwd":
        return ready(jax.jit(lambda *a: (norm(*a),)), inputs, ["out"])

    def both_ways(cotangent, *inputs):
        out, pullback = jax.vjp(norm, *inputs)
        return (out, *pullback(cotangent))

    return ready(jax.jit(both_ways), [jnp.asarray(arrays["cotangent"]), *inputs], ["out", "d_x", "d_scale", "d_bias"])


def cross_entropy(case, arrays):
    function_only()
    call = jax.jit(jax.value_and_grad(lambda x, y: optax.softmax_cross_entropy_with_integer_labels(x, y).mean()))
    return ready(call, [jnp.asarray(arrays["logits"]), jnp.asarray(arrays["labels"])], ["loss", "d_logits"])


KINDS = {f.__name__: f for f in (sdpa, mha, mlp, vqa, encoder, gemm, layer_norm, cross_entropy)}


def make(case, arrays):
    jax.clear_caches()  # the last case's code is not needed any more
    return KINDS[case["kind"]](case, arrays)


serve.serve("nnx" if options.nnx else "jax", {"jax": jax.__version__, "flax": flax.__version__, "optax": optax.__version__},
            len(os.sched_getaffinity(0)), make)
