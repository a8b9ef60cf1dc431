# Asked to end by a signal, by a pipe nobody reads, or by a limit on its time: what is under way is saved or leaves nothing.
# shellcheck disable=SC2086  # lists of words
. "$1/expect.sh"
. "$1/tiny.sh"
export OMP_NUM_THREADS=1
pairs pairs 4 1

# until_there PATH: waits for what $process is to make
until_there() {
    until [ -e "$1" ]; do kill -0 $process; sleep 0.02; done
}
# ends CODE: $process has ended with it
ends() {
    code=0
    wait $process || code=$?
    [ "$code" -eq "$1" ] || { echo "exit code $code, not $1" && cat out err && exit 1; }
}
endless="train tiny.json --train.epochs=100000 --train.checkpoint_every=50000"

# GNU timeout signals the program and then its group; so do some batch systems. Stopped meanwhile, it gets both at once.
# shellcheck disable=SC2086  # several words
begin $endless --out twice
until_says epoch
kill -STOP $process
kill -TERM $process
kill -INT $process
kill -CONT $process
ends 130
grep -q "interrupted at step" err
there twice/checkpoints/last.safetensors

# what batch systems send before the time is up
for signal in USR1 USR2 XCPU; do
    # shellcheck disable=SC2086
    begin $endless --out "limit_$signal"
    until_says epoch
    kill -$signal $process
    ends 130
    grep -q "interrupted at step" err
    there "limit_$signal/checkpoints/last.safetensors"
done
# the kernel's own, of which one comes every second
(
    ulimit -S -t 1
    # shellcheck disable=SC2086
    begin $endless --out cpu
    ends 130
)
there cpu/checkpoints/last.safetensors

# what is ignored stays ignored
(
    trap '' INT TERM USR1 USR2 XCPU HUP PIPE
    # shellcheck disable=SC2086
    : >out
    "$ANTIPHON" $endless --out ignored >out 2>err &
    process=$!
    until_says epoch
    for signal in INT TERM USR1 USR2 XCPU HUP PIPE; do kill -$signal $process; done
    sleep 0.3
    kill -0 $process
    [ ! -s err ]
    kill -KILL $process
)

# a reader that goes: saved, and not a word
mkfifo pipe
# shellcheck disable=SC2086
"$ANTIPHON" $endless --out unread >pipe 2>err &
process=$!
head -n 1 pipe >/dev/null
ends 130
[ ! -s err ]
there unread/checkpoints/last.safetensors
# nobody was there to begin with, and no file takes the place of the standard output
"$ANTIPHON" train tiny.json --out closed --train.epochs=1 >&- 2>err <&-
[ ! -s err ]
expect 0 "tensors" info closed/checkpoints/last.safetensors
expect 0 "" config closed/config.json
# and where SIGPIPE is ignored
(
    trap '' PIPE
    code=0
    "$ANTIPHON" help --man 2>err >pipe || code=$?
    echo "$code" >code
) &
: <pipe
wait $!
[ ! -s err ] && [ "$(cat code)" -eq 0 ]

# every other verb that may take long: nothing is left of what was not finished
begin synth --out made --pairs 9999 --seconds 60
until_there made/unfinished/train
kill -TERM $process
ends 130
[ "$(cat err)" = "antiphon synth: interrupted" ]
[ ! -e made ]

expect 0 "" train tiny.json --out run --train.epochs=1
expect 0 "" synth --out long --pairs 2 --seconds 60
mkdir many folder
for k in $(seq 150); do
    ln long/train/pair_0001_input.wav "many/pair_${k}_input.wav"
    ln long/train/pair_0001_target.wav "many/pair_${k}_target.wav"
    ln long/train/pair_0001_input.wav "folder/${k}_1_input.wav"
    ln long/train/pair_0001_input.wav "folder/${k}_2_target.wav"
    ln long/train/pair_0001_target.wav "folder/${k}_3_output.wav"
done
begin prepare --songs many --out prepared --seconds 1
until_there prepared/unfinished/train
kill -TERM $process
ends 130
[ "$(ls prepared)" = unfinished ] # for the same command to go on with

begin infer --checkpoint run/checkpoints/best.safetensors --pairs many --num_samples 10000 --out composed
until_there composed/0001_3_output.wav
kill -INT $process
ends 130
[ "$(cat err)" = "antiphon infer: interrupted" ]
[ -z "$(find composed -name '*.tmp')" ]

mkdir scratch
TMPDIR="$PWD/scratch" begin evaluate --checkpoint run/checkpoints/best.safetensors --pairs many --num_samples 10000
until [ -n "$(find scratch -name '*.wav')" ]; do kill -0 $process; sleep 0.02; done
kill -TERM $process
ends 130
[ -z "$(ls scratch)" ]

cp -r run reported
mkdir -p reported/samples
mv folder/* reported/samples
begin report reported --num_samples 10000
sleep 0.3
kill -TERM $process
ends 130
[ ! -e reported/report.html ]
