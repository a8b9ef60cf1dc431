# train.precision: fast where the kernel has faster products, float elsewhere and said so, and told when a run is resumed.
. "$1/expect.sh"
. "$1/tiny.sh"
pairs pairs 4 1
# products large enough for tiles, and one thread: the emulated kernel is slow
set -- tiny.json --data.path=pairs --agent.model=64 --agent.ff=128 --train.threads=1 --train.epochs=1

# a kernel without faster products: the numbers of float
export ANTIPHON_KERNEL=plain
expect 0 "" train "$@" --out float
expect 0 "kernel plain has no faster products" train "$@" --out fast --train.precision=fast
losses() { sed -nE 's/.*("val_loss": [^,}]*).*/\1/p' "$1/log.jsonl"; }
[ -n "$(losses float)" ]
[ "$(losses float)" = "$(losses fast)" ]
expect 0 "kernel plain, precision float;" bench "$@" --train.precision=fast --steps 1
expect 2 "must be float or fast" train "$@" --out none --train.precision=half

# another precision after a resumption is told, the same is not
expect 0 "train.precision was fast and is float from here on" train "$@" --out fast --resume auto --train.epochs=2
expect 0 "" train "$@" --out float --resume auto --train.epochs=2
if grep -q "train.precision" out err; then echo "told without a change:" && cat out err && exit 1; fi

# those that have them, where they are built in: almost the numbers of float
set -- "$@" --data.seconds=0.5
expect 0 "" train "$@" --out short
for ANTIPHON_KERNEL in fixed_emulated amx_emulated; do
    "$ANTIPHON" --version >/dev/null 2>&1 || exit 0
    expect 0 "" train "$@" --out "$ANTIPHON_KERNEL" --train.precision=fast
    if grep -q "faster products" out err; then echo "it has them:" && cat out err && exit 1; fi
    [ "$(losses short)" != "$(losses "$ANTIPHON_KERNEL")" ]
    paste -d " " short/log.jsonl "$ANTIPHON_KERNEL/log.jsonl" |
        sed -nE 's/.*"val_loss": ([^,}]*).*"val_loss": ([^,}]*).*/\1 \2/p' |
        awk '{ seen = 1; off = $1 - $2 } off > 0.02 * $1 || off < -0.02 * $1 { bad = 1 } END { exit bad || !seen }'
done
ANTIPHON_KERNEL=fixed_emulated
expect 0 "kernel fixed_emulated, precision fast;" bench "$@" --train.precision=fast --steps 1
