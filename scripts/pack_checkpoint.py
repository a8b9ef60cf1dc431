#!/usr/bin/env python3
"""Pack a checkpoint for passing on: the weights alone, in half precision, without the optimiser's state.

usage: scripts/pack_checkpoint.py CHECKPOINT.safetensors PACKED.safetensors

infer, evaluate and train --init read the packed file as any checkpoint; train --resume needs the whole one.
"""
import json
import struct
import sys


def main(args):
    if args == ["--help"]:
        print(__doc__.strip())
        return 0
    if len(args) != 2:
        print("pack_checkpoint: two files are needed: see --help", file=sys.stderr)
        return 2
    with open(args[0], "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        body = f.read()
    whole = header.pop("__metadata__")
    metadata = {key: whole[key] for key in ("format", "version", "config", "state")}
    packed, parts, at = {"__metadata__": metadata}, [], 0
    for name, tensor in header.items():
        if name.startswith("optimiser."):
            continue
        if tensor["dtype"] != "F32":
            print(f"pack_checkpoint: {args[0]}: {name} is {tensor['dtype']}, not F32", file=sys.stderr)
            return 1
        begin, end = tensor["data_offsets"]
        count = (end - begin) // 4
        part = struct.pack(f"<{count}e", *struct.unpack(f"<{count}f", body[begin:end]))
        packed[name] = {"dtype": "F16", "shape": tensor["shape"], "data_offsets": [at, at + len(part)]}
        parts.append(part)
        at += len(part)
    text = json.dumps(packed).encode()
    text += b" " * (-len(text) % 8)
    with open(args[1], "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
    return 0


sys.exit(main(sys.argv[1:]))
