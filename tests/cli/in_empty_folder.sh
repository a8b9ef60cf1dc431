#!/bin/sh
# usage: in_empty_folder.sh SCRIPT: runs the script in a new, empty folder, which is removed afterwards.
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
here=$(cd "$(dirname "$0")" && pwd)
cd "$folder" && sh -e "$1" "$here"
