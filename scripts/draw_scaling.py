#!/usr/bin/env python3
"""Draws docs/pictures/scaling.svg: the efficiency of training by 1 to 1,024 ranks, by the model in docs/scaling.md.

usage: scripts/draw_scaling.py [--compute SECONDS] [--backward SHARE] [--megabytes MB] [--out FILE]

--compute     seconds of a rank's step without exchange
--backward    share of it that is backward, behind which sums are hidden
--megabytes   gradients of a rank; half as much with train.wire = bfloat16
"""
import argparse
import math

NETWORKS = [("100 Gb/s", 100e9 / 8, 2e-6, "#1b7f5c"), ("10 Gb/s", 10e9 / 8, 15e-6, "#2f6fb5"),
            ("1 Gb/s", 1e9 / 8, 50e-6, "#b5492f")]
RANKS = [2 ** k for k in range(11)]
PART = 1 << 20  # bytes of a sum; train/reducer.c
SMALL = 40      # sums of a few numbers in a step: BatchNorm, the terms of the loss, the measures
ENOUGH = 0.8    # below this efficiency more ranks do not pay


def sums(ranks, size, bandwidth, latency):
    """Seconds of the gradients' sums, in parts, each by a ring."""
    return 2 * (ranks - 1) * (size / ranks / bandwidth + math.ceil(size / PART) * latency / 4)


def step(ranks, compute, backward, size, bandwidth, latency):
    """Seconds of a step: what is computed, what backward does not hide, and the small sums, which nothing hides."""
    if ranks == 1:
        return compute
    hidden = backward * compute
    last = sums(ranks, min(PART, size), bandwidth, latency)
    rest = max(sums(ranks, size, bandwidth, latency) - hidden, last)
    return compute + rest + SMALL * 2 * math.log2(ranks) * latency


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compute", type=float, default=1.0)
    parser.add_argument("--backward", type=float, default=0.5)
    parser.add_argument("--megabytes", type=float, default=99.4)
    parser.add_argument("--out", default="docs/pictures/scaling.svg")
    args = parser.parse_args()
    width, height, left, top, right, bottom = 640, 340, 56, 24, 120, 44

    def x(ranks):
        return left + math.log2(ranks) / 10 * (width - left - right)

    def y(share):
        return height - bottom - share * (height - top - bottom)

    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
             'font-size="12">', f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for share in (0, 0.2, 0.4, 0.6, 0.8, 1):
        lines.append(f'<path d="M{left} {y(share):.1f}H{width - right}" stroke="#ddd"/>'
                     f'<text x="{left - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>')
    for ranks in RANKS[::2]:
        lines.append(f'<text x="{x(ranks):.1f}" y="{height - bottom + 18}" text-anchor="middle">{ranks}</text>')
    lines.append(f'<text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle">ranks</text>')
    labels = []
    for name, bandwidth, latency, colour in NETWORKS:
        for size, dash, what in ((args.megabytes * 1e6, "", ""), (args.megabytes * 5e5, ' stroke-dasharray="5 4"', " bf16")):
            shares = [args.compute / step(n, args.compute, args.backward, size, bandwidth, latency) for n in RANKS]
            path = " ".join(f"{x(n):.1f},{y(s):.1f}" for n, s in zip(RANKS, shares))
            lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
            labels.append([y(shares[-1]), name + what, colour])
            pays = max(n for n, s in zip(RANKS, shares) if s >= ENOUGH)
            print(f"{name + what:14} 64 ranks {shares[6]:5.0%}   1024 ranks {shares[10]:5.0%}   pays up to {pays}")
    labels.sort()
    for k, (place, text, colour) in enumerate(labels):
        if k:
            place = labels[k][0] = max(place, labels[k - 1][0] + 13)
        lines.append(f'<text x="{width - right + 6}" y="{place + 4:.1f}" fill="{colour}">{text}</text>')
    lines.append("</svg>")
    with open(args.out, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


main()
