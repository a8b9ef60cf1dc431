# Several ranks: the same training whatever their number; what they must have in common is checked before the first step.
. "$1/expect.sh"
. "$1/tiny.sh"
. "$1/ranks.sh"
pairs pairs 5 1
small="train tiny.json --train.epochs=2 --data.seconds=0.5"

# loss FILE: of the last validation, to four digits
loss() {
    sed -n 's/.*"val_loss": *\([0-9.e-]*\).*/\1/p' "$1" | tail -1 | awk '{ printf "%.3g\n", $1 }'
}

# shellcheck disable=SC2086  # several words
{
    expect 0 "done" $small --out alone
    ranks 2 0 "done: two/checkpoints/best.safetensors" $small --out two --train.epochs=1
    grep -q "2 ranks on 1 host" out
    ranks 4 0 "going on from two/checkpoints/last.safetensors: 1 epoch" $small --out two --resume auto
}
[ "$(loss alone/log.jsonl)" = "$(loss two/log.jsonl)" ]
[ "$(grep -c val_loss two/log.jsonl)" = 2 ]

# rank 1 differs: in a key, in the recordings, in a file, in the program
cat >odd <<'END'
#!/bin/sh
# rank 1 has other words at the end, or runs another program
[ "$OMPI_COMM_WORLD_RANK" = 1 ] || exec "$ANTIPHON" "$@"
# shellcheck disable=SC2086  # several words
exec "${ODD_PROGRAM:-$ANTIPHON}" "$@" $ODD
END
chmod +x odd
export ANTIPHON ODD ODD_PROGRAM
PROGRAM=./odd
ODD=--train.lr=0.5 ranks 2 2 "train.lr is 0.5, but 0.001 on rank 0" train tiny.json --out never
grep -q "rank 1 (.*): train.lr" err
pairs other 6 1
ODD=--data.path=other ranks 2 1 "the training set has other recordings than that of rank 0" train tiny.json --out never
cp -r pairs broken
file=$(ls broken/train/*_input.wav | head -1)
head -c 30 "$file" >short && mv short "$file"
ODD=--data.path=broken ranks 2 1 "$file" train tiny.json --out never
grep -q "rank 1 (" err
cp "$ANTIPHON" another
echo >>another
cp "$(dirname "$ANTIPHON")/antiphon_openmpi.so" .
ODD="" ODD_PROGRAM=./another ranks 2 1 "runs another build of the program" train tiny.json --out never
[ ! -e never/checkpoints/last.safetensors ]
