# A rank that is killed or hangs ends the job within the set time; the last checkpoint is good. SIGUSR1 saves.
. "$1/expect.sh"
. "$1/tiny.sh"
. "$1/ranks.sh"
pairs pairs 4 1
export ANTIPHON_RANK_TIMEOUT=5

# job FOLDER: starts two ranks as $process, and waits for their first checkpoint
job() {
    mpirun.openmpi -n 2 "$ANTIPHON" train tiny.json --out "$1" --train.epochs=100000 >out 2>err &
    process=$!
    until [ -e "$1/checkpoints/last.safetensors" ]; do
        kill -0 $process || { echo "ended before a checkpoint:" && cat out err && exit 1; }
        sleep 0.1
    done
}

# ended CODE FOLDER TEXT: the job ends with CODE, says TEXT, and its checkpoint serves to go on
ended() {
    code=0
    wait $process || code=$?
    if [ "$code" != "$1" ] || ! grep -q -- "$3" err; then
        echo "exit code $code, not $1, or not \"$3\":" && cat out err && exit 1
    fi
    expect 0 "sound" info --verify "$2/checkpoints/last.safetensors"
    expect 0 "" train tiny.json --out "$2" --resume auto --train.epochs=1
}

last_rank() {
    pgrep -P $process | tail -1
}

job hung
kill -STOP "$(last_rank)"
ended 1 hung "rank 1 (.*) has given no sign of life for 5 s"

job killed
kill -KILL "$(last_rank)"
ended 137 killed "rank 1 .*Killed"

job asked
kill -USR1 $process
ended 130 asked "interrupted at step .*, saved in asked/checkpoints/last.safetensors"
