# kernels.sh KERNEL ANTIPHON TEST...: runs the tests with that kernel. Exit code 77: this processor cannot.
export ANTIPHON_KERNEL="$1"
antiphon=$2
shift 2
"$antiphon" --version >/dev/null 2>kernels_error.txt || {
    grep -q "cannot run" kernels_error.txt && exit 77
    cat kernels_error.txt && exit 1
}
for program in "$@"; do
    "$program" || exit 1
done
