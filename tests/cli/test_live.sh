# antiphon live, with JACK's dummy driver in place of a sound card.
. "$1/expect.sh"
. "$1/tiny.sh"

pairs pairs 2 1
causal="--agent.past=9 --agent.positions=false --agent.output=gates --agent.gate_bands=8 --codec.dim=32"
# shellcheck disable=SC2086  # a list of words
expect 0 "done" train tiny.json --out causal --train.epochs=1 $causal
expect 0 "done" train tiny.json --out ahead --train.epochs=1
expect 2 "is missing" live
expect 2 "--margin" live --checkpoint causal --margin 0

JACK_DEFAULT_SERVER=antiphon-$$
export JACK_DEFAULT_SERVER
code=0
"$ANTIPHON" live --checkpoint causal >out 2>err || code=$?
if grep -qE "built without JACK|libjack.so.0" err; then
    [ $code -eq 1 ] && [ "$(wc -l <err)" -eq 1 ]
    echo "skipped: $(cat err)" && exit 77
fi
expect 1 "no JACK server answers" live --checkpoint causal
expect 2 "the model looks ahead (agent.past is 0): train one with configs/live.json" live --checkpoint ahead

if ! command -v jackd >/dev/null || ! command -v jack_lsp >/dev/null; then echo "skipped: no jackd" && exit 77; fi
jackd --no-realtime -n "$JACK_DEFAULT_SERVER" -d dummy -r 48000 -p 256 >jackd.log 2>&1 &
server=$!
trap 'kill $server $process 2>/dev/null || true' EXIT
process=
until jack_lsp >ports 2>&1 && grep -q system:playback_1 ports; do
    kill -0 $server || { echo "skipped: jackd does not run here" && cat jackd.log && exit 77; }
    sleep 0.1
done

# the ports are there, and what goes through them is as late as it is said to be: 2 hops, a period and the margin
begin live --checkpoint causal --name answer --margin 10
until_says "playing at 48000 Hz"
unwrapped out | grep -qF "42.0 ms later" || { cat out && exit 1; }
jack_lsp >ports
for port in input target output; do grep -qx "answer:$port" ports || { cat ports && exit 1; }; done
kill -INT $process
wait $process

# the server ends
begin live --checkpoint causal
until_says "playing at 48000 Hz"
kill $server
code=0
wait $process || code=$?
if [ $code -ne 1 ] || ! grep -q "the JACK server has gone" err; then echo "exit code $code" && cat out err && exit 1; fi
