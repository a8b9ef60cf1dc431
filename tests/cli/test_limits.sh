# Where addresses are limited (ulimit -v), a run fits into what there is, or says in one line that it does not.
. "$1/expect.sh"
. "$1/tiny.sh"
pairs pairs 2 1
for limit in 1500000 1400000 900000; do
    for threads in 1 2; do
        (
            ulimit -v $limit
            OMP_NUM_THREADS=$threads timeout -s KILL 60 "$ANTIPHON" train tiny.json --out "run_${limit}_$threads" \
                --train.epochs=1 >out 2>err
        ) || { echo "$limit KiB, $threads threads:" && cat out err && exit 1; }
    done
done
for limit in 600000 400000 300000 150000; do # enough or not: it ends, and says why
    code=0
    (
        ulimit -v $limit
        OMP_NUM_THREADS=2 timeout -s KILL 60 "$ANTIPHON" train tiny.json --out "run_$limit" --train.epochs=1 \
            --train.threads=3 >out 2>err
    ) || code=$?
    [ "$code" -eq 0 ] && continue
    if [ "$code" -ne 1 ] || [ "$(wc -l <err)" -ne 1 ] || ! grep -q "out of memory" err; then
        echo "$limit KiB: exit code $code" && cat out err && exit 1
    fi
done

# temporary files go where TMPDIR says
expect 0 "" synth --out long --pairs 2 --seconds 2
set -- --checkpoint run_1500000_1/checkpoints/best.safetensors --input long/train/pair_0001_input.wav \
    --target long/train/pair_0001_target.wav --out made.wav
export TMPDIR="$PWD/absent"
expect 1 "absent: cannot create a temporary file" infer "$@"
mkdir absent
expect 0 "made.wav" infer "$@"
[ -z "$(ls absent)" ]
