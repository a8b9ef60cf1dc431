# Every public header compiles alone, as C and, where there is a compiler for it, as C++; antiphon.h has them all; C++
# calls the library.
cd "$HEADERS" || exit
for header in antiphon/*.h; do
    printf '#include "%s"\nextern int more; /* than constants, of which alone no program consists */\n' "$header" |
        "$CC" -std=c11 -Wall -Wextra -Wpedantic -Wstrict-prototypes -Werror -I. -fsyntax-only -x c -
    [ "$header" = antiphon/antiphon.h ] || grep -qxF "#include \"$header\"" antiphon/antiphon.h || {
        echo "antiphon.h lacks $header" && exit 1
    }
done
cd "$OLDPWD" || exit

[ "$CXX" ] || exit 0
for header in "$HEADERS"/antiphon/*.h; do
    echo "#include <antiphon/${header##*/}>" |
        "$CXX" -std=c++11 -Wall -Wextra -Wpedantic -Werror "-I$HEADERS" -fsyntax-only -x c++ -
done

cat >calls.cc <<'END'
#include <antiphon/antiphon.h>

#include <cstdio>

int main()
{
    int64_t frames = 7;
    const ap_shape shape = AP_SHAPE(2, frames);
    std::printf("%s %s %d\n", ap_version(), ap_shape_print(shape).text, (int)ap_shape_count(AP_SHAPE_SCALAR));
    return 0;
}
END
"$CXX" -std=c++11 -Wall -Wextra -Wpedantic -Werror "-I$HEADERS" calls.cc -o calls "$LIBRARIES/libantiphon.so" \
    "-Wl,-rpath,$LIBRARIES"
[ "$(./calls)" = "$VERSION [2, 7] 1" ] || { ./calls && exit 1; }
