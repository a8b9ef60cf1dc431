#!/bin/sh
# Builds the program for 64-bit ARM and tests it there, on a Debian 12 machine
# with any other processor: fetches ARM's libraries into a folder of their own,
# compiles with Debian's cross compiler, and runs tests and the program in an
# emulator (QEMU). Nothing is timed: an emulator's speed says nothing. Takes
# some twenty minutes, and 1 GB.
#
#     scripts/test_arm.sh
#
# From outside can be given MIRROR (else the one of this machine's own packages)
# and:
set -eu
. "$(dirname "$0")/usage.sh"
no_arguments "$@"
cd "$(dirname "$0")/.."
. scripts/packages.sh

SUITE=${SUITE:-bookworm}
BUILD=${BUILD:-build-arm} # folder of the build, and of what is fetched for it
TESTS=${TESTS:-tile product precision array fft stft vmath denormals ops golden}
MIRROR=${MIRROR:-$(package_mirror "$SUITE")}
[ -n "$MIRROR" ] || { echo "test_arm.sh: apt names no mirror of $SUITE here: MIRROR=URL scripts/test_arm.sh" >&2 && exit 2; }

install_packages gcc-aarch64-linux-gnu qemu-user-static cmake ninja-build pkg-config
mkdir -p "$BUILD"
BUILD=$(realpath "$BUILD")
root=$BUILD/root
libraries=$root/usr/lib/aarch64-linux-gnu

# apt, with ARM's packages and none that is installed: the machine's own are left alone
apt_arm() {
    apt-get -q -y -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User="$(id -un)" \
        -o Dir::State="$BUILD/apt" -o Dir::State::status="$BUILD/apt/status" -o Dir::Cache="$BUILD/apt" \
        -o Dir::Etc::sourcelist="$BUILD/apt/sources.list" -o Dir::Etc::sourceparts=- "$@"
}

# Packages of libraries among those that building takes; MLflow servers are left out.
arm_packages() {
    for package in libc6-dev $ANTIPHON_PACKAGES libcmocka-dev; do
        case $package in
        libcurl*) ;;
        *-dev) echo "$package" ;;
        esac
    done
}

# What installing would do beyond unpacking: OpenBLAS is one of several, and links begin at the root.
finish_root() {
    for library in libopenblas.so libopenblas.so.0; do ln -sfn "openblas-openmp/$library" "$libraries/$library"; done
    ln -sfn ../openblas-openmp/pkgconfig/openblas.pc "$libraries/pkgconfig/openblas.pc"
    find "$root" -type l -lname '/*' | while read -r link; do
        target=$(readlink "$link")
        case $target in "$root"/*) ;; *) ln -sfn "$root$target" "$link" ;; esac
    done
}

if [ ! -e "$root/complete" ]; then
    mkdir -p "$BUILD/apt/lists/partial" "$BUILD/apt/archives/partial"
    : >"$BUILD/apt/status"
    echo "deb $MIRROR $SUITE main" >"$BUILD/apt/sources.list"
    quietly apt_arm update
    # shellcheck disable=SC2046  # a list of words
    quietly apt_arm install --download-only --no-install-recommends $(arm_packages)
    for package in "$BUILD"/apt/archives/*.deb; do dpkg -x "$package" "$root"; done
    finish_root
    : >"$root/complete"
fi
echo "libraries: $(find "$BUILD/apt/archives" -name '*_arm64.deb' | wc -l) packages of ARM's from $MIRROR"

cat >"$BUILD/arm.cmake" <<END
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_SYSROOT $root)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L $root)
set(ENV{PKG_CONFIG_SYSROOT_DIR} $root)
set(ENV{PKG_CONFIG_LIBDIR} $libraries/pkgconfig:$root/usr/share/pkgconfig)
END
quietly cmake -S . -B "$BUILD" -G Ninja --toolchain "$BUILD/arm.cmake" -DAP_MPI=OFF -DAP_CURL=OFF -DAP_TESTS=ON
# shellcheck disable=SC2086  # a list of words
set -- $TESTS
targets=antiphon
for name in "$@"; do
    case $name in
    golden) targets="$targets golden" ;;
    *) targets="$targets test_$name" ;;
    esac
done
# shellcheck disable=SC2086  # a list of words
quietly cmake --build "$BUILD" --target $targets

export OMP_NUM_THREADS=1
# The emulator keeps a record of every page: where addresses are limited, the program reserves few of them.
ulimit -v 6000000
ctest --test-dir "$BUILD" --no-tests=error --output-on-failure -R "^($(echo "$*" | tr ' ' '|'))\$"

antiphon() { qemu-aarch64-static -L "$root" "$BUILD/antiphon" "$@"; }
antiphon --version
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 1' HUP INT TERM
quietly antiphon synth --out "$out/pairs" --pairs 2 --seconds 2
quietly antiphon train configs/quick.json --data.path="$out/pairs" --data.seconds=2 --epochs=1 --out "$out/run"
quietly antiphon infer --checkpoint "$out/run/checkpoints/last.safetensors" --pairs "$out/pairs" --num_samples 1 \
    --out "$out/samples"
echo "made pairs, trained and composed"
