# antiphon info: tensors, modules and metadata of a safetensors file.
. "$1/expect.sh"

header='{"__metadata__":{"config":"{\"a\":1}","step":"12","evil":"\u001b[2J"},
"agent.b":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
"agent.a":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},
"cascade.x":{"dtype":"I32","shape":[],"data_offsets":[12,16]}}'
length=$(printf %s "$header" | wc -c)
{
    # shellcheck disable=SC2059  # the bytes are the format's escapes
    printf "\\$(printf %03o $((length % 256)))\\$(printf %03o $((length / 256)))\0\0\0\0\0\0"
    printf %s "$header"
    printf 0123456789abcdef
} >good.safetensors

expect 0 "3 tensors, 5 numbers" info good.safetensors
sed 's/  */ /g' out >plain
printf '%s\n' ' agent.a F16 [2] 2' ' agent.b F32 [1, 2] 2' ' cascade.x I32 [] 1' >want
grep -F '[' plain | head -3 | diff want -
grep -q '^ agent 4$' plain
grep -q '^ cascade 1$' plain
grep -q '"a": 1' plain
grep -qF '?[2J' plain
if grep -q "$(printf '\033')" out; then echo "an escape sequence reached the terminal" && exit 1; fi

expect 0 '{"a":1}' info --metadata config good.safetensors
[ "$(cat out)" = '{"a":1}' ]
expect 1 "good.safetensors: no metadata nothing" info --metadata nothing good.safetensors
expect 1 "absent: No such file" info absent
head -c 100 good.safetensors >cut.bad
expect 1 "cut.bad: not a safetensors file, as checkpoints are, or truncated: a header of" info cut.bad
expect 2 "too few arguments" info
expect 2 "unexpected argument cut.bad; usage: antiphon info" info good.safetensors cut.bad
expect 2 "did you mean --metadata?" info --metdata config good.safetensors

# a FIFO that nobody writes is refused, not waited for
mkfifo fifo
expect 1 "fifo: not a regular file" info fifo

# checksums: of the file above there are none; a checkpoint's find a flipped bit, which the rest of the program heeds, too
expect 1 "good.safetensors: has no checksums" info --verify good.safetensors
. "$1/tiny.sh"
pairs pairs 2 1
expect 0 "done" train tiny.json --out run --epochs=1
last=run/checkpoints/last.safetensors
expect 0 "$last: sound" info --verify $last
expect 0 "Checksums" info $last
if grep -qF 'checksums.crc32' out; then echo "the list of checksums is printed" && exit 1; fi
expect 0 '"tensors":{"agent.' info --metadata checksums.crc32 $last

# flip FROM TO PLACE: turns the highest bit of the byte at that place from the end of the file
flip() {
    size=$(wc -c <"$1")
    byte=$(tail -c "$3" "$1" | head -c 1 | od -An -tu1 | tr -d ' ')
    {
        head -c $((size - $3)) "$1"
        # shellcheck disable=SC2059
        printf "\\$(printf %03o $((byte ^ 128)))"
        tail -c $(($3 - 1)) "$1"
    } >"$2"
}
cp $last kept
flip kept $last 1 # the sign of the optimiser's last mean of squares
expect 1 "$last: tensor optimiser.v." info --verify $last
expect 1 "the file is damaged" info --verify $last
cp $last before
expect 1 "$last: tensor optimiser.v." train tiny.json --out run --resume auto --epochs=5
grep -qF "; --resume run/checkpoints/best.safetensors continues from the best" err
cmp before $last
# but not where that would fail as well, or where the file is sound and another model's
cp run/checkpoints/best.safetensors best
flip best run/checkpoints/best.safetensors 1
expect 1 "$last: tensor optimiser.v." train tiny.json --out run --resume auto --epochs=5
if grep -qF "continues from the best" err; then echo "the best is damaged, too" && exit 1; fi
cp best run/checkpoints/best.safetensors
cp kept $last
expect 1 "$last: " train tiny.json --out run --resume auto --epochs=5 --agent.model=64
if grep -qF "continues from the best" err; then echo "the last is not damaged" && exit 1; fi
cp before $last
expect 0 "going on from run/checkpoints/best.safetensors" train tiny.json --out run --epochs=2 \
    --resume run/checkpoints/best.safetensors
flip kept $last 1
expect 0 "tensors" info $last # what is in it can still be seen
flip kept header.safetensors $(($(wc -c <kept) - 200)) # in the middle of the configuration
expect 1 "header.safetensors: " info header.safetensors
