# The README's tables are those of the program.
. "$1/expect.sh"
readme="$1/../../README.md"

"$ANTIPHON" config --markdown >table
grep '^| `' table | while IFS= read -r line; do
    grep -qF -- "$line" "$readme" || { echo "README.md lacks: $line" && exit 1; }
done
"$ANTIPHON" --help | sed -n '/^Verbs:/,/^$/p' | awk 'NF > 1 { print $1 }' | while read -r verb; do
    grep -qF "\`$verb\`" "$readme" || { echo "README.md lacks the verb $verb" && exit 1; }
done

# and the packages are those that the scripts install
. "$1/../../scripts/packages.sh"
for package in $ANTIPHON_PACKAGES libcmocka-dev; do
    sed -n '/apt-get install/,/^$/p' "$readme" | grep -qw -- "$package" || { echo "README.md lacks the package $package" && exit 1; }
done
