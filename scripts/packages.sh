# Sourced by the scripts: installs what building and running need, where it is missing.

# shellcheck disable=SC2034  # for those who source this
ANTIPHON_PACKAGES="gcc cmake ninja-build pkg-config libopenblas-openmp-dev libsndfile1-dev libmpg123-dev libcjson-dev libsoxr-dev libkissfft-dev libcurl4-openssl-dev libebur128-dev libpng-dev zlib1g-dev"
# shellcheck disable=SC2034
ANTIPHON_CLANG_PACKAGES="clang libomp-14-dev libclang-rt-14-dev" # Debian 12's clang is 14

# shellcheck disable=SC2034
ANTIPHON_MPI_PACKAGES="openmpi-bin libopenmpi-dev" # for training by several processes

# shellcheck disable=SC2034
ANTIPHON_JACK_PACKAGES="libjack-jackd2-dev jackd2" # for playing live

# install_packages PACKAGE...: with apt-get, as root or through sudo; otherwise prints the line to run and fails.
install_packages()
{
    missing=""
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    if [ "$(id -u)" = 0 ]; then as_root=""; elif sudo -n true 2>/dev/null; then as_root="sudo"; else
        echo "These packages are missing. Install them and start again:" >&2
        echo "  sudo apt-get update && sudo apt-get install -y$missing" >&2
        return 1
    fi
    echo "installing:$missing" | fold -s -w 80
    $as_root apt-get update -qq >/dev/null || return 1
    # shellcheck disable=SC2086  # a list of words
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null || return 1
}

# package_mirror SUITE: the mirror from which this machine's own packages of it come
package_mirror()
{
    # shellcheck disable=SC2016  # the field is apt's
    apt-get indextargets --format '$(SITE)' "Codename: $1" "Created-By: Packages" "Component: main" | head -n 1
}
