# scripts/sweep.sh: a run for each combination, resumed when started again, and one table.
. "$1/expect.sh"
. "$1/tiny.sh"
sweep=$1/../../scripts/sweep.sh
pairs pairs 4 1

export WORKPLACE="$PWD" CONFIG=tiny.json DATASET=pairs OUT=swept
sh "$sweep" train.epochs=1 corr_weight=0,0.5 train.lr=0.001,0.01 >out 2>err || { cat out err && exit 1; }
[ "$(ls -d swept/*/ | wc -l)" -eq 4 ]
there swept/train.epochs=1,corr_weight=0.5,train.lr=0.01/checkpoints/best.safetensors
grep -q '"corr_weight": 0.5' swept/train.epochs=1,corr_weight=0.5,train.lr=0.001/config.json

# the table: a head, a rule, and a row a combination with numbers of its own log
[ "$(wc -l <swept/table.md)" -eq 6 ]
grep -q '^| train.epochs | corr_weight | train.lr | epoch | loss |' swept/table.md
log=swept/train.epochs=1,corr_weight=0,train.lr=0.01/log.jsonl
loss=$(sed -n 's/.*"val_loss": \([^,}]*\).*/\1/p' $log)
grep -qF "| 1 | 0 | 0.01 | 1 | $(printf %.4f "$loss") |" swept/table.md
tail -n 6 out | cmp - swept/table.md

# started again, nothing is done twice; a further value is one run more
cp swept/table.md before
sh "$sweep" train.epochs=1 corr_weight=0,0.5 train.lr=0.001,0.01 >out
[ "$(grep -c 'nothing left to train' out)" -eq 4 ]
cmp before swept/table.md
sh "$sweep" train.epochs=1 corr_weight=0,0.5,2 train.lr=0.001 >out
[ "$(grep -c 'nothing left to train' out)" -eq 2 ]
[ "$(wc -l <swept/table.md)" -eq 5 ]

# a run that fails is said and leaves a row without numbers; the others go on
OUT=failed sh "$sweep" train.epochs=1 data.seconds=50,1 >out 2>err
grep -q "failed/train.epochs=1,data.seconds=50 has failed" err
grep -qF '| 1 | 50 | - | - | - | - | - | - |' failed/table.md
there failed/train.epochs=1,data.seconds=1/checkpoints/best.safetensors

# the row is of the epoch with the lowest loss, wherever it stands
mkdir made
. "$1/../../scripts/experiment.sh"
printf '%s\n' '{"step": 1, "epoch": 1, "val_loss": 9.5e-1, "val_r_input": 0.1}' \
    '{"step": 2, "epoch": 2, "val_loss": 2e-1, "val_r_input": 0.2}' '{"step": 3, "epoch": 3, "val_loss": null}' \
    '{"step": 3, "epoch": 3, "val_loss": 0.5, "val_r_input": 0.3}' >made/log.jsonl
[ "$(at_best made/log.jsonl epoch)" = 2 ]
[ "$(at_best made/log.jsonl val_r_input)" = 0.2 ]
[ -z "$(at_best made/log.jsonl absent)" ]
[ "$(values made/log.jsonl val_r_input | tail -n 1)" = 0.3 ]

# misuse
# shellcheck disable=SC2016  # what is not to be run
for words in "" "corr_weight" "=1" "corr_weight=" "corr_weight=1=2" 'corr_weight=$(id)' "no.such_key=1"; do
    code=0
    # shellcheck disable=SC2086  # no word, where there is none
    sh "$sweep" $words >out 2>err || code=$?
    [ "$code" -eq 2 ] || { echo "sweep.sh $words: exit code $code" && cat out err && exit 1; }
done
grep -q "no.such_key" err
# a key or a value that train does not take is named before anything is made, the demo pairs above all
DATASET='' OUT=none sh "$sweep" train.epochs=1 train.lr=0.001,fast >out 2>err && exit 1
grep -q '^sweep.sh: train.lr=fast: ' err
[ ! -s out ] && [ ! -e none ] && [ ! -e data ]
