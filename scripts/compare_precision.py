#!/usr/bin/env python3
"""Compares the runs of scripts/study_precision.sh: prints their figures and the verdict, and draws their curves.

usage: scripts/compare_precision.py FOLDER PICTURE.svg SEED SEED...

FOLDER holds a run ARM-SEED for each arm and seed: float and fast, and perhaps other and coarse.
"""
import itertools
import json
import math
import os
import statistics
import sys

ARMS = {"float": "float", "fast": "fast", "other": "float by another kernel", "coarse": "coarser than fast"}
STEPS = "training loss, each step"
EPOCHS = {"training loss, each epoch": "epoch_train_loss", "validation loss": "val_loss", "validation cost": "val_corr_cost"}
EARLY = 25  # steps, before roundings have grown into other paths
COLOURS = {"float": "#8a8f98", "seeds": "#6a6f78", "fast": "#b5492f", "other": "#2f6fb5", "coarse": "#1b7f5c"}
LABELS = {"seeds": "two seeds", "fast": "fast", "other": "another kernel", "coarse": "coarser"}


class Run:
    """The curves of a run's log: {name: {step: value}}. Steps on answers have a loss of another kind, and are left out."""

    def __init__(self, path):
        try:
            with open(path, encoding="utf-8") as log:
                lines = [json.loads(line) for line in log]
        except (OSError, ValueError) as fault:
            raise SystemExit(f"compare_precision.py: {path}: {fault}") from None
        steps = {line["step"]: line for line in lines if "train_loss" in line and "train_corr_cost" in line}
        epochs = {line["step"]: line for line in lines if "val_loss" in line}
        if not steps or not epochs:
            raise SystemExit(f"compare_precision.py: {path}: no step, or no validation")
        self.curves = {STEPS: {at: line["train_loss"] for at, line in steps.items()}}
        for name, key in EPOCHS.items():
            self.curves[name] = {at: line[key] for at, line in epochs.items()}


class Curve:
    """One curve of all runs, at the steps that every run has: at, and values[arm][seed] of each."""

    def __init__(self, name, arms):
        common = set.intersection(*(set(run.curves[name]) for runs in arms.values() for run in runs))
        self.name, self.at = name, sorted(common)
        self.values = {arm: [[run.curves[name][at] for at in self.at] for run in runs] for arm, runs in arms.items()}

    def deviation(self):
        """At each step: the standard deviation over seeds in float."""
        return [statistics.stdev(values) for values in zip(*self.values["float"])]

    def between_seeds(self):
        """At each step: how far two seeds are apart in float, a mean over all pairs."""
        return [statistics.mean(abs(a - b) for a, b in itertools.combinations(values, 2))
                for values in zip(*self.values["float"])]

    def from_float(self, arm):
        """At each step: how far the arm is from float of the same seed, a mean over seeds."""
        pairs = [zip(run, other) for run, other in zip(self.values[arm], self.values["float"])]
        return [statistics.mean(abs(a - b) for a, b in point) for point in zip(*pairs)]


    def outside(self, arm):
        """How many of the arm's points lie outside the range of all seeds in float, of how many."""
        points = [(value, values) for run in self.values[arm] for value, values in zip(run, zip(*self.values["float"]))]
        return f"{sum(not min(values) <= value <= max(values) for value, values in points)} of {len(points)}"


def row(*cells):
    print("| " + " | ".join(cells) + " |")


def table_of_seeds(seeds, arms, curves):
    row("arm", "seed", *(f"{name}: last | best" for name in EPOCHS))
    row(*["---"] * (2 + 2 * len(EPOCHS)))
    for arm, runs in arms.items():
        figures = [[figure for name in EPOCHS for figure in (curves[name].values[arm][k][-1], min(curves[name].values[arm][k]))]
                   for k in range(len(runs))]
        for seed, numbers in zip(seeds, figures):
            row(ARMS[arm], seed, *(f"{x:.4f}" for x in numbers))
        if len(runs) > 1:
            row(ARMS[arm], "mean", *(f"{statistics.mean(x):.4f}" for x in zip(*figures)))
            row(ARMS[arm], "deviation", *(f"{statistics.stdev(x):.4f}" for x in zip(*figures)))


def table_of_distances(arms, curves):
    """How far apart curves are, a mean over steps. Returns which are nearer than seeds are."""
    others = [arm for arm in arms if arm != "float"]
    print()
    row("curve", "deviation over seeds", "two seeds", *(ARMS[arm] for arm in others))
    row(*["---"] * (3 + len(others)))
    holds = True
    for name, curve in curves.items():
        seeds = statistics.mean(curve.between_seeds())
        apart = {arm: statistics.mean(curve.from_float(arm)) for arm in others}
        holds &= apart["fast"] < seeds
        row(name, *(f"{x:.3g}" for x in (statistics.mean(curve.deviation()), seeds)),
            *(f"{x:.3g} ({x / seeds:.0%})" for x in apart.values()))
    early = [k for k, at in enumerate(curves[STEPS].at) if at <= EARLY]
    if early:
        apart = [statistics.mean(distances[k] for k in early) for distances in
                 [curves[STEPS].deviation(), curves[STEPS].between_seeds()] + [curves[STEPS].from_float(arm) for arm in others]]
        row(f"{STEPS} up to {EARLY}", *(f"{x:.2g}" for x in apart))
    return holds


def verdict(curves, holds):
    """Holds if no curve of fast is further from its own seed's in float than two seeds are from each other, on average, and
    the means at the end are nearer than a seed's deviation."""
    print()
    for name in ("validation loss", "validation cost"):
        ends = {arm: [run[-1] for run in curves[name].values[arm]] for arm in ("float", "fast")}
        moved, bound = statistics.mean(ends["fast"]) - statistics.mean(ends["float"]), statistics.stdev(ends["float"])
        holds &= abs(moved) < bound
        outside = ", ".join(f"{ARMS[arm]} {curves[name].outside(arm)}" for arm in curves[name].values if arm != "float")
        share = 2 / (len(ends["float"]) + 1)
        print(f"{name}: points outside the band of all seeds: {outside}; of a further seed {share:.0%} would be")
        print(f"{name} at the end: fast moves the mean by {moved:+.2g}; a seed's deviation is {bound:.2g}")
    print(f"verdict: the curves of fast lie {'within' if holds else 'OUTSIDE'} the spread of seeds")
    return holds


# ---------------------------------------------------------------- the picture

WIDTH, HEIGHT, TOP, BOTTOM = 820, 320, 34, 44
TICKS = 6
TOGETHER = 5  # points that one of the picture is the mean of


def smooth(values):
    return [statistics.mean(values[k:k + TOGETHER]) for k in range(0, len(values), TOGETHER)]


class Panel:
    """A chart from `left` to `right`: values from `low` to `high` at the steps `at`, of `steps`."""

    def __init__(self, left, right, at, steps, low, high, title):
        self.left, self.right, self.at, self.steps, self.low, self.high = left, right, at, steps, low, high
        self.lines = [f'<text x="{left}" y="{TOP - 14}" font-weight="bold">{title}</text>',
                      f'<path d="M{left} {TOP}V{HEIGHT - BOTTOM}H{right}" fill="none" stroke="#888"/>',
                      f'<text x="{right}" y="{HEIGHT - 12}" text-anchor="end">step</text>']
        for step in (0, steps // 2, steps):
            self.lines.append(f'<text x="{self.x(step):.0f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{step}</text>')

    def x(self, step):
        return self.left + step / self.steps * (self.right - self.left)

    def y(self, value):
        return HEIGHT - BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)

    def points(self, values):
        return " ".join(f"{self.x(at):.1f},{self.y(v):.1f}" for at, v in zip(self.at, values))

    def tick(self, value, text):
        y = self.y(value)
        self.lines.append(f'<path d="M{self.left} {y:.1f}H{self.right}" stroke="#ddd"/>'
                          f'<text x="{self.left - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')

    def curve(self, values, colour, width=1.4):
        self.lines.append(f'<polyline points="{self.points(values)}" fill="none" stroke="{colour}" stroke-width="{width}"/>')

    def band(self, low, high, colour):
        there, back = self.points(low), " ".join(reversed(self.points(high).split()))
        self.lines.append(f'<polygon points="{there} {back}" fill="{colour}" fill-opacity="0.3"/>')


def losses_panel(curve, steps):
    """The seeds' band in float, and fast over it."""
    floats, fasts = curve.values["float"], curve.values["fast"]
    least, most = min(map(min, floats + fasts)), max(map(max, floats + fasts))
    margin = 0.05 * (most - least)
    panel = Panel(46, 370, curve.at, steps, least - margin, most + margin, curve.name)
    tenth = 10 ** math.floor(math.log10(most - least)) / 10
    step = next(tenth * size for size in (2, 5, 10, 20) if (most - least) / (tenth * size) <= TICKS)
    for k in range(math.ceil(least / step), math.floor(most / step) + 1):
        panel.tick(k * step, f"{k * step:g}")
    panel.band([min(values) for values in zip(*floats)], [max(values) for values in zip(*floats)], COLOURS["float"])
    for run in fasts:
        panel.curve(run, COLOURS["fast"])
    return panel.lines


def distances_panel(curve, steps):
    """On a scale of powers of ten: how far two seeds are apart, and each arm from float."""
    curves = {"seeds": smooth(curve.between_seeds())}
    curves.update((arm, smooth(curve.from_float(arm))) for arm in curve.values if arm != "float")
    logs = {name: [math.log10(max(v, 1e-7)) for v in values] for name, values in curves.items()}
    low, high = math.floor(min(map(min, logs.values()))), math.ceil(max(map(max, logs.values())))
    panel = Panel(440, WIDTH - 120, smooth(curve.at), steps, low, high, "apart in the training loss of a step")
    for k in range(low, high + 1):
        panel.tick(k, f"{10.0 ** k:g}")
    ends = []
    for name, values in logs.items():
        panel.curve(values, COLOURS[name])
        ends.append([panel.y(values[-1]), name])
    ends.sort()
    for k, (place, name) in enumerate(ends):
        if k:
            place = ends[k][0] = max(place, ends[k - 1][0] + 14)
        panel.lines.append(f'<text x="{WIDTH - 114}" y="{place + 4:.1f}" fill="{COLOURS[name]}">{LABELS[name]}</text>')
    return panel.lines


def draw(curves, path):
    shown = curves["validation loss"]
    steps = shown.at[-1]
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" '
             'fill="#333">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    lines += losses_panel(shown, steps) + distances_panel(curves[STEPS], steps)
    lines += [f'<text x="46" y="{HEIGHT - 12}" fill="{COLOURS["fast"]}">each seed in fast</text>',
              f'<text x="156" y="{HEIGHT - 12}" fill="{COLOURS["seeds"]}">band: all seeds in float</text>', "</svg>"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def runs_of(folder, seeds):
    """The runs of each arm. All of float and fast have to be there, to the last epoch; of the others the first seeds do."""
    arms, ends = {}, None
    for arm in ARMS:
        paths = [os.path.join(folder, f"{arm}-{seed}", "log.jsonl") for seed in seeds]
        runs = [Run(path) for path in (paths if arm in ("float", "fast") else itertools.takewhile(os.path.exists, paths))]
        ends = ends or max(runs[0].curves["validation loss"])
        whole = list(itertools.takewhile(lambda run: max(run.curves["validation loss"]) == ends, runs))
        if arm in ("float", "fast") and len(whole) < len(runs):
            raise SystemExit(f"compare_precision.py: {paths[len(whole)]}: does not end at step {ends}, as the first run does")
        if whole:
            arms[arm] = whole
    return arms


def main():
    if len(sys.argv) == 2 and sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return
    if len(sys.argv) < 5:
        raise SystemExit("compare_precision.py: wants a folder, a picture and two seeds or more; --help says how it is used")
    folder, picture, seeds = sys.argv[1], sys.argv[2], sys.argv[3:]
    arms = runs_of(folder, seeds)
    curves = {name: Curve(name, arms) for name in [STEPS, *EPOCHS]}
    table_of_seeds(seeds, arms, curves)
    holds = verdict(curves, table_of_distances(arms, curves))
    draw(curves, picture)
    sys.exit(0 if holds else 1)


main()
