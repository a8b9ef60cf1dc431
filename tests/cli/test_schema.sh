# configs/schema.json says what this program takes; every configuration beside it names it and is taken.
. "$1/expect.sh"
configs=$1/../../configs

expect 0 "Antiphon configuration" config --schema
if ! diff "$configs/schema.json" out; then
    echo "configs/schema.json is out of date: antiphon config --schema >configs/schema.json" && exit 1
fi

for config in "$configs"/*.json; do
    [ "$config" = "$configs/schema.json" ] && continue
    # shellcheck disable=SC2016  # the key's name
    grep -qF '"$schema": "schema.json"' "$config" || { echo "$config does not name its schema" && exit 1; }
    expect 0 '"epochs":' config "$config"
done
