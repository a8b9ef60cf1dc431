# The Python package: pip installs it from the tree, and it does what the library and the program do.
. "$1/expect.sh"
. "$1/tiny.sh"
tests=$1/..

# a python with what building the package needs; without one, what pip fetches
python=
for candidate in python3 /usr/bin/python3; do
    "$candidate" -c 'import cffi, numpy, setuptools, wheel, venv, ensurepip' 2>/dev/null && python=$candidate && break
done
if [ "$python" ]; then
    "$python" -m venv --system-site-packages venv
elif ! python3 -m venv venv 2>/dev/null || ! venv/bin/pip install -q setuptools wheel cffi numpy >/dev/null 2>&1; then
    echo "skipped: no python3 with venv, cffi, numpy, setuptools and wheel, and none that could fetch them" && exit 77
fi
venv/bin/python -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null ||
    { echo "skipped: there is no Python.h" && exit 77; }

# from a copy, so that nothing is left in the tree
mkdir tree
(cd "$tests/.." && cp -r pyproject.toml CMakeLists.txt README.md LICENSE include src "$OLDPWD/tree/")
rm -rf tree/src/python/antiphon/*.so* tree/src/python/*.egg-info
venv/bin/pip install -q --no-build-isolation --no-deps --no-index ./tree >pip.log 2>&1 || { cat pip.log && exit 1; }
venv/bin/pip show -f antiphon | grep -q libantiphon.so.0

pairs pairs 4 3
expect 0 "done" train tiny.json --out run --train.epochs=1
expect 0 "done" train tiny.json --out takes --train.epochs=1 --agent.output=takes
expect 0 "done" train tiny.json --out codec --train.epochs=1 --agent.compositional=false --agent.output=direct
mkdir scratch
TMPDIR=$PWD/scratch venv/bin/python "$tests/python/check_package.py" pairs/val/*_input.wav pairs/val/*_target.wav "$tests/fixtures"

if venv/bin/python -c 'import torch' 2>/dev/null; then
    venv/bin/python "$tests/python/check_torch.py" "$tests/peers"
else
    echo "antiphon.torch is not tested: there is no PyTorch"
fi
