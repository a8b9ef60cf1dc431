# antiphon evaluate: a folder of composed pieces, as a table and as JSON.
. "$1/expect.sh"
. "$1/tiny.sh"

fixtures=$1/../fixtures
mkdir pieces empty
for piece in 0001 0002; do
    cp "$fixtures/metrics_input.wav" "pieces/${piece}_1_input.wav"
    cp "$fixtures/metrics_target.wav" "pieces/${piece}_2_target.wav"
done
cp "$fixtures/metrics_output.wav" pieces/0001_3_output.wav
cp "$fixtures/metrics_input.wav" pieces/0002_3_output.wav

expect 0 "composed" evaluate --composed pieces --json scores.json
grep -q "^2 items" out
grep -q "^input copy" out
grep -q "^NMF musaicing" out
grep -q "^another target  *[0-9]" out
there scores.json
grep -q '"onset_gain"' scores.json

# alone, and the numbers of the same pieces stay the same
expect 0 "composed" evaluate --composed pieces --no-baselines --json alone.json
if grep -q "input copy" out; then echo "baselines that nobody asked for" && exit 1; fi
name='"r_input":'
[ "$(grep -A5 "$name" alone.json | head -6)" = "$(grep -A5 "$name" scores.json | head -6)" ]

# what a model composes is measured as if it had been written by infer
pairs pairs 4 1
expect 0 "" train tiny.json --out run --train.epochs=1
best=run/checkpoints/best.safetensors
expect 0 "target through codec" evaluate --checkpoint $best --pairs pairs --out kept --json model.json
composed=$(ls kept/*_3_output.wav | wc -l)
[ "$composed" -gt 0 ]
expect 0 "composed" evaluate --composed kept --no-baselines --json files.json
[ "$(grep -A5 "$name" model.json | head -6)" = "$(grep -A5 "$name" files.json | head -6)" ]
mkdir temporary
TMPDIR=temporary expect 0 "1 item;" evaluate --checkpoint $best --pairs pairs --num-samples 1 --no-baselines
if grep -q "±[0-9]" out; then echo "an interval of one item" && exit 1; fi
grep -q "^composed *-*[0-9.]* -" out
# the baselines alone, and what they compose: measured again, it is the same
expect 0 "grains retriggered" evaluate --pairs pairs --write-baselines written --json sources.json
if grep -q "^composed" out; then echo "something composed without a model" && exit 1; fi
[ "$(find written -mindepth 1 -type d | wc -l)" -ge 15 ]
for part in 1_input 2_target 3_output; do
    [ "$(find written/grains_retriggered -name "*_$part.wav" | wc -l)" -eq "$composed" ]
done
numbers() { grep -A400 "\"name\":.*\"$1\"" "$2" | grep -m1 -A3 '"onset_gain":'; }
expect 0 "composed" evaluate --composed written/target_gated --no-baselines --json again.json
[ "$(numbers "target gated" sources.json)" = "$(numbers composed again.json)" ]
expect 2 "exclude each other" evaluate --pairs pairs --no-baselines --write-baselines written
expect 2 "leaves nothing to measure" evaluate --pairs pairs --no-baselines
expect 2 "--out needs --checkpoint" evaluate --pairs pairs --out kept
# one piece alone has no other target
mkdir lonely
cp pieces/0001_* lonely
expect 0 "" evaluate --composed lonely
if grep '^another target' out | grep -v '^another target\( *-\)* *$'; then echo "numbers of no other target" && exit 1; fi
# no line is wider than a terminal, and every question has its table
if grep -E '.{81}' out; then echo "a line of more than 80 columns" && exit 1; fi
[ "$(grep -c '^target through codec' out)" -eq "$(grep -c '^another target' out)" ]
[ "$(grep -c '?$' out)" -eq 4 ]
if grep -q "hardly move" out; then echo "a source that moves" && exit 1; fi
# the help explains each column of these tables, in their order, in a line each, and the manual page does, too
"$ANTIPHON" evaluate --help >help
sed -n 's/^                  *\([a-z].*\)/\1/p' out | tr -s ' ' '\n' >columns
[ "$(wc -l <columns)" -ge 30 ]
sed -n '/^The columns, /,$s/^  \([a-z_0-9]*\) .*/\1/p' help | diff columns -
if sed -n '/^The columns, /,$p' help | grep '^   \|.\{81\}'; then echo "more than a line for a column" && exit 1; fi
grep -q '^  r_input  *the envelope.s correlation with the input.s; good: near 0$' help
"$ANTIPHON" help --man | sed 's/\\-/-/g' >page
while read -r column; do grep -q "^.fB$column" page; done <columns

# where the maxima of a source cannot tell a copy, one note says so
. "$1/loud.sh"
mkdir loud
for piece in 1 2 3; do
    for part in 1_input 2_target 3_output; do cp "pieces/0001_$part.wav" "loud/${piece}_$part.wav"; done
done
make_loud loud/1_1_input.wav
make_loud loud/2_2_target.wav
expect 0 "In 2 of 3 items a source's maxima hardly move" evaluate --composed loud --no-baselines
[ "$(grep -c "hardly move" out)" -eq 1 ]
if [ "$(ls -A temporary)" ]; then echo "temporary files are left" && exit 1; fi

: >scores
expect 2 "--pairs or --composed is missing" evaluate
expect 2 "--pairs is missing" evaluate --checkpoint $best
expect 2 "exclude each other" evaluate --checkpoint $best --composed pieces
expect 2 "--out needs --checkpoint" evaluate --composed pieces --out kept
expect 1 "nowhere/scores.json: cannot be written" evaluate --composed pieces --json nowhere/scores.json
[ ! -s out ]
# a file of another kind is not overwritten, one of its own kind is
cp $best keep.safetensors
expect 2 "keep.safetensors: exists and is not JSON" evaluate --composed pieces --json keep.safetensors
cmp $best keep.safetensors
expect 0 "composed" evaluate --composed lonely --no-baselines --json alone.json
expect 1 "absent" evaluate --checkpoint absent --pairs pairs
expect 1 "empty" evaluate --checkpoint $best --pairs empty
expect 2 "did you mean --composed?" evaluate --compsed pieces
expect 1 "nowhere: cannot be listed" evaluate --composed nowhere
expect 1 "empty: holds no composed piece" evaluate --composed empty
expect 1 "scores: is a file, where a folder is to be" evaluate --checkpoint $best --pairs pairs --out scores
mkdir foreign
for part in 1_input 3_output; do cp "pieces/0001_$part.wav" foreign; done
printf '\0\0\0\034ftypM4A \0\0\002\0isom' >foreign/0001_2_target.m4a
expect 1 "foreign/0001_2_target.m4a: is an MP4 file (AAC or ALAC), which is not read; convert it: ffmpeg -i \
foreign/0001_2_target.m4a foreign/0001_2_target.wav" evaluate --composed foreign
rm pieces/0002_2_target.wav
expect 1 "pieces/0002_2_target.wav" evaluate --composed pieces --no-baselines
head -c 200 "$fixtures/metrics_target.wav" >pieces/0002_2_target.wav
expect 1 "0002" evaluate --composed pieces --no-baselines
