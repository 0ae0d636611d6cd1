"""Prints the times in a folder of gpu_check.sh's logs as one table: a row for each workload, a column for each peer."""
import json
import pathlib
import sys

rows, peers = {}, []
for log in sorted(pathlib.Path(sys.argv[1]).glob("*.log")):
    for line in log.read_text(errors="replace").splitlines():
        if not line.startswith("{"):
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if "peer" not in entry or not ("median_ms" in entry or "error" in entry):
            continue
        if entry["peer"] not in peers:
            peers.append(entry["peer"])
        rows.setdefault(entry["name"], {})[entry["peer"]] = entry
peers.sort(key=lambda peer: (not peer.startswith("weft"), peer))
if rows:
    print("\nMedian milliseconds of a call.\n")
    print("| workload | " + " | ".join(peers) + " |")
    print("|---|" + "---:|" * len(peers))
    for name, found in rows.items():
        cells = [f"{found[p]['median_ms']:.3f}" if "median_ms" in found.get(p, {}) else "failed" if p in found else "" for p in peers]
        print(f"| {name} | " + " | ".join(cells) + " |")
