"""What an output pays for following its sources' envelopes, from Python: python3 cost.py [libantiphon.so]"""
import ctypes
import math
import sys

SEGMENTS, BARRIER_ORIGINAL = 250, 1
SAMPLES = 96 * SEGMENTS
Samples = ctypes.c_float * SAMPLES  # c_double where the library was built with AP_DOUBLE

library = ctypes.CDLL(sys.argv[1] if len(sys.argv) > 1 else "libantiphon.so.0")
cost = library.ap_modulation_cost_arrays
cost.restype = ctypes.c_float
cost.argtypes = [ctypes.c_int64] * 3 + [ctypes.c_int] + [ctypes.c_void_p] * 6

# two envelopes a quarter of a turn apart, constant within a segment
turns = [2 * math.pi * (s * SEGMENTS // SAMPLES) / SEGMENTS for s in range(SAMPLES)]
source = Samples(*(1 + math.cos(t) for t in turns))
target = Samples(*(1 + math.sin(t) for t in turns))
blend = Samples(*((a + b) / 2 for a, b in zip(source, target)))
steady = Samples(*(1 for _ in turns))
for output in (source, blend, steady):
    print("%.3f" % cost(1, SAMPLES, SEGMENTS, BARRIER_ORIGINAL, source, target, output, None, None, None))
