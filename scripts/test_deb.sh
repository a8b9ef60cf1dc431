#!/bin/sh
# Proves the Debian packages in a Debian that has nothing else: builds them,
# lets lintian read them where it is installed, makes a bare root with
# debootstrap, installs the program there with apt, uses it, builds with the
# development package, purges them, and looks for what is left. Needs root,
# debootstrap and a Debian mirror; some 600 MB in a temporary folder.
#
#     sudo scripts/test_deb.sh
#
# From outside can be given MIRROR (else the one of this machine's own packages),
# SUITE, and DEBS (a folder of packages that are there already).
set -eu
. "$(dirname "$0")/usage.sh"
no_arguments "$@"
cd "$(dirname "$0")/.."
. scripts/packages.sh

SUITE=${SUITE:-bookworm}
DEBS=${DEBS:-}
MIRROR=${MIRROR:-$(package_mirror "$SUITE")}
[ -n "$MIRROR" ] || { echo "test_deb.sh: apt names no mirror of $SUITE here: MIRROR=URL sudo -E scripts/test_deb.sh" >&2 && exit 2; }

[ "$(id -u)" = 0 ] || { echo "test_deb.sh: debootstrap and chroot want root" >&2 && exit 2; }
command -v debootstrap >/dev/null || { echo "test_deb.sh: apt-get install debootstrap" >&2 && exit 2; }

if [ -z "$DEBS" ]; then
    rm -f build-package/*.deb
    quietly cmake --preset package
    quietly cmake --build --preset package
    quietly cpack -G DEB --config build-package/CPackConfig.cmake -B build-package
    DEBS=build-package
fi
echo "packages:" "$DEBS"/*.deb
if command -v lintian >/dev/null; then
    lintian --allow-root --fail-on error,warning "$DEBS"/*.deb
    echo "lintian: nothing to complain of"
fi

root=$(mktemp -d)
chmod 755 "$root" # apt downloads as another user
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 1' HUP INT TERM
quietly debootstrap --variant=minbase "$SUITE" "$root" "$MIRROR"
mkdir "$root/packages"
cp "$DEBS"/*.deb "$root/packages"
# how this machine reaches the mirror
[ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$root/etc/resolv.conf"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} "$@"; }
# every path of the root but those that package management itself writes
paths() {
    inside find / -xdev \( -path /proc -o -path /tmp -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg \
        -o -path /var/log \) -prune -o -print | sort
}

inside apt-get update -qq
paths >"$root/tmp/before"
quietly inside sh -c 'apt-get install -y -qq --no-install-recommends /packages/antiphon_*.deb /packages/libantiphon[0-9]*.deb'
# shellcheck disable=SC2016  # the fields are dpkg's
inside dpkg-query -W -f 'installed: ${Package} ${Version} (${Section}, ${Installed-Size} kB)\n' antiphon 'libantiphon[0-9]*'
echo "OpenBLAS: $(inside sh -c 'readlink -f /usr/lib/*/libopenblas.so.0')"

inside antiphon --version
inside sh -c 'zcat /usr/share/man/man1/antiphon.1.gz' | grep -q '^\.TH ANTIPHON 1'
inside bash -c '. /usr/share/bash-completion/completions/antiphon && complete -p antiphon'
inside antiphon synth --out /tmp/pairs --pairs 2 --seconds 2
pair=/tmp/pairs/train/pair_0001
inside antiphon cost ${pair}_input.wav ${pair}_target.wav ${pair}_input.wav
inside antiphon train /usr/share/antiphon/configs/quick.json --data.path=/tmp/pairs --data.seconds=2 --epochs=1 \
    --out /tmp/run >/dev/null
inside antiphon infer --checkpoint /tmp/run/checkpoints/last.safetensors --pairs /tmp/pairs --num_samples 1 --out /tmp/samples

# what there is to build with
quietly inside sh -c 'apt-get install -y -qq --no-install-recommends gcc libc6-dev pkg-config /packages/libantiphon-dev_*.deb'
cp tests/examples/cost.c "$root/tmp/cost.c"
# shellcheck disable=SC2016  # for the shell inside
inside sh -c 'gcc /tmp/cost.c -o /tmp/cost $(pkg-config --cflags --libs antiphon) -lm && /tmp/cost'
echo "built: an example, with libantiphon-dev"

quietly inside sh -c 'apt-get purge -y -qq --autoremove antiphon "libantiphon*" gcc libc6-dev pkg-config'
paths >"$root/tmp/after"
if ! diff "$root/tmp/before" "$root/tmp/after"; then
    echo "test_deb.sh: the purged packages have left these behind" >&2 && exit 1
fi
echo "purged: nothing is left"
