# Every name that the static library gives to a linker begins with ap_; the shared one exports what public headers
# declare, all of it and nothing else.

# The compiler's own names begin with a dot or an underscore.
nm -g --defined-only "$LIBRARIES/libantiphon.a" | sed -n 's/^[0-9a-f]* [A-Z] //p' | sort -u >external
if grep -v '^ap_\|^[._]' external; then echo "libantiphon.a: external names without ap_" && exit 1; fi

# A name that a parenthesis or, of an array, a bracket follows is declared, unless it is a type's or a field's.
echo '#include <antiphon/antiphon.h>' | "$CC" "-I$HEADERS" -E -P - | grep -v '^#' | tr '\n' ' ' | tr ';' '\n' |
    grep -v '^ *typedef\|[{}]' | grep -o '\bap_[a-z0-9_]*[[(]' | tr -d '[(' | sort -u >declared
nm -D --defined-only "$LIBRARIES/libantiphon.so" | sed 's/.* //' | sort -u >exported
[ "$(wc -l <declared)" -gt 200 ]
diff declared exported || { echo "< declared in a public header but not exported, > the other way round" && exit 1; }
