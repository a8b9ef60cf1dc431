# antiphon report: a run as one page that any parser reads and that needs nothing but itself.
. "$1/expect.sh"
. "$1/tiny.sh"
pairs pairs 4 2
expect 0 "" train tiny.json --out run --train.epochs=2 --train.samples_every=1
best=run/checkpoints/best.safetensors

# what is not there yet is said, with the line that makes it
expect 0 "run/report.html" report run
grep -q "antiphon infer --checkpoint run/checkpoints/best.safetensors" run/report.html
grep -q "antiphon evaluate --checkpoint run/checkpoints/best.safetensors --pairs pairs --json run/evaluation.json" \
    run/report.html

expect 0 "" infer --checkpoint $best --pairs pairs --out run/samples
expect 0 "" evaluate --checkpoint $best --pairs pairs --json run/evaluation.json
expect 0 "page.html" report run --out page.html
pieces=$(ls run/samples/*_3_output.wav | wc -l)
[ "$pieces" -ge 1 ]

# count TEXT: how often it stands in the page
count() { grep -o -- "$1" page.html | wc -l; }
recordings=$((3 * pieces + 2)) # and those of the two epochs
[ "$(count 'src="data:audio/flac;base64,')" -eq $recordings ]
[ "$(count 'href="data:image/png;base64,')" -eq $recordings ]
# one row of players for each piece, and one for the epochs
[ "$(count '<div class="row">')" -eq $((pieces + 1)) ]
# the music comes first, under its pair's name; words before numbers
pair=$(sed -n 's/.*"0001":[^"]*"\(.*\)".*/\1/p' run/samples/pairs.json)
[ -n "$pair" ] && there "pairs/val/${pair}_input.wav"
sed -n '/id="samples"/,/id="curves"/p' page.html | grep -qF "<h3>$pair <small>0001_3_output.wav</small>"
grep -qE "follows the <span class=\"input\">input</span>’s loudness: <b>[a-z ]+</b> <small>\(-?[01]\.[0-9]{2}\)" page.html
[ "$(count '<svg class="plot')" -eq "$(count 'role="img" aria-label="[^"]')" ]
[ "$(count 'target copy')" -eq 4 ] # a row of each table
grep -q '<b>Loss</b>' page.html
grep -q '<b>Learning rate</b>' page.html
grep -q '<b>What the selector chooses</b>' page.html
grep -q '&quot;corr_weight&quot;: 0.5' page.html
grep -q "$("$ANTIPHON" --version)" page.html
if grep -q 'class="missing"' page.html; then echo "something is said to be missing" && exit 1; fi

# alone: no address; every reference is data or a place in the page; its one script reaches for nothing
if grep -qi 'https\{0,1\}://\|<script[^>]\|<link\|@import\|url(\|fetch\|XMLHttp\|import ' page.html; then
    echo "the page asks for something beside itself" && exit 1
fi
grep -o '[ "]\(src\|href\)="[^"]\{0,9\}' page.html | grep -v '="data:\|="#' >others || true
[ ! -s others ] || { cat others && exit 1; }

# the numbers of a piece are those of the verb cost
"$ANTIPHON" cost run/samples/0001_1_input.wav run/samples/0001_2_target.wav run/samples/0001_3_output.wav >out
number=$(sed -n 's/^cost *//p' out)
grep -qF "correlation cost <b>$(printf %.3f "$number")</b>" page.html

# composed anew from another pair, a piece has that one's name
expect 0 "" infer --checkpoint $best --pairs pairs/train --num_samples 1 --out run/samples
expect 0 "few.html" report run --num_samples 1 --out few.html
grep -q "<h3>pair_0001 <small>0001_3_output.wav" few.html
# a silent source cannot be followed
cp run/samples/0001_2_target.wav sounding.wav
bytes=$(stat -c %s sounding.wav)
{ head -c 44 sounding.wav && head -c $((bytes - 44)) /dev/zero; } >run/samples/0001_2_target.wav
expect 0 "few.html" report run --num_samples 1 --out few.html
[ "$(grep -c "has no course" few.html)" -eq 1 ]
mv sounding.wav run/samples/0001_2_target.wav
# without names, or with a file that is none, it has its number
echo '[1' >run/samples/pairs.json
expect 0 "few.html" report run --num_samples 1 --out few.html
grep -q "<h3>0001</h3>" few.html

# fewer pieces where fewer are asked for
expect 0 "few.html" report run --num_samples 0 --out few.html
if grep -q 'id="samples".*_1_input' few.html; then echo "pieces that nobody asked for" && exit 1; fi
[ "$(grep -c '<article' few.html)" -eq 0 ]

# a parser that insists on balance and quotes reads all of them
if command -v python3 >/dev/null; then
    python3 -c 'import sys, xml.dom.minidom as d; [d.parse(f) for f in sys.argv[1:]]' page.html few.html run/report.html
fi

# and so does one that reads as a browser does, and complains; it is seen to complain
for python in python3 /usr/bin/python3; do
    $python -c 'import html5lib' 2>/dev/null || continue
    $python "$1/../../scripts/check_html.py" page.html few.html run/report.html
    sed 's/id="evaluation"/id="curves"/' page.html >bad.html
    if $python "$1/../../scripts/check_html.py" bad.html >out; then echo "an id twice is not found" && exit 1; fi
    grep -q "id curves stands there more" out && grep -q "#evaluation leads nowhere" out
    sed 's/<script>/&;/' page.html >bad.html
    if $python "$1/../../scripts/check_html.py" bad.html >out; then echo "a foreign script is admitted" && exit 1; fi
    break
done

# a run that broke off: no pictures of what is not there, no failure
mkdir -p broken/samples
head -c -20 run/log.jsonl >broken/log.jsonl
cp run/samples/0001_1_input.wav broken/samples/0001_1_input.wav
head -c 3000 run/samples/0001_3_output.wav >broken/samples/0001_3_output.wav
echo '{"systems": 3}' >broken/evaluation.json
expect 0 "broken/report.html" report broken
grep -q "left out: 1" broken/report.html
grep -q "0001_2_target.wav" broken/report.html
grep -q "config.json" broken/report.html
grep -q "evaluation.json: holds no" broken/report.html

mkdir empty
expect 1 "empty: not a run" report empty
expect 1 "absent" report absent
expect 1 "page.html: is not a folder: a run's folder is wanted" report page.html
expect 1 "nowhere/page.html" report run --out nowhere/page.html
cp $best keep.safetensors
expect 2 "keep.safetensors: exists and is not HTML" report run --out keep.safetensors
cmp $best keep.safetensors
expect 0 "few.html" report run --num_samples 0 --out few.html
expect 2 "too few arguments" report
expect 2 "did you mean --out?" report run --ot page.html
[ ! -e empty/report.html ]

# a configuration that is none, and so long that reading it would take a hundred megabytes
mkdir -p long/checkpoints
{ printf '[0' && yes ,0 | tr -d '\n' | head -c 2000000 && printf ']'; } >long/config.json
expect 0 "long/report.html" report long
grep -q "2000003 bytes, more than the limit of 1048576" long/report.html

# On a telephone, 390 points wide: a page of five pieces is less than 6000 high, and nothing stands out on the right.
command -v chromium >/dev/null || { echo "the rest is skipped: there is no chromium" && exit 0; }
for k in 2 3 4 5; do
    for part in 1_input 2_target 3_output; do cp "run/samples/0001_$part.wav" "run/samples/000${k}_$part.wav"; done
done
rm run/samples/epoch_*
expect 0 "report.html" report run
cat >phone.html <<END
<!DOCTYPE html><iframe id="page" src="file://$PWD/run/report.html" style="width:390px;height:800px;border:0"></iframe>
<p id="size"></p>
<script>page.onload = () => setTimeout(() => {
  const root = page.contentDocument.documentElement;
  size.textContent = ['size', root.scrollWidth, root.scrollHeight, root.querySelectorAll('.row button').length].join(' ');
}, 300);</script>
END
timeout 60 chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --allow-file-access-from-files --user-data-dir="$PWD/profile" \
    --virtual-time-budget=3000 --dump-dom "file://$PWD/phone.html" >dom 2>log || { echo "skipped: chromium does not run here" && exit 0; }
sed -n 's/.*id="size">size \([0-9 ]*\)<.*/\1/p' dom >size
read -r width height buttons <size
[ "$width" -eq 390 ] || { echo "the page is $width wide on a telephone of 390" && exit 1; }
[ "$height" -lt 6000 ] || { echo "the page is $height high on a telephone" && exit 1; }
[ "$buttons" -eq 15 ] || { echo "the script has made $buttons buttons, not 15" && exit 1; }
