# Every script is as shellcheck wants it.
command -v shellcheck >/dev/null || { echo "skipped: there is no shellcheck" && exit 77; }
cd "$1/../.." || exit
find . -path './build*' -prune -o \( -name '*.sh' -o -path './.ci/run' \) -print >"$OLDPWD/scripts"
[ "$(wc -l <"$OLDPWD/scripts")" -gt 40 ]
xargs shellcheck <"$OLDPWD/scripts"
