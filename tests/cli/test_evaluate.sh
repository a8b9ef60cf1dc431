# antiphon evaluate: a folder of composed pieces, as a table and as JSON.
. "$1/expect.sh"

fixtures=$1/../fixtures
mkdir pieces
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
there scores.json
grep -q '"onset_gain"' scores.json

# alone, and the numbers of the same pieces stay the same
expect 0 "composed" evaluate --composed pieces --no-baselines --json alone.json
if grep -q "input copy" out; then echo "baselines that nobody asked for" && exit 1; fi
name='"r_input":'
[ "$(grep -A5 "$name" alone.json | head -6)" = "$(grep -A5 "$name" scores.json | head -6)" ]

expect 2 "composed" evaluate
expect 2 "did you mean --composed?" evaluate --compsed pieces
expect 1 "nowhere: cannot be listed" evaluate --composed nowhere
mkdir empty
expect 1 "empty: holds no composed piece" evaluate --composed empty
rm pieces/0002_2_target.wav
expect 1 "pieces/0002_2_target.wav" evaluate --composed pieces --no-baselines
head -c 200 "$fixtures/metrics_target.wav" >pieces/0002_2_target.wav
expect 1 "0002" evaluate --composed pieces --no-baselines
