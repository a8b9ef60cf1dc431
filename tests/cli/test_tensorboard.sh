# track.tensorboard: event files with what the log has, each step once, also after a kill and from an interrupted run.
# TensorBoard itself reads them where it is installed.
. "$1/expect.sh"
. "$1/tiny.sh"
command -v python3 >/dev/null || { echo "skipped: there is no python3" && exit 77; }
reader=$1/../peers/read_events.py
pairs pairs 4 2
event_files() { find "$1" -name 'events.out.tfevents.*.antiphon' | sort; }

expect 0 "done" train tiny.json --out plain --train.epochs=1
[ -z "$(event_files plain)" ]

expect 0 "done" train tiny.json --out runs/a --train.epochs=2 --train.samples_every=1 --track.tensorboard=true
[ "$(event_files runs/a | wc -l)" -eq 1 ]
python3 "$reader" runs/a >said
grep -q "of 2 epochs, 2 sounds" said
cp "$(event_files runs/a)" first
expect 0 "done" train tiny.json --out runs/a --train.epochs=3 --resume auto --track.tensorboard=true
[ "$(event_files runs/a | wc -l)" -eq 2 ]
cmp first "$(event_files runs/a | head -1)" # the earlier file is as it was
python3 "$reader" runs/a | grep "of 3 epochs" >/dev/null

# a run that is killed between two checkpoints has steps that the resumed one makes anew
"$ANTIPHON" train tiny.json --out runs/b --train.epochs=2 --train.steps_per_epoch=60 --track.tensorboard=true >out 2>&1 &
program=$!
until [ -s runs/b/checkpoints/last.safetensors ] && [ "$(wc -l <runs/b/log.jsonl)" -gt 65 ]; do
    kill -0 $program 2>/dev/null || break
    sleep 0.02
done
kill -KILL $program 2>/dev/null || true
wait $program || true
head -c 30 first >>"$(event_files runs/b)" # as where power was lost
expect 0 "done" train tiny.json --out runs/b --train.epochs=2 --train.steps_per_epoch=60 --track.tensorboard=true --resume auto
python3 "$reader" runs/b | grep "of 2 epochs" >/dev/null

# The reader finds what is wrong: a byte that has changed, steps that are missing.
file=$(event_files runs/a | head -1)
printf 'X' | dd of="$file" bs=1 seek=200 conv=notrunc 2>/dev/null
if python3 "$reader" runs/a >said 2>&1; then echo "a damaged record is not found" && exit 1; fi
rm "$file"
if python3 "$reader" runs/a >said 2>&1; then echo "missing steps are not found" && exit 1; fi
grep -q "other steps" said
