#!/bin/sh
# Compares the time of a training step with the same step in PyTorch, pair by pair, then with 1 and 2 threads, over items twice as
# long, and inference over half an hour. Prints medians, ratios and tables in Markdown. To be run on a machine that does
# nothing else. Options go to tests/peers/bench_pairs.py (--help lists them); $PYTHON is a Python that has torch,
# $ANTIPHON the program, where it is not built here.
set -eu
. "$(dirname "$0")/usage.sh"
case ${1-} in
-h | --help) usage; echo ;; # and the options below
esac
cd "$(dirname "$0")/.."
antiphon=${ANTIPHON:-build/antiphon}

# any Python knows the options: they are looked at before there is any work
for candidate in ${PYTHON:-python3 /usr/bin/python3}; do
    command -v "$candidate" >/dev/null || continue
    "$candidate" tests/peers/bench_pairs.py --check "$@" || exit
    case ${1-} in
    -h | --help) exit ;;
    esac
    break
done

# a Python with PyTorch: Debian's python3-torch belongs to the system's own
python=
for candidate in ${PYTHON:-python3 /usr/bin/python3}; do
    if "$candidate" -c "import torch" 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "bench_peer.sh: PyTorch is needed for this comparison, and ${PYTHON:-python3} does not have it:" >&2
    echo "  sudo apt-get install -y python3-torch" >&2
    exit 1
fi
if [ -z "${ANTIPHON:-}" ]; then
    . scripts/packages.sh
    # shellcheck disable=SC2086  # a list of words
    install_packages $ANTIPHON_PACKAGES
    cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
    cmake --build build --target antiphon >/dev/null
fi
exec "$python" tests/peers/bench_pairs.py --antiphon "$antiphon" "$@"
