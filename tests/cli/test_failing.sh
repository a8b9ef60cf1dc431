# Each call to the file system and each allocation that a command makes fails once, in turn, and the disk is full from each
# writing call on: one line, exit code 1, nothing half-written and nothing left, or the whole result, with a warning where
# something of it is missing. `prepare` may leave an unfinished set where memory ends: the same command then makes the same
# set of it. FAILING_CALLS says how many of each kind are tried of each command, 0 all of them; FAILING_COMMANDS, which
# commands ("prepare,train --track.uri").
. "$1/expect.sh"
. "$1/tiny.sh"
export OMP_NUM_THREADS=1
most=${FAILING_CALLS:-4}
bad=0
: >counts

complain() {
    echo "$name, $how: $*" && cat err
    bad=$((bad + 1))
}

names() { # those of MLflow's folders are drawn by lot
    (cd "$1" && find . ! -path '*/mlruns/*' | sort)
}

missing() {
    grep -c 'class="missing"' "$1" || true
}

# page FILE SAME...: the page ends, and is as the one in wanted/ (SAME says so), or names what it could not read
page() {
    file=$1
    shift
    "$@" || [ "$(missing "work/out/$file")" -gt "$(missing "wanted/$file")" ] || complain "$file is not whole"
    tail -n 1 "work/out/$file" | grep -q '</html>$' || complain "$file does not end"
    grep -q "There are none yet" "wanted/$file" || ! grep -q "There are none yet" "work/out/$file" ||
        complain "$file says that there are no compositions"
}

# parts FILE: how many of each kind of piece the page of a report has
parts() {
    grep -oE '<(section|figure|table|tr|svg|img|audio)[ >]' "$1" | sort | uniq -c
}

same_parts() {
    [ "$(parts "$1")" = "$(parts "$2")" ]
}

# What a run that ran out of memory has left in out/set/unfinished: whole files, from which WORD... makes the set.
resumes() {
    [ "$code" -eq 1 ] || complain "exit code $code, and an unfinished set"
    for file in $(cd work/out/set/unfinished && find . -name '*.wav'); do
        cmp -s "work/out/set/unfinished/$file" "wanted/set/$file" || complain "unfinished/$file is not whole"
    done
    code=0
    "$ANTIPHON" "$@" >out 2>err || code=$?
    [ "$code" -eq 0 ] || complain "does not go on: exit code $code"
    diff -r work/out wanted >err || complain "goes on to another set"
}

# What may be said and left after `$name` has ended with $code.
judge() {
    tried=$((tried + 1))
    said=$(wc -l <err)
    warned=$(grep -c 'warning:' err) || true
    left=$(find work/out work/tmp -mindepth 1 \( -name '*.tmp' -o -path 'work/tmp/*' \) -print)
    [ "$name, $way" = "prepare, memory" ] || left=$left$(find work/out -name unfinished)
    [ -z "$left" ] || complain "left $left"
    if [ "$code" -eq 0 ]; then
        passed=$((passed + 1))
        [ "$said" -eq "$warned" ] || complain "exit code 0 and an error"
        [ "$warned" -gt 0 ] || [ "$(names work/out)" = "$(names wanted)" ] ||
            complain "exit code 0, but not all is there"
    elif [ "$code" -ne 1 ] || [ "$said" -ne $((1 + warned)) ] || ! tail -1 err | grep -q '^antiphon'; then
        complain "exit code $code, and not one line"
    fi
    for file in $(cd work/out && find . -type f ! -path './mlruns/*' ! -path '*/unfinished/*'); do
        case $file in
        *.safetensors) "$ANTIPHON" info "work/out/$file" >/dev/null 2>&1 || complain "$file is no checkpoint" ;;
        ./run/report.html) # made by train for MLflow: each run has figures of its own
            page "$file" same_parts "work/out/$file" "wanted/$file" ;;
        *.html) page "$file" cmp -s "work/out/$file" "wanted/$file" ;;
        *.wav | */a.json | */made_by.txt) cmp -s "work/out/$file" "wanted/$file" || complain "$file is not whole" ;;
        esac
    done
}

# some FILE: so many of its lines as are wanted, at even distances
some() {
    awk -v most="$most" '{ line[NR] = $0 }
        END { for (k = 1; k <= NR; k++) if (!most || int(k * most / NR) != int((k - 1) * most / NR)) print line[k] }' "$1"
}

afresh() {
    rm -rf work/out work/tmp && mkdir work/out work/tmp
}

# each WAY NUMBERS WORD...: `antiphon WORD...` with the failures that the lines of NUMBERS say
each() {
    way=$1 numbers=$2
    shift 2
    tried=0 passed=0
    for number in $(some "$numbers"); do
        afresh
        code=0
        if [ "$way" = memory ]; then
            how="allocation $number"
            FAIL_ALLOCATION=$number LD_PRELOAD="$CRASH/libfailing_memory.so" "$ANTIPHON" "$@" >out 2>err || code=$?
        else
            "$CRASH/watch" "$way" "$number" which work "$ANTIPHON" "$@" >out 2>err || code=$?
            how="$way $number ($(cat which))"
        fi
        judge
        [ ! -e work/out/set/unfinished ] || resumes "$@"
    done
    echo "$name, $way: $(wc -l <"$numbers") places, $tried tried, $passed of them without effect or with a warning" >>counts
}

# failing NAME WORD...: all ways for `antiphon WORD...`, which writes into work/out
failing() {
    name=$1
    shift
    case ",${FAILING_COMMANDS:-$name}," in *",$name,"*) ;; *) return 0 ;; esac
    afresh
    code=0
    "$CRASH/watch" count calls work "$ANTIPHON" "$@" >out 2>err || code=$?
    [ "$code" -ne 77 ] || exit 77
    [ "$code" -eq 0 ] || { echo "$name: exit code $code" && cat err && exit 1; }
    rm -rf wanted && cp -r work/out wanted
    seq "$(cat calls)" >numbers
    each fail numbers "$@"
    afresh
    "$CRASH/watch" full 0 calls work "$ANTIPHON" "$@" >out 2>err
    seq "$(cat calls)" >numbers
    each full numbers "$@"
    if [ "$memory" ]; then
        afresh
        COUNT_ALLOCATIONS=$PWD/list LD_PRELOAD="$CRASH/libfailing_memory.so" "$ANTIPHON" "$@" >out 2>err
        sed '$d' list >numbers
        each memory numbers "$@"
    fi
}

# sanitizers have a heap of their own
memory=yes
if grep -q __asan_init "$ANTIPHON"; then memory=; fi
mkdir work
export MLFLOW_ALLOW_FILE_STORE=true
export TMPDIR="$PWD/work/tmp"
mkdir work/tmp work/out
pairs work/pairs 2 0.5
input=$(ls work/pairs/val/*_input.wav) target=$(ls work/pairs/val/*_target.wav)
sed 's#"pairs", "seconds": 1.0#"work/pairs", "seconds": 0.5#' tiny.json >work/tiny.json
train="train work/tiny.json --train.epochs=1 --train.samples_every=1"
# shellcheck disable=SC2086  # several words
expect 0 "done" $train --out work/run
mkdir work/composed work/songs
cp "$input" work/composed/a_1_input.wav && cp "$target" work/composed/a_2_target.wav
cp "$input" work/composed/a_3_output.wav
cp work/composed/* work/run/samples
pairs longer 3 1
cp longer/train/*_input.wav work/songs

failing synth synth --out work/out/set --pairs 2 --seconds 0.5
failing prepare prepare --songs work/songs --out work/out/set --seconds 0.5
failing infer infer --checkpoint work/run/checkpoints/best.safetensors --input "$input" --target "$target" --out work/out/a.wav
failing cost cost "$input" "$target" work/composed/a_3_output.wav
failing info info work/run/checkpoints/best.safetensors
failing evaluate evaluate --composed work/composed --json work/out/a.json --no_baselines
failing "evaluate --pairs" evaluate --checkpoint work/run/checkpoints/best.safetensors --pairs work/pairs --no_baselines
failing report report work/run --out work/out/a.html
# shellcheck disable=SC2086
failing train $train --out work/out/run
# shellcheck disable=SC2086
failing "train --track.uri" $train --out work/out/run --track.uri=work/out/mlruns

cat counts
[ "$bad" -eq 0 ]
