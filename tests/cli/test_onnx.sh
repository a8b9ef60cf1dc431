# A trained model, exported to ONNX, composes the same in another runtime.
. "$1/expect.sh"
. "$1/tiny.sh"
tests=$1/..

# $ANTIPHON_PYTHON: a python with onnx, onnxruntime, and what building the package needs
python=
for candidate in "${ANTIPHON_PYTHON:-python3}" python3 /usr/bin/python3; do
    "$candidate" -c 'import onnx, onnxruntime, cffi, numpy, setuptools, wheel' 2>/dev/null && python=$candidate && break
done
[ "$python" ] || { echo "skipped: no python3 with onnx, onnxruntime, cffi, numpy, setuptools and wheel" && exit 77; }

mkdir tree site
(cd "$tests/.." && cp -r pyproject.toml CMakeLists.txt README.md LICENSE include src "$OLDPWD/tree/")
rm -rf tree/src/python/antiphon/*.so* tree/src/python/*.egg-info
"$python" -m pip install -q --no-build-isolation --no-deps --no-index --target site ./tree >pip.log 2>&1 || { cat pip.log && exit 1; }
PYTHONPATH=$PWD/site
export PYTHONPATH

# weights that have left their start, so that every one of them counts
pairs pairs 4 2
train="train tiny.json --train.epochs=2 --train.lr=0.02 --train.warmup_steps=0"
gates="--agent.output=gates --agent.compress=true --agent.positions=false --agent.gate_bands=8 --agent.gate_delays=0,1,2"
for output in cascade gates direct causal; do
    settings=--agent.output=$output
    [ $output != gates ] || settings=$gates
    [ $output != causal ] || settings="$gates --agent.past=9"
    # shellcheck disable=SC2086  # lists of words
    expect 0 "done" $train --out $output $settings
    "$python" -m antiphon.onnx $output $output.onnx
    "$python" "$tests/python/check_onnx.py" $output $output.onnx pairs/val/*_input.wav pairs/val/*_target.wav
done

# refused FILE WORDS: nothing is written, and one line says why
refused() {
    code=0
    "$python" -m antiphon.onnx "$1" no.onnx >out 2>err || code=$?
    if [ $code -ne 1 ] || [ -e no.onnx ] || [ "$(wc -l <err)" -ne 1 ] || ! grep -qF "$2" err; then
        echo "exit code $code" && cat out err && exit 1
    fi
}
# shellcheck disable=SC2086  # a list of words
expect 0 "done" $train --out takes --agent.output=takes --train.epochs=1
refused takes "takes/checkpoints/best.safetensors: agent.output is 'takes', which is not exported"
refused gone gone
code=0
"$python" -m antiphon.onnx gates >out 2>err || code=$?
[ $code -eq 2 ] && grep -q usage err
