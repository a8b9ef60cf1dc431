# Every script says how it is used, with each of its settings, and refuses what it does not take before any work.
. "$1/expect.sh"
scripts=$1/../../scripts
# a program that must not be run: whatever it is asked for, it leaves a trace
printf '#!/bin/sh\ntouch %s/worked\nexit 1\n' "$PWD" >program && chmod +x program
export ANTIPHON="$PWD/program" WORKPLACE="$PWD"

# help NAME WORD: the comment at its head, every setting, nothing on the standard error, nothing done
help() {
    (cd "$scripts" && "./$1" "$2") >out 2>err || { echo "$1 $2: exit code $?" && cat out err && exit 1; }
    [ ! -s err ] && [ ! -e worked ]
    sed -n 's/^\([A-Z_]*\)=\${\1:-.*/\1/p' "$scripts/$1" | grep -v '^ANTIPHON$' | while read -r setting; do
        grep -q "^$setting=\|$setting " out || { echo "$1 $2 says nothing of $setting" && exit 1; }
    done
    [ "$(grep -c . out)" -ge 3 ]
    if grep -E '.{81}' out; then echo "$1 $2: more than 80 columns" && exit 1; fi
}

# refused NAME WORD...: exit code 2, the word named, nothing done
refused() {
    name=$1 code=0
    shift
    "$scripts/$name" "$@" >out 2>err || code=$?
    if [ "$code" -ne 2 ] || [ -s out ] || [ ! -s err ] || [ -e worked ]; then
        echo "$name $*: exit code $code" && cat out err && exit 1
    fi
}

for script in ablation study study_precision test_kernels show_scale test_arm test_deb sweep make_corpus train_codec test ../run_train_compositional; do
    for word in --help -h; do help $script.sh $word; done
done
# help that nobody reads to its end is no reason to begin the work, nor misuse
for script in ablation study study_precision test_kernels test_arm test_deb sweep make_corpus train_codec ../run_train_compositional; do
    if "$scripts/$script.sh" --help >/dev/full 2>err; then echo "$script.sh: a full disk is not told" && exit 1; fi
    if grep -q "$(basename $script).sh:" err || [ -e worked ]; then echo "$script.sh goes on:" && cat err && exit 1; fi
done
for script in ablation study study_precision show_scale test_arm test_deb; do
    for word in --hlep all ""; do
        refused $script.sh "$word"
        [ "$(wc -l <err)" -eq 1 ] && grep -qF "$script.sh: takes no argument such as \"$word\"" err
    done
done
refused make_corpus.sh
refused make_corpus.sh ""
refused make_corpus.sh --seed
refused make_corpus.sh corpus other
refused make_corpus.sh --recordings
refused make_corpus.sh --recordings corpus other
refused train_codec.sh
refused train_codec.sh ""
refused train_codec.sh --seed
refused train_codec.sh a b
[ ! -e corpus ]
refused test.sh --most
refused test.sh --all --most
refused test_kernels.sh --all
refused test_kernels.sh -R
refused test_kernels.sh -j many
refused test_kernels.sh plain ""
refused sweep.sh
refused sweep.sh --resume
refused ears.sh
if command -v python3 >/dev/null; then
    help ears.sh --help
    grep -q -- "--evaluation" out
    help bench_peer.sh --help
    grep -q -- '--rounds' out
    refused bench_peer.sh --round-trips
    refused bench_peer.sh --only nothing
    refused bench_peer.sh --batches many
    refused bench_peer.sh stray
    grep -q stray err
fi
