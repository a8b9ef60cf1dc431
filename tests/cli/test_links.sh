# Folders that somebody else has prepared with symbolic links: what these lead to is neither written nor removed.
. "$1/expect.sh"
. "$1/tiny.sh"
pairs pairs 6 1
expect 0 "" synth --out precious --pairs 2 --seconds 0.5
find precious -type f -exec cksum {} + | sort >before
echo precious >file
untouched() {
    find precious -type f -exec cksum {} + | sort | cmp - before || { echo "$*: a set elsewhere has been touched" && exit 1; }
    [ "$(cat file)" = precious ] || { echo "$*: a file elsewhere has been touched" && exit 1; }
}

# what a killed synth or prepare is said to have left: a set elsewhere, or its splits
for way in whole train val; do
    rm -rf made && mkdir -p made
    if [ $way = whole ]; then
        ln -s ../precious made/unfinished
    else
        mkdir made/unfinished
        ln -s "../../precious/$way" "made/unfinished/$way"
        cp precious/made_by.txt made/unfinished
    fi
    expect 0 "for training" synth --out made --pairs 2 --seconds 0.5
    untouched "synth, $way"
    [ "$(find made -type l | wc -l)" -eq 0 ]
    [ "$(find made -name '*.wav' | wc -l)" -eq 4 ]
done

# the files of a run, those of its temporary names included, and of what reads it
mkdir -p run/checkpoints run/samples
for name in config.json log.jsonl report.html mlflow.json mlflow_unsent.jsonl; do ln -s ../file "run/$name"; done
ln -s ../../file run/checkpoints/last.safetensors.1-0.tmp
ln -s ../../file run/samples/epoch_0001.wav
expect 0 "" train tiny.json --out run --train.epochs=1 --train.samples_every=1 --track.uri=store
untouched train
expect 0 "report.html" report run
untouched report
rm run/log.jsonl && ln -s ../file run/log.jsonl
expect 0 "" train tiny.json --out run --train.epochs=2 --resume auto --track.uri=store
untouched "train, resumed"
[ "$(find run -type l | wc -l)" -eq 0 ]
ln -s file out.json
ln -s file out.html
ln -s file out.wav
checkpoint=run/checkpoints/best.safetensors
sources=$(printf '%s ' pairs/val/*1_input.wav pairs/val/*_input.wav | cut -d ' ' -f 1)
for words in "report run --out out.html" "infer --checkpoint $checkpoint --input $sources --target $sources --out out.wav" \
    "evaluate --checkpoint $checkpoint --pairs pairs --num_samples 1 --no_baselines --json out.json"; do
    # refused, as what is there is of another kind, or put in the place of the link
    # shellcheck disable=SC2086  # a list of words
    "$ANTIPHON" $words >out 2>err || [ "$(wc -l <err)" -eq 1 ]
    untouched "$words"
done
