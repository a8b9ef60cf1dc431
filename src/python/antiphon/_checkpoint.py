from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy

from ._library import Samples, check, ffi, lib, path_bytes, pointer, text


def checkpoint_path(path: str | os.PathLike[str]) -> bytes:
    """The checkpoint that a path stands for: of a run's folder, its best."""
    found = ffi.new("char **")
    check(lib.ap_run_folder_checkpoint(path_bytes(path), found))
    try:
        return ffi.string(found[0])
    finally:
        lib.free(found[0])


class Checkpoint(Mapping[str, Samples]):
    """What training has written: the tensors by their names, the configuration and the progress.

        checkpoint = antiphon.Checkpoint("runs/compose")
        checkpoint.config["agent"]["output"]
        checkpoint["agent.project.weight"].shape

    path: a checkpoint, or a run's folder, which stands for its best checkpoint (the last where there is no best).

    A tensor is read when it is asked for, and its checksum compared.
    """

    path: str
    config: dict[str, Any]
    """The whole configuration, by section and key."""
    state: dict[str, Any]
    """The progress of training, numbers as texts; empty where the file tells none."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        found = checkpoint_path(path)
        opened = ffi.new("ap_safetensors **")
        check(lib.ap_safetensors_open(found, opened))
        self._file = ffi.gc(opened[0], lib.ap_safetensors_close)
        self.path = os.fsdecode(found)
        self._index = {text(lib.ap_safetensors_name(self._file, i)): i
                       for i in range(lib.ap_safetensors_count(self._file))}
        self.config, self.state = self._metadata("config"), self._metadata("state")

    def _metadata(self, key: str) -> dict[str, Any]:
        entry = lib.ap_safetensors_metadata(self._file, key.encode())
        return json.loads(text(entry)) if entry else {}

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, without reading it."""
        shape = lib.ap_safetensors_shape(self._file, self._index[name])
        return tuple(shape.at[i] for i in range(shape.rank))

    def __getitem__(self, name: str) -> Samples:
        tensor = numpy.empty(self.shape(name), dtype=numpy.float32)
        check(lib.ap_safetensors_read(self._file, self._index[name], pointer(tensor)))
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"Checkpoint({self.path!r}: {len(self)} tensors)"
