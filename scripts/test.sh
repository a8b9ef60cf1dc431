#!/bin/sh
# Builds and runs every test: see usage.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh

usage()
{
    cat <<'END'
usage: scripts/test.sh [--all]

Installs what is missing, builds, and runs every test: the library in single and
in double precision (where gradients are checked to 1e-6), the golden vectors,
and the three ways of use as a user types them. Where clang and its OpenMP are
installed, all of it is built and run by clang too, each fuzzer of tests/fuzz
runs for AP_FUZZ_SECONDS (20), and the thread sanitizer watches the operations
and the trainer. Where shellcheck is installed it reads every script.

  --all   installs clang, its OpenMP and its sanitizers, Open MPI, JACK,
          shellcheck, html5lib and what the Python package is built with, too,
          as continuous integration does
END
}

packages="$ANTIPHON_PACKAGES libcmocka-dev"
python_packages="python3-venv python3-dev python3-cffi python3-numpy python3-setuptools python3-wheel"
[ $# -le 1 ] || { usage >&2; exit 2; }
case "${1-}" in
"") ;;
--all) packages="$packages $ANTIPHON_CLANG_PACKAGES $ANTIPHON_MPI_PACKAGES $ANTIPHON_JACK_PACKAGES $python_packages shellcheck python3-html5lib" ;;
-h | --help) usage; exit 0 ;;
*) usage >&2; exit 2 ;;
esac
# shellcheck disable=SC2086  # a list of words
install_packages $packages

# clang_serves FLAG...: whether clang, its OpenMP and what the flags want are here
clang_serves()
{
    echo 'int main(void) { return 0; }' | clang -fopenmp "$@" -x c - -o /dev/null 2>/dev/null
}

# build PRESET [FLAG...]: quietly, unless it fails
build()
{
    preset=$1
    shift
    echo "building: $preset"
    cmake --preset "$preset" -DAP_WERROR=ON -DAP_TESTS=ON "-DAP_TEST_PREFIX=${preset}_" "$@" >build-all/log 2>&1 &&
        cmake --build --preset "$preset" >>build-all/log 2>&1 && return
    cat build-all/log >&2
    exit 1
}

mkdir -p build-all
build release -DAP_TEST_PREFIX=
build double
folders="build build-double"
if clang_serves; then
    build clang
    build clang-double
    folders="$folders build-clang build-clang-double"
else
    echo "no clang with OpenMP here (scripts/test.sh --all installs it): gcc alone"
fi
if clang_serves -fsanitize=address && clang_serves -fsanitize=thread; then
    build tsan
    build fuzz "-DAP_FUZZ_SECONDS=${AP_FUZZ_SECONDS:-20}"
    folders="$folders build-tsan/tests/tsan build-fuzz/tests/fuzz"
fi

# One run over all of them, so that its last lines tell of everything.
for folder in $folders; do
    echo "subdirs(\"$PWD/$folder\")"
done >build-all/CTestTestfile.cmake
exec ctest --no-tests=error --test-dir build-all --output-on-failure -j 2
