#!/bin/sh
# Independent ears: other programs' measures of composed pieces, beside what `antiphon evaluate` says.
#
#   scripts/ears.sh [OPTION...] NAME=DIR...    --help lists the options of ears.py, which does the work
#
# Each DIR holds triplets as `infer --pairs`, or `evaluate --write_baselines`, writes them: NAME_1_input.wav,
# NAME_2_target.wav, NAME_3_output.wav. Installs librosa, mir_eval and pyloudnorm into a folder of their own, and, where
# they can be had, basic-pitch (notes) and madmom (beats and onsets by trained networks; both carry their weights).
set -eu
. "$(dirname "$0")/usage.sh"
case ${1-} in
-h | --help) usage && echo && exec python3 "$(dirname "$0")/ears.py" --help ;;
esac
PYTHON=${PYTHON:-python3}
VENV=${VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/antiphon/ears} # where Python's packages are put

[ $# -gt 0 ] || misuse "wants NAME=DIR, a folder of triplets"
ears=$(cd "$(dirname "$0")" && pwd)/ears.py
if [ ! -e "$VENV/whole" ]; then
    rm -rf "$VENV"
    echo "installing librosa, mir_eval, pyloudnorm, basic-pitch and madmom into $VENV" >&2
    "$PYTHON" -m venv "$VENV"
    pip() { "$VENV/bin/pip" install -q "$@"; }
    # madmom's newest release is of 2018: numpy before 1.24, C made anew by the Cython of its time, and what goes with them
    pip "numpy==1.23.5" "scipy<1.11" "numba==0.57.1" "scikit-learn<1.4" "cython<3" "setuptools<66" wheel mido \
        "librosa==0.10.1" mir_eval pyloudnorm "soundfile<0.13"
    # basic-pitch asks for TensorFlow, and this onnxruntime for a newer numpy, without need
    { pip --no-deps basic-pitch==0.4.0 onnxruntime==1.16.3 &&
        pip flatbuffers packaging protobuf coloredlogs sympy pretty_midi "resampy<0.4.3" "numpy==1.23.5"; } ||
        echo "basic-pitch cannot be installed: no notes" >&2
    work=$(mktemp -d)
    (cd "$work" && "$VENV/bin/pip" download -q --no-deps --no-build-isolation --no-binary :all: madmom==0.16.1 &&
        tar xf madmom*.tar.gz && cd madmom-*/ && find . -name '*.c' -exec rm {} + &&
        sed -i 's/^from collections import Mutable/from collections.abc import Mutable/' madmom/processors.py && # Python 3.10
        pip --no-build-isolation --no-deps .) ||
        echo "madmom cannot be installed: no beats" >&2
    rm -rf "$work"
    touch "$VENV/whole"
fi
exec "$VENV/bin/python" "$ears" "$@"
