# antiphon info: tensors, modules and metadata of a safetensors file.
. "$1/expect.sh"

header='{"__metadata__":{"config":"{\"a\":1}","step":"12","evil":"\u001b[2J"},
"agent.b":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
"agent.a":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},
"cascade.x":{"dtype":"I32","shape":[],"data_offsets":[12,16]}}'
length=$(printf %s "$header" | wc -c)
{
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
head -c 100 good.safetensors >cut
expect 1 "cut: a header of" info cut
expect 2 "too few arguments" info
expect 2 "unexpected argument cut; usage: antiphon info" info good.safetensors cut
expect 2 "did you mean --metadata?" info --metdata config good.safetensors

# a FIFO that nobody writes is refused, not waited for
mkfifo fifo
expect 1 "fifo: not a regular file" info fifo
