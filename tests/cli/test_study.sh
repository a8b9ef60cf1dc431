# antiphon study and scripts/study.sh: means over seeds and pieces, bounds from the baselines, who holds them; and a study
# that goes on where it stopped.
# shellcheck disable=SC2086  # lists of words
. "$1/expect.sh"
. "$1/tiny.sh"
script=$1/../../scripts/study.sh

# ---- made by hand

metrics="cost r_input r_target r_max_input r_max_target mix_share onset_f1 onset_gain chroma chroma_gain timbre_target \
timbre_input timbre_ratio loudness active variation variation_input variation_target flatness silent noise drone clicks \
jumps flutter ringing r_others chroma_input chroma_sources crest crest_input crest_target fizz fizz_target"
[ "$("$ANTIPHON" study --help | grep -c 'STUDY_DIR')" -ge 1 ]

# system NAME KEY=A,B...: a system of two pieces; metrics that are not named are 0.1 in both
system() {
    printf '{"name": "%s", "values": {' "$1"
    shift
    separator=
    for metric in $metrics; do
        values=0.1,0.1
        for word in "$@"; do [ "${word%%=*}" != "$metric" ] || values=${word#*=}; done
        printf '%s"%s": [%s]' "$separator" "$metric" "$values"
        separator=", "
    done
    printf '}}'
}
# evaluation SYSTEM...: an evaluation of them
evaluation() {
    printf '{"items": ["one", "two"], "unrelated": {"r_max_input": 0.3, "r_max_target": 0.2}, "systems": ['
    separator=
    for system in "$@"; do printf '%s%s' "$separator" "$system" && separator=", "; done
    printf ']}\n'
}
sources="variation_input=0.6,0.6 variation_target=0.2,0.2"
good="r_input=-0.2,0.1 onset_gain=0.5,0.3 chroma_gain=0.6,0.5 loudness=-2,1 crest=14,10 crest_input=12,12 crest_target=10,14 fizz=2,2.4 fizz_target=2,2 chroma_input=0.09,0.13 variation=0.3,0.3 $sources"
other=$(system "another target" $sources)
mix=$(system mix onset_gain=0.4,0.6 mix_share=1,1 $sources)
copy=$(system "target copy" chroma_gain=0.5,0.7 r_target=1,1 $sources)

mkdir -p made/whole-0 made/whole-1 made/less-0 made/less-1 made/whole-more-0 made/absent-0 made/samples
printf 'whole =\nless = loss.onset=0 loss.level=0\nabsent = a=b\n' >made/arms.txt
evaluation "$(system composed $good)" | tee made/whole-0/evaluation.json >made/whole-1/evaluation.json
evaluation "$(system composed $good onset_gain=0.3,0.3 r_target=null,0.1)" >made/less-0/evaluation.json
evaluation "$(system composed $good onset_gain=0.2,0.4 loudness=5,5)" >made/less-1/evaluation.json
evaluation "$(system composed)" >made/whole-more-0/evaluation.json # of no arm
evaluation "$(system composed)" "$mix" "$copy" "$other" >made/baselines.json

expect 0 "2 items" study made --json made/study.json
# in a terminal of 80 columns, "±", "✓" and the like being one each
if LC_ALL=C awk '{ gsub(/[\200-\277]/, "") } length($0) > 80 { print; wide = 1 } END { exit !wide }' out; then
    echo "more than 80 columns" && exit 1
fi
# bounds: 0.8 of 0.5, 0.9 of 0.6, what unrelated music stays below
grep -q '^ *least  0.40 *least  0.54 *most  0.05 *most  0.35' out
grep -q '^ *most  0.20 *most  0.20 *most  0.30 *most  0.20 *$' out
grep -q '^ *most  0.35 *most  0.10 *$' out
# whole: |r| is the mean of absolute values, loudness too; all hold, the equal too
grep -q '^whole  *0.15 ±0.05 ✓ *0.10 ±0.00 ✓ *0.10 ±0.00 ✓ *0.10 ±0.00 ✓$' out
grep -q '^whole  *0.40 ±0.10 ✓ *0.55 ±0.05 ✓ *0.01 ±0.02 ✓ *0.10 ±0.00 ✓' out
# the crest is 2 dB beyond the sources' in either piece, above and below
grep -q '^whole  *1.50 ±0.50 ✓ *0.75 ±0.00 ✓ *2.00 ±0.00 ✓ *1.10 ±0.10 ✓ *$' out
grep -q '^whole  *0.10 ±0.00 *0.10 ±0.00 *0.10 ±0.00 *14/14 ✓$' out
# less: the seeds differ, and their range is told; what is null is left out
grep -q '^less  *0.30 ±0.05 ✗ *0.55 ±0.05 ✓' out
grep -q '^less  *3.25 ±0.25 ✗' out
grep -q '^less .* 12/14 ✗$' out
grep -q '^less  *1.50.. 5.00 ' out
grep -q '^less  *0.15.. 0.15  *0.10.. 0.10' out
grep -q '^less  *0.10.. 0.10  *0.10.. 0.10  *2$' out
# baselines stand below; runs of no arm, and arms without runs, nowhere
[ "$(grep -n '^mix ' out | head -n 1 | cut -d: -f1)" -gt "$(grep -n '^less ' out | head -n 1 | cut -d: -f1)" ]
if grep -q 'absent\|whole-more' out; then echo "an arm that has no run" && exit 1; fi
if grep -q 'meets all criteria' out; then echo "no baseline does" && exit 1; fi
tr -d '\n\t ' <made/study.json >flat
grep -q '"name":"whole","settings":"","baseline":false,"seeds":2,"held":14,"all":true' flat
grep -q '"name":"less","settings":"loss.onset=0loss.level=0","baseline":false,"seeds":2,"held":12,"all":false' flat
grep -q '"name":"mix","settings":"","baseline":true,"seeds":1' flat
grep -q '"name":"ringing",[^}]*"side":"none","bound":null' flat

echo mine >notes
expect 2 "notes: exists and is not JSON" study made --json notes
[ "$(cat notes)" = mine ]

# the page: every arm and baseline in the table, a chart a measure and three of what is traded, the compositions
cp "$1/../fixtures/metrics_input.wav" made/samples/one_1_input.wav
cp "$1/../fixtures/metrics_target.wav" made/samples/one_2_target.wav
cp "$1/../fixtures/metrics_output.wav" made/samples/one_3_output.wav
expect 0 "made/report.html" report made
count() { grep -o -- "$1" made/report.html | wc -l; }
[ "$(count '<tr class="[^"]*"><th scope="row">')" -eq 5 ]
[ "$(count '<tr class="ours"><th scope="row">whole</th>')" -eq 1 ]
grep -q '14 of 14 <b>✓</b>' made/report.html
grep -q '12 of 14 <b>✗</b>' made/report.html
grep -q 'title="seeds: 1.500 to 5.000" class="missed">3.25 <span>±0.25</span> <b>✗</b>' made/report.html
[ "$(count '<svg class="plot rows"')" -eq 17 ]
[ "$(count '<svg class="plot scatter"')" -eq 3 ]
[ "$(count '<svg class="plot')" -eq "$(count 'role="img" aria-label="[^"]')" ]
[ "$(count '<line class="mark"')" -eq 20 ] # a bound each of fourteen criteria, two of each trade
[ "$(count '<circle class="missed hollow"[^>]*><title>less')" -eq 4 ] # onset and loudness, and once more in their trades
[ "$(count 'src="data:audio/flac;base64,')" -eq 3 ]
grep -q '<dd>loss.onset=0 loss.level=0 (2 seeds)</dd>' made/report.html
if grep -q 'class="missing"' made/report.html; then echo "something is said to be missing" && exit 1; fi
if grep -qi 'https\{0,1\}://\|<script[^>]\|<link\|@import\|url(' made/report.html; then
    echo "the page asks for something beside itself" && exit 1
fi
if command -v python3 >/dev/null; then python3 -c 'import xml.dom.minidom as d; d.parse("made/report.html")'; fi

# a baseline that holds everything makes the criteria worthless
cp made/baselines.json kept
evaluation "$(system composed)" "$mix" "$copy" "$other" "$(system trick $good)" >made/baselines.json
expect 0 'The baseline "trick" meets all criteria' study made
evaluation "$(system composed)" "$copy" "$other" >made/baselines.json
expect 1 'made/baselines.json: lacks the baseline "mix"' study made
sed 's/"r_max_target": 0.2/"r_max_target": null/' kept >made/baselines.json
expect 1 'made/baselines.json: lacks "unrelated"' study made
cp kept made/baselines.json
sed 's/"two"/"three"/' made/whole-1/evaluation.json >changed && cp changed made/whole-1/evaluation.json
expect 1 'made/whole-1/evaluation.json: was measured over other pieces' study made
evaluation "$(system composed r_input=0.1)" >made/whole-1/evaluation.json
expect 1 'made/whole-1/evaluation.json: has 1 numbers of "r_input", not 2' study made
cp made/whole-0/evaluation.json made/whole-1/evaluation.json
echo '{"more": 1}' >>made/whole-1/evaluation.json # what is behind the end is not passed over
expect 1 'made/whole-1/evaluation.json: is not JSON' study made
echo '{' >made/whole-1/evaluation.json
expect 1 'made/whole-1/evaluation.json: is not JSON' study made
expect 1 'made/whole-1/evaluation.json: is not JSON' report made --out broken.html
[ ! -e broken.html ]
{ printf '[0' && yes ,0 | tr -d '\n' | head -c 17000000 && printf ']'; } >made/whole-1/evaluation.json # half a gigabyte
expect 1 'made/whole-1/evaluation.json: 17000003 bytes, more than the limit of 16777216' study made
rm made/*/evaluation.json
expect 1 "made: none of its runs" study made
rm made/baselines.json
expect 1 "made/baselines.json" study made
expect 1 "absent: not a study" study absent
expect 2 "too few arguments" study

# ---- the script, in the small

pairs corpus 4 1
pairs other 12 2
mkdir corpus/other_font
mv other/train corpus/other_font/val
sed 's/"cascade"}/"gates", "gate_bands": 8}/; s/"pairs", "seconds"/"pairs", "targets": "shuffled", "seconds"/; s/"heads": 2/"heads": 4/g' \
    tiny.json >recipe.json
study() {
    WORKPLACE=$PWD CORPUS=corpus OUT=study CONFIG=recipe.json EPOCHS=1 PAIRS=3 NUM_SAMPLES=1 "$@" sh "$script" >out 2>err ||
        { cat out err && exit 1; }
}
study env SEEDS=0 ARMS="compose original"
there study/compose-0/evaluation.json study/original-0/evaluation.json study/baselines.json study/study.json study/report.html
there study/samples/0001_3_output.wav
[ "$(wc -l <study/arms.txt)" -ge 13 ]
grep -q '^no_onset = loss.onset=0$' study/arms.txt
# the original objective is that of its configuration; all else is the recipe's
for key in rms_input corr_weight corr_barrier; do
    [ "$(grep -o "\"$key\": *[^,}]*" study/original-0/config.json)" = "$("$ANTIPHON" config "$1/../../configs/original.json" | grep -o "\"$key\": *[^,}]*")" ]
done
grep -q '"output": *"direct"' study/original-0/config.json
grep -q '"output": *"gates"' study/compose-0/config.json
for key in dim model batch_size targets; do
    [ "$(grep -o "\"$key\": *[^,}]*" study/original-0/config.json)" = "$(grep -o "\"$key\": *[^,}]*" study/compose-0/config.json)" ]
done
grep -q '^3 items' out

# again, with a seed and an arm more: nothing is done twice
cp study/compose-0/evaluation.json before
touch -r study/compose-0/evaluation.json stamp
study env SEEDS="0 1" ARMS="compose no_input_material"
[ ! study/compose-0/evaluation.json -nt stamp ]
cmp before study/compose-0/evaluation.json
[ "$(grep -c 'nothing left to train' out)" -eq 1 ]
grep -q '"gate_input": *false' study/no_input_material-1/config.json
grep -q '^compose .* 2$' study/study.txt
grep -q '^original .* 1$' study/study.txt # what earlier runs made stays in the table

# a run that fails is said and left out, and the others go on; an arm that does not exist is misuse
touch study/no_level-0
study env SEEDS=0 ARMS="no_level no_onset"
grep -q 'study/no_level-0 has failed' err
there study/no_onset-0/evaluation.json
code=0
WORKPLACE=$PWD CORPUS=corpus OUT=study CONFIG=recipe.json ARMS="nothing" sh "$script" >out 2>err || code=$?
[ "$code" -eq 2 ] && grep -q '"nothing" is no arm' err
