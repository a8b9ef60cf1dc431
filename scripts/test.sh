#!/bin/sh
# Installs what is missing, builds, and runs every test: the library in single and in double precision (where gradients are
# checked to 1e-6), the golden vectors, and the three ways of use as a user types them.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086  # a list of words
install_packages $ANTIPHON_PACKAGES libcmocka-dev
for preset in double release; do
    echo "building: $preset"
    cmake --preset "$preset" -DAP_WERROR=ON -DAP_TESTS=ON >/dev/null
    cmake --build --preset "$preset" >/dev/null
done
ctest --no-tests=error --test-dir build-double --output-on-failure -E '^cli_'
ctest --no-tests=error --test-dir build --output-on-failure
