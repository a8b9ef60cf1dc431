# cmake --install: what is installed works in another place than it was built for, and serves C and Python.
# shellcheck disable=SC2046  # what pkg-config prints is a list of words
. "$1/expect.sh"
examples=$1/../examples

"$CMAKE" --install "$ANTIPHON_BUILD" --prefix "$PWD/prefix" >installed
configuration=$(find prefix -name antiphon.pc)
libraries=$(dirname "$(dirname "$configuration")")
there prefix/bin/antiphon "$libraries/libantiphon.a" "$libraries/libantiphon.so" "$libraries/libantiphon.so.0" \
    prefix/include/antiphon/modulation.h prefix/share/man/man1/antiphon.1 \
    prefix/share/bash-completion/completions/antiphon prefix/share/antiphon/configs/schema.json \
    prefix/share/doc/antiphon/copyright
# a program built for /usr looks for the library there
LD_LIBRARY_PATH=$PWD/$libraries
export LD_LIBRARY_PATH

[ "$(prefix/bin/antiphon --version)" = "$("$ANTIPHON" --version)" ]
prefix/bin/antiphon help --man | cmp - prefix/share/man/man1/antiphon.1
prefix/bin/antiphon help --bash | cmp - prefix/share/bash-completion/completions/antiphon
prefix/bin/antiphon config prefix/share/antiphon/configs/quick.json >/dev/null

# each header compiles alone
PKG_CONFIG_PATH=$PWD/$(dirname "$configuration")
export PKG_CONFIG_PATH
for header in prefix/include/antiphon/*.h; do
    echo "#include <antiphon/${header##*/}>" |
        "$CC" -std=c11 -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags antiphon) -x c -
done

# A copy pays ln 1000 for what it copies; half of each source, r = 1/sqrt 2 with both, pays -2 ln(1 - r); a steady tone nothing.
printf '6.908\n2.456\n0.000\n' >wanted
prints_wanted() {
    "$@" >out || { echo "$*: exit code $?" && exit 1; }
    diff wanted out || { echo "$*: prints other costs" && exit 1; }
}

"$CC" "$examples/cost.c" -o shared $(pkg-config --cflags --libs antiphon) -lm
prints_wanted ./shared
"$CC" -Wall -Wextra -Werror "$examples/fit.c" -o fit $(pkg-config --cflags --libs antiphon)
./fit

# a program of three calls composes what the verb does
. "$1/tiny.sh"
pairs pairs 4 1
expect 0 "done" train tiny.json --out run --train.epochs=1
checkpoint=run/checkpoints/best.safetensors
expect 0 "verb.wav" infer --checkpoint $checkpoint --input pairs/val/*_input.wav --target pairs/val/*_target.wav --out verb.wav
"$CC" -Wall -Wextra -Werror "$examples/compose.c" -o compose $(pkg-config --cflags --libs antiphon)
./compose $checkpoint pairs/val/*_input.wav pairs/val/*_target.wav call.wav
cmp verb.wav call.wav
if ./compose none.safetensors pairs/val/*_input.wav pairs/val/*_target.wav none.wav 2>err; then exit 1; fi
grep -q none.safetensors err

"$CC" -Wall -Wextra -Werror "$examples/window.c" -o window $(pkg-config --cflags --libs antiphon)
OMP_NUM_THREADS=1 ./window tiny.json >out
[ "$(grep -c ' s: median [0-9.]* ms, shortest [0-9.]* ms$' out)" -eq 5 ]
if ./window 2>err; then exit 1; fi
grep -q usage err

if command -v python3 >/dev/null && ! pkg-config --cflags antiphon | grep -q AP_DOUBLE; then
    prints_wanted python3 "$examples/cost.py" "$libraries/libantiphon.so"
fi
# The static library, beside shared ones of what it stands on: pkg-config --static would want those as archives, too.
"$CC" "$examples/cost.c" -o static $(pkg-config --cflags antiphon) "$libraries/libantiphon.a" \
    $(pkg-config --libs $(pkg-config --print-requires-private antiphon)) -fopenmp -lm
prints_wanted ./static
