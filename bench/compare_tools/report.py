"""Results as a table in Markdown and as a bar chart in SVG."""
import math
from html import escape


def seconds_text(seconds):
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}" if value >= 10 else f"{value:.2f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def line(result):
    """One result for the terminal."""
    text = f"{result['name']:36s} weft {seconds_text(result['weft_s']):>9s}"
    for peer, seconds in result["peers"].items():
        text += f"  {peer} {seconds_text(seconds):>9s} ({seconds / result['weft_s']:.2f})"
    if result["gflops"]:
        text += f"  {result['gflops']:.0f} GFLOP/s"
        if result["percent_of_peak"]:
            text += f", {result['percent_of_peak']:.0f} %"
    return text + (f"  [{result['disturbed_rounds']} rounds disturbed]" if result["disturbed_rounds"] else "")


def _by_class(results):
    classes = {}
    for result in results:
        classes.setdefault(result["class"], []).append(result)
    return classes


def _row(cells):
    return "| " + " | ".join(cells) + " |"


def machine_text(machine):
    versions = ", ".join(f"{name} {version}" for name, version in machine.get("versions", {}).items())
    text = f"{machine['cpu']}, {machine['threads']} threads, {machine['isa']}"
    if machine.get("fma_gflops"):
        text += f", multiply-add peak {machine['fma_gflops']:.0f} GFLOP/s"
    if machine.get("stream_gb_s"):
        text += f", triad {machine['stream_gb_s']:.0f} GB/s"
    return f"{text}; {versions}" if versions else text


def markdown(report):
    results = report["workloads"]
    peers = [peer for peer in report["machine"]["peers"] if any(peer in r["peers"] for r in results)]
    eager = any("weft_eager_s" in r for r in results)
    head = ["workload", "Weft", "median", *(["op by op"] if eager else []), *peers, "best peer / Weft", "GFLOP/s", "of peak"]
    lines = [machine_text(report["machine"]) + ".", "",
             "Times are the fastest call; in brackets, a peer's time over Weft's.", "",
             _row(head), _row(["---", *["---:"] * (len(head) - 1)])]
    for name, members in _by_class(results).items():
        for r in members:
            cells = [f"`{r['name']}`", seconds_text(r["weft_s"]), seconds_text(r["weft_median_s"])]
            if eager:
                cells.append(seconds_text(r["weft_eager_s"]) if "weft_eager_s" in r else "–")
            for peer in peers:
                seconds = r["peers"].get(peer)
                cells.append(f"{seconds_text(seconds)} ({seconds / r['weft_s']:.2f})" if seconds else "–")
            ratio = r.get("ratio_best_peer")
            cells.append(f"**{ratio:.2f}**" + ("" if r.get("clear") else " ~") if ratio else "–")
            cells.append(f"{r['gflops']:.0f}" if r["gflops"] else "–")
            cells.append(f"{r['percent_of_peak']:.0f} %" if r["percent_of_peak"] else "–")
            lines.append(_row(cells))
        ratios = [r["ratio_best_peer"] for r in members if r.get("ratio_best_peer")]
        if len(ratios) > 1:
            cells = [f"*{name}, geometric mean*", "", *[""] * (len(peers) + eager + 1), f"**{geometric_mean(ratios):.2f}**", "", ""]
            lines.append(_row(cells))
    if any(r.get("ratio_best_peer") and not r.get("clear") for r in results):
        lines += ["", "~: the rounds' medians of Weft and a peer overlap."]
    remembered = [r for r in results if r.get("memory_mb")]
    if remembered:
        names = [name for name in ("weft", *peers) if any(name in r["memory_mb"] for r in remembered)]
        lines += ["", "Peak resident memory over 20 steps less that before the first, MB, in fresh processes:", "",
                  _row(["workload", *names]), _row(["---", *["---:"] * len(names)])]
        for r in remembered:
            lines.append(_row([f"`{r['name']}`", *(f"{r['memory_mb'][n]:.1f}" if n in r["memory_mb"] else "–" for n in names)]))
    return "\n".join(lines) + "\n"


_COLORS = {"torch": "#d9480f", "compile": "#e8a33d", "jax": "#5f3dc4", "nnx": "#c2255c"}
_FASTER, _SLOWER, _INK, _FAINT = "#2b8a6e", "#c92a2a", "#212529", "#ced4da"


def _axis(ratios):
    """Its ends, as powers of two; what lies beyond 64 times is drawn at the end."""
    logs = [math.log2(ratio) for ratio in ratios] or [0.0]
    low = math.floor(max(min(min(logs) - 0.1, -0.25), -3) * 4) / 4
    high = math.ceil(min(max(max(logs) + 0.1, 1.5), 6) * 4) / 4
    return low, high


def svg(report):
    """A bar for each workload: how many times the fastest peer's time is Weft's, on a logarithmic scale, to the right of 1
    where Weft is faster. Dots are the peers one by one."""
    results = [r for r in report["workloads"] if r.get("ratio_best_peer")]
    peers = [peer for peer in report["machine"]["peers"] if any(peer in r["peers"] for r in results)]
    low, high = _axis([seconds / r["weft_s"] for r in results for seconds in r["peers"].values()])
    left, width, row, top = 250, 640, 20, 112
    scale = width / (high - low)
    bottom = top + sum(len(members) * row + 12 for members in _by_class(results).values())
    total_width, total_height = left + width + 80, bottom + 16

    def x(ratio):
        return left + (min(max(math.log2(ratio), low), high) - low) * scale

    what, _, versions = machine_text(report["machine"]).partition("; ")
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{total_width}" height="{total_height}" '
             f'viewBox="0 0 {total_width} {total_height}" font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">',
             f'<rect width="{total_width}" height="{total_height}" fill="#ffffff"/>',
             '<text x="16" y="26" font-size="16" font-weight="600">How many times as long as Weft the peers take</text>',
             f'<text x="16" y="44" fill="#495057">{escape(what)}</text>',
             f'<text x="16" y="60" fill="#495057">{escape(versions)}</text>',
             f'<rect x="16" y="71" width="20" height="10" fill="{_FASTER}"/><text x="42" y="80">fastest peer</text>']
    at = 140
    for peer in peers:
        parts.append(f'<circle cx="{at}" cy="76" r="4" fill="{_COLORS.get(peer, "#495057")}"/><text x="{at + 9}" y="80">{peer}</text>')
        at += 40 + 8 * len(peer)
    for power in range(math.ceil(low), math.floor(high) + 1):
        at = x(2.0**power)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top - 6}" y2="{bottom}" stroke="{_INK if power == 0 else _FAINT}"/>'
                     f'<text x="{at:.1f}" y="{top - 10}" text-anchor="middle" fill="#495057">{2.0**power:g}</text>')
    y = top
    for members in _by_class(results).values():
        for r in members:
            ratio, middle = r["ratio_best_peer"], y + row / 2
            begin, end = sorted((x(1), x(ratio)))
            parts.append(f'<text x="{left - 8}" y="{middle + 4:.1f}" text-anchor="end">{escape(r["name"])}</text>')
            parts.append(f'<rect x="{begin:.1f}" y="{y + 3}" width="{max(end - begin, 1):.1f}" height="{row - 6}" '
                         f'fill="{_FASTER if ratio >= 1 else _SLOWER}" fill-opacity="0.75"/>')
            for peer, seconds in r["peers"].items():
                parts.append(f'<circle cx="{x(seconds / r["weft_s"]):.1f}" cy="{middle:.1f}" r="3.5" '
                             f'fill="{_COLORS.get(peer, "#495057")}" stroke="#ffffff" stroke-width="0.8"/>')
            parts.append(f'<text x="{left + width + 14}" y="{middle + 4:.1f}" font-weight="600">{ratio:.2f}</text>')
            y += row
        y += 12
    return "\n".join([*parts, "</svg>"]) + "\n"
