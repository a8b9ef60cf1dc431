# antiphon help --bash: what bash offers in each place.
. "$1/expect.sh"

expect 0 "complete -F _antiphon antiphon" help --bash
if ! command -v bash >/dev/null; then
    echo "skipped: there is no bash" && exit 77
fi
mv out completion.bash
mkdir -p folder/inside
: >song.wav
: >other.json
: >"with space.json"
: >model.safetensors

# As bash does it: the line in words, broken at '=' as well; the last word is the one to complete.
cat >offers.bash <<'END'
. ./completion.bash
COMP_WORDS=()
line=$1
for word in ${line//=/ = }; do COMP_WORDS+=("$word"); done
[[ $line == *[\ =] ]] && COMP_WORDS+=("")
# bash itself has no empty word between '=' and the end of the line
[[ $line == *= ]] && unset 'COMP_WORDS[-1]'
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_antiphon
printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
END

# offers LINE WORDS: after LINE, exactly WORDS are offered, in alphabetical order
offers() {
    found=$(LC_ALL=C bash offers.bash "$1")
    [ "${found% }" = "$2" ] || { echo "'$1' offers '${found% }', not '$2'" && exit 1; }
}

offers "antiphon --v" "--version"
offers "antiphon inf" "infer info"
offers "antiphon help cos" "cost"
offers "antiphon synth --s" "--sample_rate --seconds --seed"
offers "antiphon synth --out " "folder"
offers "antiphon synth --out=f" "folder"
offers "antiphon synth --out=" "folder"
offers "antiphon synth --pairs " ""
offers "antiphon train " "folder other.json with space.json"
offers "antiphon train w" "with space.json"
offers "antiphon train --out folder o" "other.json"
offers "antiphon train --train.lr 1 o" "other.json"
offers "antiphon train --use_compositional_agent o" "other.json"
offers "antiphon train other.json o" ""
offers "antiphon train --resume a" "auto"
offers "antiphon train --resume " "auto completion.bash err folder model.safetensors offers.bash other.json song.wav with space.json"
offers "antiphon infer --checkpoint f" "folder"
offers "antiphon train --casc" "--cascade."
offers "antiphon train --cascade." "--cascade.attention_heads= --cascade.dropout= --cascade.layers="
offers "antiphon train --train.schedule=" "constant cosine"
offers "antiphon train --train.schedule co" "constant cosine"
offers "antiphon train --codec.train t" "true"
offers "antiphon cost song.wav s" "song.wav"
offers "antiphon cost --json song.wav song.wav s" "song.wav"
offers "antiphon cost song.wav song.wav song.wav s" ""
offers "antiphon config other.json cascade.a" "cascade.attention_heads"
offers "antiphon info " "folder model.safetensors"
# where no file has the extension, every file is offered: a recording need not be a WAV file
rm song.wav
offers "antiphon cost ot" "other.json"

# every verb and every option of its help is offered
"$ANTIPHON" --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' >verbs
[ "$(wc -l <verbs)" -ge 8 ]
while read -r verb; do
    LC_ALL=C bash offers.bash "antiphon " | grep -qw -- "$verb"
    LC_ALL=C bash offers.bash "antiphon $verb --" | tr ' ' '\n' >offered
    "$ANTIPHON" help "$verb" | sed -n 's/^  \(--[^ =]*\).*/\1/p' | grep -vFx -- --section.key >options
    while read -r option; do
        grep -qFx -- "$option" offered || { echo "antiphon $verb $option is not offered" && exit 1; }
    done <options
done <verbs
