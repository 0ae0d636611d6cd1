"""Workload files: what may stand in them, the cases they mean, and how many operations a case is."""
import json

# Fields of each section: name -> (what is allowed, whether it has to be there).
_COUNT, _FLAG, _RATE, _WORDS = "a whole number of at least 1", "true or false", "a number from 0 to below 1", "a text"
_ATTENTION = {"B": (_COUNT, True), "H": (_COUNT, True), "Lq": (_COUNT, True), "Lkv": (_COUNT, True)}
_CAUSAL = (True, False, "top_left", "bottom_right")
FIELDS = {
    "sdpa": {
        **_ATTENTION, "D": (_COUNT, True), "Dv": (_COUNT, False), "Hkv": (_COUNT, False), "causal": (_CAUSAL, False),
        "window": (_COUNT, False), "kv_len": ("two fractions", False), "mask": (_FLAG, False), "bias": (_FLAG, False),
        "dropout": (_RATE, False),
    },
    "mha": {**_ATTENTION, "Fq": (_COUNT, True), "Fkv": (_COUNT, True), "Dh": (_COUNT, True)},
    "gemm": {
        "M": (_COUNT, True), "N": (_COUNT, True), "K": (_COUNT, True), "layout": (("NN", "NT", "TN"), False),
        "bias": (_FLAG, False), "activation": (("none", "relu", "gelu"), False),
    },
    "layer_norm": {"rows": (_COUNT, True), "features": (_COUNT, True)},
    "cross_entropy": {"rows": (_COUNT, True), "classes": (_COUNT, True)},
}
STEPS = {
    "mlp": {"B": (_COUNT, True), "sizes": ("counts", True)},
    "vqa": {
        "B": (_COUNT, True), "image": (_COUNT, True), "channels": ("counts", True), "words": (_COUNT, True),
        "vocab": (_COUNT, True), "Fq": (_COUNT, True), "H": (_COUNT, True), "Dh": (_COUNT, True), "answers": (_COUNT, True),
    },
    "encoder": {
        "B": (_COUNT, True), "L": (_COUNT, True), "F": (_COUNT, True), "H": (_COUNT, True), "Dh": (_COUNT, True),
        "layers": (_COUNT, True), "vocab": (_COUNT, True), "answers": (_COUNT, True), "dropout": (_RATE, False),
    },
}
# These are timed forward alone, and forward with backward.
TWO_PASSES = ("sdpa", "mha", "layer_norm")


class WorkloadError(ValueError):
    """A workload file that does not say what to run."""


def _fits(value, allowed):
    whole = isinstance(value, int) and not isinstance(value, bool)
    number = whole or isinstance(value, float)
    if isinstance(allowed, tuple):
        return any(value is a if isinstance(a, bool) else value == a for a in allowed if isinstance(value, type(a)))
    return {
        _COUNT: whole and value >= 1,
        _FLAG: isinstance(value, bool),
        _RATE: number and 0 <= value < 1,
        _WORDS: isinstance(value, str) and value != "",
        "counts": isinstance(value, list) and value and all(_fits(v, _COUNT) for v in value),
        "two fractions": isinstance(value, list) and len(value) == 2 and all(
            isinstance(v, (int, float)) and 0 < v <= 1 for v in value),
    }[allowed]


def _describe(allowed):
    if isinstance(allowed, tuple):
        return "one of " + ", ".join(json.dumps(a) for a in allowed)
    return {"counts": "a list of whole numbers of at least 1",
            "two fractions": "two fractions above 0 and up to 1, as in [0.3, 1.0]"}.get(allowed, allowed)


def _check(place, spec, fields):
    for name, value in spec.items():
        if name not in fields:
            raise WorkloadError(f"{place}: unknown field `{name}`; known: {', '.join(fields)}")
        allowed = fields[name][0]
        if not _fits(value, allowed):
            raise WorkloadError(f"{place}: {name}: expected {_describe(allowed)}, got {json.dumps(value)}")
    for name, (_, required) in fields.items():
        if required and name not in spec:
            raise WorkloadError(f"{place}: field `{name}` is missing")


def _validate(section, index, spec):
    if not isinstance(spec, dict):
        raise WorkloadError(f"{section}[{index}]: expected an object, got {json.dumps(spec)}")
    place = f"{section}/{spec.get('name', index)}"
    named = {"name": (_WORDS, True)}
    if section == "step":
        kind = spec.get("kind")
        if kind not in STEPS:
            raise WorkloadError(f"{place}: kind: expected one of {', '.join(STEPS)}, got {json.dumps(kind)}")
        _check(place, spec, {**named, "kind": (tuple(STEPS), True), **STEPS[kind]})
        if kind == "mlp" and len(spec["sizes"]) < 2:
            raise WorkloadError(f"{place}: sizes: expected at least 2 numbers, got {len(spec['sizes'])}")
    else:
        _check(place, spec, {**named, **FIELDS[section]})
        if section == "sdpa" and spec["H"] % spec.get("Hkv", spec["H"]):
            raise WorkloadError(f"{place}: Hkv: expected a divisor of H = {spec['H']}, got {spec['Hkv']}")
    return spec


def lengths_of(spec):
    """kv_len [low, high]: the batch's numbers of keys, spread evenly between these fractions of Lkv."""
    low, high = spec["kv_len"]
    last = max(spec["B"] - 1, 1)
    return [max(1, round(spec["Lkv"] * (low + (high - low) * b / last))) for b in range(spec["B"])]


def expand(workloads):
    """The cases of a workload file's content: one dictionary each, with `name`, `class`, `kind`, `pass` and `flops`."""
    if not isinstance(workloads, dict):
        raise WorkloadError("expected an object of sections")
    cases, names = [], set()
    for section, entries in workloads.items():
        if section not in FIELDS and section != "step":
            raise WorkloadError(f"unknown section `{section}`; known: {', '.join([*FIELDS, 'step'])}")
        if not isinstance(entries, list):
            raise WorkloadError(f"{section}: expected a list")
        for index, entry in enumerate(entries):
            spec = dict(_validate(section, index, entry))
            name = f"{section}/{spec['name']}"
            if name in names:
                raise WorkloadError(f"{name}: stands there twice")
            names.add(name)
            spec.setdefault("kind", section)
            if "kv_len" in spec:
                spec["lengths"] = lengths_of(spec)
            for which in ("fwd", "fwdbwd") if section in TWO_PASSES else (None,):
                case = {**spec, "name": f"{name}/{which}" if which else name, "class": f"{section} {which}" if which else section}
                if which:
                    case["pass"] = which
                case["flops"] = flops(case)
                cases.append(case)
    return cases


def read(path):
    try:
        with open(path) as file:
            content = json.load(file)
    except OSError as error:
        raise WorkloadError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise WorkloadError(f"{path}: not JSON: {error}") from None
    try:
        return expand(content)
    except WorkloadError as error:
        raise WorkloadError(f"{path}: {error}") from None


def visible_pairs(case):
    """Query-key pairs of one head over the whole batch that causal rule, window and lengths leave. A boolean mask is counted
    as if it hid nothing."""
    lq, lkv = case["Lq"], case["Lkv"]
    causal, window = case.get("causal", False), case.get("window")
    shift = lkv - lq if causal == "bottom_right" else 0
    total = 0
    for length, times in _counted(case.get("lengths", [lkv] * case["B"])):
        for query in range(lq):
            at = query + shift
            first = max(0, at - window) if window is not None else 0
            last = at if causal else at + window if window is not None else lkv - 1
            total += times * max(0, min(last, length - 1) - first + 1)
    return total


def _counted(values):
    counts = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return counts.items()


def _attention(case):
    """Operations of the two products of attention, forward."""
    return 2 * case["H"] * visible_pairs(case) * (case["D"] + case.get("Dv", case["D"]))


def _whole_attention(batch, heads, lq, lkv, head_dim):
    return 4 * batch * heads * lq * lkv * head_dim


def _layer(batch, lq, lkv, fq, fkv, heads, head_dim, trains_inputs):
    """Multi-head attention: (forward, backward). Backward: every projection's kernel gradient and the gradient of what is
    before it, which for the three input projections nobody asks for when the inputs are data."""
    width = heads * head_dim
    into = 2 * batch * (lq * fq * width + 2 * lkv * fkv * width)
    out = 2 * batch * lq * width * fq
    attention = _whole_attention(batch, heads, lq, lkv, head_dim)
    return into + out + attention, into * (2 if trains_inputs else 1) + 2 * out + 2.5 * attention


def _dense(rows, sizes, trains_inputs=True):
    """A chain of dense layers: (forward, backward)."""
    products = [2 * rows * a * b for a, b in zip(sizes[:-1], sizes[1:])]
    return sum(products), 2 * sum(products) - (0 if trains_inputs else products[0])


def _convolutions(case):
    forward, backward, side, before = 0, 0, case["image"], 3
    for i, channels in enumerate(case["channels"]):
        side = (side + 1) // 2  # stride 2, a window of 3, padded by 1
        work = 2 * case["B"] * side * side * 9 * before * channels
        forward, backward, before = forward + work, backward + work * (1 if i == 0 else 2), channels
    return forward, backward, side * side


def _sum(*parts):
    return sum(part[0] for part in parts) + sum(part[1] for part in parts)


def flops(case):
    """Multiplications and additions of the algorithm's matrix products, 2 for each multiply-add; 0 for work that is bound by
    memory. Attention backward counts 2.5 times its forward."""
    kind, backward = case["kind"], case.get("pass") == "fwdbwd"
    if kind == "sdpa":
        return _attention(case) * (3.5 if backward else 1)
    if kind == "mha":
        forward, back = _layer(case["B"], case["Lq"], case["Lkv"], case["Fq"], case["Fkv"], case["H"], case["Dh"], False)
        return forward + (back if backward else 0)
    if kind == "gemm":
        return 2 * case["M"] * case["N"] * case["K"]
    if kind == "mlp":
        return _sum(_dense(case["B"], case["sizes"], trains_inputs=False))
    if kind == "vqa":
        batch, words, width = case["B"], case["words"], case["Fq"]
        *convolutions, cells = _convolutions(case)
        return _sum(convolutions,
                    _layer(batch, words, words, width, width, case["H"], case["Dh"], True),
                    _layer(batch, words, cells, width, case["channels"][-1], case["H"], case["Dh"], True),
                    _dense(batch * words, [width, 4 * width, width]), _dense(batch, [width, case["answers"]]))
    if kind == "encoder":
        batch, length, width = case["B"], case["L"], case["F"]
        block = [_layer(batch, length, length, width, width, case["H"], case["Dh"], True),
                 _dense(batch * length, [width, 4 * width, width])]
        return _sum(*(block * case["layers"]), _dense(batch, [width, case["answers"]]))
    return 0
