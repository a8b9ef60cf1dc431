# The script that shows that sets of any size train in little memory: it reports its figures and leaves nothing, and a
# bound that is broken is its failure.
. "$1/expect.sh"
. "$1/tiny.sh"
script=$1/../../scripts/show_scale.sh
mkdir place
show() {
    HOURS=0.02 SECONDS_EACH=2 WINDOW=1 STEPS=4 MEMORY=0.0001 CONFIG=tiny.json PLACE=place MOST_START=1e6 MOST_WAIT=1 \
        "$script" >out 2>&1
}
show || { cat out && exit 1; }
grep -q "36 pairs of 2 s" out
for what in "time until the first step" "largest resident memory" "share of the steps spent waiting"; do
    grep -q "$what .*: holds" out
done
[ -z "$(ls place)" ]
export MOST_MIB=1
if show; then cat out && exit 1; fi
grep -q "largest resident memory .*DOES NOT HOLD" out
[ -z "$(ls place)" ]
