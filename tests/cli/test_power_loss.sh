# Whatever a loss of power leaves on the disk, what was finished is there, and every command goes on. What is tried is what
# the program's own calls allow: crash/replay.c. POWER_LOSS_STATES says how many states of each command, 0 all of them.
# shellcheck disable=SC2086  # lists of words
. "$1/expect.sh"
. "$1/tiny.sh"
export OMP_NUM_THREADS=1
most=${POWER_LOSS_STATES:-25}
here=$PWD
: >counts

# lose_power NAME FOLDER CHECK WORD...: runs `antiphon WORD...`, which writes into FOLDER, and then the script CHECK after
# each loss of power in it. The check finds FOLDER as it is then, and $FINISHED and $ENDED.
lose_power() {
    name=$1 folder=$2 check=$3
    shift 3
    rm -rf before after && cp -r "$folder" before
    code=0
    "$CRASH/watch" record log "$folder" "$ANTIPHON" "$@" >out 2>err || code=$?
    [ "$code" -ne 77 ] || exit 77
    [ "$code" -eq 0 ] || { echo "$name: exit code $code" && cat err && exit 1; }
    mv "$folder" after
    "$CRASH/replay" before log "$folder" "$most" sh -e "$check" "$here" >replayed 2>&1 || {
        echo "$name:" && tail -20 replayed | cut -c1-500
        exit 1
    }
    echo "$name: $(tail -1 replayed)" >>counts
    rm -rf "$folder" && mv after "$folder"
}

# What the checks share.
cat >check.sh <<'END'
cd "$1"
finished() { # how often a file of that name had got to its place
    for word in $FINISHED; do
        if [ "${word%=*}" = "$1" ]; then echo "${word##*=}" && return; fi
    done
    echo 0
}
run() { # whatever it prints is shown only when it fails
    "$ANTIPHON" "$@" >check_out 2>check_err || { echo "antiphon $*: exit code $?" && cat check_err && exit 1; }
}
same_or_not_yet() { # NAME FINISHED OLD NEW: one of both, the new one once it was finished
    if [ "$(finished "$2")" -gt 0 ]; then cmp "$1" "$4"; else cmp -s "$1" "$3" || cmp "$1" "$4"; fi
}
none_left() {
    left=$(find "$1" -name '*.tmp' -o -name unfinished)
    [ -z "$left" ] || { echo "left: $left" && exit 1; }
}
numbers() { # a log without what depends on the clock
    sed -E 's/"(time|pairs_per_second|epoch_seconds)": [^,}]*//g' "$1"
}
tensors() { # the metadata names the folders
    size=$(od -An -N8 -tu8 "$1" | tr -d ' ')
    tail -c +$((size + 9)) "$1" | cksum
}
END

# ---------------------------------------------------------------- training
pairs pairs 2 0.5
train="train tiny.json --data.seconds=0.5 --train.samples_every=2 --track.log_every=1"
# shellcheck disable=SC2086  # several words
expect 0 "done" $train --out whole --train.epochs=4
# goes on, and comes to what a run comes to that nobody disturbed; $begun epochs were there before
cat >check_train.sh <<END
. ./check.sh
wanted=\$((begun + \$(finished new/checkpoints/last.safetensors)))
for name in last best; do
    file=runs/new/checkpoints/\$name.safetensors
    if [ -e \$file ]; then run info \$file; fi
done
run $train --out runs/new --train.epochs=4 --resume auto
there=\$(sed -n 's/^going on from .*: \([0-9]*\) epoch.*/\1/p' check_out)
[ "\${there:-0}" -ge \$wanted ] || { echo "saved: \$wanted epochs, there: \${there:-0}" && exit 1; }
for name in last best; do
    [ "\$(tensors runs/new/checkpoints/\$name.safetensors)" = "\$(tensors whole/checkpoints/\$name.safetensors)" ] ||
        { echo "\$name is another" && exit 1; }
done
numbers runs/new/log.jsonl >got
numbers whole/log.jsonl | diff - got
cmp whole/samples/epoch_0004.wav runs/new/samples/epoch_0004.wav
none_left runs
END
mkdir runs
# shellcheck disable=SC2086
begun=0 lose_power "train" runs check_train.sh $train --out runs/new --train.epochs=3
# shellcheck disable=SC2086
begun=3 lose_power "train --resume auto" runs check_train.sh $train --out runs/new --train.epochs=4 --resume auto

# the record for MLflow: once a run says that it has ended, it is whole; a run that goes on completes it
track="train tiny.json --data.seconds=0.5 --out runs/tracked --track.log_every=1 --track.uri=runs/mlruns"
cat >check_track.sh <<END
. ./check.sh
ended=\$(grep -ls '^status: 3' runs/mlruns/*/*/meta.yaml) || true
if [ "\$ended" ]; then
    [ "\$(wc -l <"\${ended%/*}/metrics/val_loss")" -eq 1 ] && [ -s "\${ended%/*}/params/train.epochs" ]
    cmp "\${ended%/*}/artifacts/best.safetensors" after/tracked/checkpoints/best.safetensors
fi
run $track --train.epochs=2 --resume auto
run_id=\$(sed -n 's/.*"run_id":[^"]*"\(.*\)",/\1/p' runs/tracked/mlflow.json)
grep -q '^status: 3' runs/mlruns/*/"\$run_id"/meta.yaml
[ "\$(cat runs/mlruns/*/"\$run_id"/metrics/val_loss | wc -l)" -eq 2 ]
END
rm -r runs && mkdir runs
# shellcheck disable=SC2086
lose_power "train --track.uri" runs check_track.sh $track --train.epochs=1

# ---------------------------------------------------------------- sets of pairs
# what the note stands in is whole, whatever else was left there, and the command can be given again
cat >check_set.sh <<'END'
. ./check.sh
if [ -e sets/new/made_by.txt ] || [ "$ENDED" = 1 ]; then
    rmdir sets/new/unfinished 2>/dev/null || true
    diff -r -x '*.tmp' sets/new after/new
fi
# of a set that is there, with nothing left to move, prepare says that the folder is not empty
done=
if [ -e sets/new/made_by.txt ] && [ ! -e sets/new/unfinished ]; then done=1; fi
if [ -z "$done" ] || [ "$again" ]; then run $command; fi
diff -r sets/new after/new
none_left sets
END
export command again
mkdir sets
command="synth --out sets/new --pairs 2 --seconds 0.5 --seed 5" again=1
# shellcheck disable=SC2086
lose_power "synth" sets check_set.sh $command
# shellcheck disable=SC2086
lose_power "synth again" sets check_set.sh $command
rm -r sets && mkdir sets
pairs long 3 1
mkdir inputs targets
for name in 0001 0002; do
    cp long/train/pair_${name}_input.wav inputs/$name.wav && cp long/train/pair_${name}_target.wav targets/$name.wav
done
command="prepare --inputs inputs --targets targets --out sets/new --seconds 0.5 --val-share 0.5" again=
# shellcheck disable=SC2086
lose_power "prepare" sets check_set.sh $command

# ---------------------------------------------------------------- one file in the place of another
cat >check_files.sh <<'END'
. ./check.sh
same_or_not_yet "files/$made" "$made" "before/$made" "after/$made"
run $command
cmp "files/$made" "after/$made"
END
export made
mkdir files
input=$(ls pairs/val/*_input.wav) target=$(ls pairs/val/*_target.wav)
compose="infer --checkpoint whole/checkpoints/best.safetensors --input $input --target $target --out files/a.wav"
command="$compose --limit" made=a.wav
expect 0 "" $compose
cp files/a.wav first.wav
cp "$input" files/a.wav
# shellcheck disable=SC2086
lose_power "infer" files check_files.sh $command
cp -r files composed
mv composed/a.wav composed/a_3_output.wav && cp "$input" composed/a_1_input.wav && cp "$target" composed/a_2_target.wav
made=a.json command="evaluate --composed composed --json files/a.json"
# shellcheck disable=SC2086
expect 0 "" $command --no_baselines
# shellcheck disable=SC2086
lose_power "evaluate" files check_files.sh $command
made=a.html command="report whole --out files/a.html"
# shellcheck disable=SC2086
expect 0 "" $command --num_samples 0
# shellcheck disable=SC2086
lose_power "report" files check_files.sh $command

cat counts
