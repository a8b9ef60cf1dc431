# train without its data: the command that is printed makes them.
. "$1/expect.sh"
. "$1/tiny.sh"

# for every configuration that is shipped it names its own folder and its own length
for config in "$1"/../../configs/*.json; do
    [ "$(basename "$config")" != schema.json ] || continue
    folder=$("$ANTIPHON" config "$config" data.path) seconds=$("$ANTIPHON" config "$config" data.seconds)
    verb=train
    if [ "$("$ANTIPHON" config "$config" codec.type)" = seanet ]; then verb=train-codec; fi
    expect 1 "$folder: no such pair set (data.path)" $verb "$config" --out no
    grep -qF ": $ANTIPHON synth --out $folder --pairs 160 --seconds $seconds" err
done

# typed as it stands it does what it says, whatever is in the name; shorter pairs than synth makes are cut from its own
for folder in plain "it's a \$(touch bad)"; do
    expect 1 "no such pair set" train tiny.json --out no --data.path="$folder" --data.seconds=0.25
    sed 's/.* drums and piano: //' err >command.sh
    sh command.sh >out
    expect 0 "done" train tiny.json --out "run of $folder" --data.path="$folder" --data.seconds=0.25 --epochs=1 \
        --train.steps_per_epoch=2
done
[ ! -e no ] && [ ! -e bad ]
