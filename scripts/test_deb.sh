#!/bin/sh
# Proves the Debian package in a Debian that has nothing else: builds it, makes a bare root with debootstrap, installs the
# package there with apt, uses it, purges it, and looks for what is left. Needs root, debootstrap and a Debian mirror; some
# 400 MB in a temporary folder.
#
#     sudo scripts/test_deb.sh             MIRROR, SUITE and DEB (a package that is there already) can be given
#                                          from outside
set -eu
. "$(dirname "$0")/usage.sh"
no_arguments "$@"
cd "$(dirname "$0")/.."
MIRROR=${MIRROR:-http://deb.debian.org/debian}
SUITE=${SUITE:-bookworm}
DEB=${DEB:-}

[ "$(id -u)" = 0 ] || { echo "test_deb.sh: debootstrap and chroot want root" >&2 && exit 2; }
command -v debootstrap >/dev/null || { echo "test_deb.sh: apt-get install debootstrap" >&2 && exit 2; }

# quietly COMMAND...: what it prints is shown only where it fails
quietly() {
    log=$(mktemp)
    "$@" >"$log" 2>&1 || { echo "test_deb.sh: $* failed" >&2 && tail -n 30 "$log" >&2 && exit 1; }
    rm -f "$log"
}

if [ -z "$DEB" ]; then
    quietly cmake --preset package
    quietly cmake --build --preset package
    quietly cpack -G DEB --config build-package/CPackConfig.cmake -B build-package
    DEB=$(ls build-package/antiphon_*.deb)
fi
echo "package: $DEB"

root=$(mktemp -d)
chmod 755 "$root" # apt downloads as another user
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 1' HUP INT TERM
quietly debootstrap --variant=minbase "$SUITE" "$root" "$MIRROR"
cp "$DEB" "$root/antiphon.deb"
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
quietly inside apt-get install -y -qq --no-install-recommends /antiphon.deb
# shellcheck disable=SC2016  # the fields are dpkg's
echo "installed: $(inside dpkg-query -W -f '${Package} ${Version} (${Section}, ${Installed-Size} kB)' antiphon)"
echo "OpenBLAS: $(inside sh -c 'readlink -f /usr/lib/*/libopenblas.so.0')"

inside antiphon --version
inside ldd /usr/bin/antiphon | grep libantiphon
inside sh -c 'zcat /usr/share/man/man1/antiphon.1.gz' | grep -q '^\.TH ANTIPHON 1'
inside bash -c '. /usr/share/bash-completion/completions/antiphon && complete -p antiphon'
inside antiphon synth --out /tmp/pairs --pairs 2 --seconds 2
pair=/tmp/pairs/train/pair_0001
inside antiphon cost ${pair}_input.wav ${pair}_target.wav ${pair}_input.wav
inside antiphon train /usr/share/antiphon/configs/quick.json --data.path=/tmp/pairs --data.seconds=2 --epochs=1 \
    --out /tmp/run >/dev/null
inside antiphon infer --checkpoint /tmp/run/checkpoints/last.safetensors --pairs /tmp/pairs --num_samples 1 --out /tmp/samples

quietly inside apt-get purge -y -qq --autoremove antiphon
paths >"$root/tmp/after"
if ! diff "$root/tmp/before" "$root/tmp/after"; then
    echo "test_deb.sh: the purged package has left these behind" >&2 && exit 1
fi
echo "purged: nothing is left"
