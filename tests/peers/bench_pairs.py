"""Antiphon beside PyTorch, pair by pair in one run, and Antiphon beside itself with other threads and lengths.

usage: bench_pairs.py [options]   (see --help; scripts/bench_peer.sh starts it)
A round takes a few training steps in a mode of PyTorch, then as many in Antiphon, A B A B ..., so that both see the same
machine; what is printed is the median of the rounds, and for ratios the median of the rounds' own ratios. The
headline is the ratio to the fastest mode of PyTorch. Antiphon computes in float, and, where its kernel has that, with
train.precision=fast as well.
"""
import argparse, datetime, json, os, select, statistics, subprocess, sys, tempfile, time, wave

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LONG_MINUTES = 30
MODES = ("float", "medium", "bfloat16", "compiled")
PATIENCE = 600              # seconds that a mode may take for its first step, compiling included
PIECE_SECONDS = 30          # of the piece that a long recording repeats


def antiphon(options, *words):
    result = subprocess.run([options.antiphon, *words], stdout=subprocess.PIPE, text=True)
    if result.returncode:
        sys.exit("bench_pairs.py: antiphon %s: exit code %d" % (" ".join(words), result.returncode))
    return result.stdout


def bench(options, *overrides):
    return json.loads(antiphon(options, "bench", options.config, "--json", "--steps=%d" % options.steps, *overrides))


def alone(result, name):
    return next(p["ms"] for p in result["phases"] if p["part"] == "alone" and p["name"] == name) / 1000


class Torch:
    """bench_torch.py as a process of its own, so that its memory is its own too"""
    def __init__(self, options, mode, *overrides):
        config = antiphon(options, "config", options.config, *overrides)
        self.process = subprocess.Popen([options.python, os.path.join(HERE, "bench_torch.py"), config, mode],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.mode, self.version = mode, self.answer()

    def answer(self):
        """None if the process has ended"""
        return self.process.stdout.readline().strip() or None

    def ask(self, request, times=1):
        answers = []
        for _ in range(times):
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
            answer = self.answer()
            if answer is None:
                sys.exit("bench_pairs.py: bench_torch.py ended with code %d" % self.process.wait())
            answers.append(float(answer))
        return statistics.median(answers)

    def starts(self):
        """Takes the first step. False, and the process is gone, where PyTorch cannot or takes too long."""
        if self.version is not None:
            self.process.stdin.write("step\n")
            self.process.stdin.flush()
            if select.select([self.process.stdout], [], [], PATIENCE)[0] and self.answer() is not None:
                return True
        self.process.kill()
        self.process.wait()
        return False

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Measure:
    """the same quantity of both, one pair a round"""
    def __init__(self, unit):
        self.unit, self.pairs = unit, []

    def add(self, a, b):
        self.pairs.append((a, b))

    def first(self):
        return statistics.median(p[0] for p in self.pairs)

    def cells(self):
        a, b = (statistics.median(p[k] for p in self.pairs) for k in (0, 1))
        ratios = [x / y for x, y in self.pairs]
        return [self.unit(a), self.unit(b), "%.2f" % statistics.median(ratios), "%.2f to %.2f" % (min(ratios), max(ratios))]


def seconds(x):
    return "%.2f s" % x if x >= 1 else "%.1f ms" % (1000 * x)


def mebibytes(x):
    return "%.0f MiB" % (x / 2**20)


class Table:
    def __init__(self, *head):
        self.rows = [list(head)]

    def add(self, *cells):
        self.rows.append(list(cells))
        print("  " + "   ".join(cells), flush=True)

    def markdown(self):
        lines = ["| " + " | ".join(row) + " |" for row in self.rows]
        lines.insert(1, "|---" + "|---:" * (len(self.rows[0]) - 1) + "|")
        return "\n".join(lines)


def compare(options, output, batch, table):
    overrides = ["--agent.output=" + output, "--train.batch_size=%d" % batch, "--train.threads=%d" % options.threads]
    if options.seconds:
        overrides.append("--data.seconds=%g" % options.seconds)
    step, decode, memory, fast = {}, {}, {}, {}
    for mode in options.modes:      # one after the other: a machine has room for one
        torch = Torch(options, mode, *overrides)
        if not torch.starts():
            print("  PyTorch %s: fails, or has no step after %d s" % (mode, PATIENCE), flush=True)
            continue
        step[mode], decode[mode], memory[mode] = Measure(seconds), Measure(seconds), Measure(mebibytes)
        fast[mode] = Measure(seconds)
        torch_memory = torch.ask("memory")
        for _ in range(options.rounds):
            torch_step, torch_decode = torch.ask("step", options.steps), torch.ask("decode", options.steps)
            ours = bench(options, *overrides)
            step[mode].add(torch_step, ours["step_ms"] / 1000)
            decode[mode].add(torch_decode, alone(ours, "decode"))
            memory[mode].add(torch_memory, ours["peak_memory_bytes"])
            ours_fast = bench(options, *overrides, "--train.precision=fast")
            if ours_fast["precision"] == "fast":
                fast[mode].add(torch_step, ours_fast["step_ms"] / 1000)
        table.rows[0][1] = "PyTorch " + torch.version
        torch.close()
    if not step:
        sys.exit("bench_pairs.py: no mode of PyTorch takes a step")
    what = "%s, batch %d x %g s" % (output, batch, ours["seconds"])
    best = min(step, key=lambda mode: step[mode].first())
    print("%s: PyTorch's best is %s; it takes %s times as long as Antiphon" % (what, best, step[best].cells()[2]) +
          (", and %s times as long as with train.precision=fast" % fast[best].cells()[2] if fast[best].pairs else ""), flush=True)
    for mode in step:
        name = "training step, %s, %s%s" % (what, mode, " (best)" if mode == best else "")
        table.add(name, *step[mode].cells())
        if fast[mode].pairs:
            table.add(name + ", Antiphon fast", *fast[mode].cells())
    table.add("peak memory of it, " + best, *memory[best].cells())
    if output == options.outputs[0]:    # the codec is the same for all
        fastest = min(decode, key=lambda mode: decode[mode].first())
        table.add("decoding, batch %d x %g s, %s" % (batch, ours["seconds"], fastest), *decode[fastest].cells())


def scale(options, name, first, second, table):
    """Antiphon with overrides `first`, then `second`, round by round"""
    step, memory = Measure(seconds), Measure(mebibytes)
    for _ in range(options.rounds):
        a, b = bench(options, *first), bench(options, *second)
        step.add(a["step_ms"] / 1000, b["step_ms"] / 1000)
        memory.add(a["peak_memory_bytes"], b["peak_memory_bytes"])
    table.add(name + ": training step", *step.cells())
    table.add(name + ": peak memory", *memory.cells())


def repeat_wave(source, path, length):
    """`length` seconds of the recording, over and over"""
    with wave.open(source) as piece, wave.open(path, "wb") as long:
        long.setparams(piece.getparams())
        frames, rate = piece.readframes(piece.getnframes()), piece.getframerate()
        for _ in range(-(-length * rate // piece.getnframes())):
            long.writeframes(frames)


def compose_long(options):
    """infer with the mdct codec on recordings of half an hour"""
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        antiphon(options, "synth", "--out", at("pairs"), "--pairs", "2", "--seconds", str(PIECE_SECONDS))
        antiphon(options, "train", os.path.join(ROOT, "configs", "quick.json"), "--out", at("run"), "--train.epochs=1",
                 "--train.steps_per_epoch=1", "--data.path=" + at("pairs"))
        for side, part in (("input", "input"), ("target", "output")):
            repeat_wave(at("pairs/train/pair_0001_%s.wav" % part), at(side + ".wav"), LONG_MINUTES * 60)
        began = time.perf_counter()
        process = subprocess.Popen([options.antiphon, "infer", "--checkpoint", at("run/checkpoints/last.safetensors"),
                                    "--input", at("input.wav"), "--target", at("target.wav"), "--out", at("out.wav")],
                                   stdout=subprocess.DEVNULL)
        _, code, usage = os.wait4(process.pid, 0)
        process.returncode = code
        elapsed = time.perf_counter() - began
        if code:
            sys.exit("bench_pairs.py: antiphon infer: exit status %d" % code)
        with wave.open(at("out.wav")) as out:
            length = out.getnframes() / out.getframerate()
        print("mdct inference, %.1f min of recordings (configs/quick.json): %.1f s, %.0f times real time, peak memory %s"
              % (length / 60, elapsed, length / elapsed, mebibytes(usage.ru_maxrss * 1024)), flush=True)


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--antiphon", default=os.path.join(ROOT, "build", "antiphon"), help="the built program")
    p.add_argument("--python", default=sys.executable, help="a Python that has torch")
    p.add_argument("--config", default=os.path.join(ROOT, "configs", "encodec.json"))
    names, numbers = lambda text: text.split(","), lambda text: [int(n) for n in text.split(",")]
    p.add_argument("--outputs", type=names, default="cascade,direct", help="output parts, separated by commas (default: both)")
    p.add_argument("--batches", type=numbers, default="1,4", help="batch sizes, separated by commas (default: 1,4)")
    p.add_argument("--modes", type=names, default=",".join(MODES), help="of PyTorch, separated by commas (default: all)")
    p.add_argument("--threads", type=int, default=os.cpu_count(), help="of both (default: all)")
    p.add_argument("--seconds", type=float, help="length of an item (default: the configuration's)")
    p.add_argument("--rounds", type=int, default=5, help="pairs of measurements (default: 5)")
    p.add_argument("--steps", type=int, default=3, help="steps in each, of which the median counts (default: 3)")
    p.add_argument("--only", choices=("peer", "scaling", "long"), help="one part alone (default: all three)")
    p.add_argument("--check", action="store_true", help="look at the options and do nothing else")
    options = p.parse_args()
    if not options.modes or set(options.modes) - set(MODES):
        p.error("--modes: %s" % ", ".join(MODES))
    if options.check:
        sys.exit()
    return options


def processor():
    with open("/proc/cpuinfo") as info:
        return next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "a processor without a name")


def main():
    options = parse()
    print("%s, %s; %s" % (processor(), antiphon(options, "--version").split("\n")[1], datetime.date.today().isoformat()))
    print("%d processors, load %.1f %.1f %.1f, %d threads, %d rounds of %d steps, %s"
          % (os.cpu_count(), *os.getloadavg(), options.threads, options.rounds, options.steps, options.config), flush=True)
    tables = []
    if options.only in (None, "peer"):
        tables.append(Table("", "PyTorch", "Antiphon", "PyTorch / Antiphon", "of the rounds"))
        for batch in options.batches:
            for output in options.outputs:
                compare(options, output, batch, tables[-1])
    if options.only in (None, "scaling"):
        length = options.seconds or bench(options, "--steps=1")["seconds"]
        at = lambda threads, s: ["--train.threads=%d" % threads, "--data.seconds=%g" % s]
        tables.append(Table("Antiphon", "first", "second", "first / second", "of the rounds"))
        scale(options, "1 thread, 2 threads", at(1, length), at(2, length), tables[-1])
        scale(options, "%g s, %g s" % (length, 2 * length), at(options.threads, length),
              at(options.threads, 2 * length), tables[-1])
    if options.only in (None, "long"):
        compose_long(options)
    for table in tables:
        print("\n" + table.markdown())


if __name__ == "__main__":
    main()
