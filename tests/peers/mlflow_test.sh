#!/bin/sh
# usage: mlflow_test.sh TRACK_DRIVER: tracks runs in a real MLflow, as a folder and as a server, and compares what it holds
# with the runs' own logs. $MLFLOW_PYTHON is a Python that has mlflow; without it one is made in a virtual environment.
# (1.27, which refuses what later ones take: pip install mlflow==1.27.0 'protobuf<4' 'sqlalchemy<2' 'alembic<1.10' 'flask<2.3' 'werkzeug<2.3'
# 'numpy<1.24' 'pandas<2' 'setuptools<70'; MLFLOW_FLAGS=--serve-artifacts)
set -eu
driver=$1
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
server=
stop_server() {
    [ -z "$server" ] || kill -9 "-$server" 2>/dev/null || true
    server=
}
trap 'stop_server; rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
cd "$folder"

python=${MLFLOW_PYTHON:-}
if [ -z "$python" ]; then
    python3 -m venv venv
    venv/bin/pip install --quiet mlflow
    python=$folder/venv/bin/python
fi
export MLFLOW_ALLOW_FILE_STORE=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false PYTHONWARNINGS=ignore
unset MLFLOW_TRACKING_URI
PATH=$(dirname "$python"):$PATH # 1.27 looks for gunicorn there
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
uri=http://127.0.0.1:$port

start_server() {
    # shellcheck disable=SC2086  # a list of words
    setsid "$python" -c "from mlflow.cli import cli; cli()" server ${MLFLOW_FLAGS:-} --backend-store-uri sqlite:///server.db --artifacts-destination "$folder/artifacts" \
        --host 127.0.0.1 --port "$port" --workers 1 >>server.log 2>&1 &
    server=$!
    for _ in $(seq 120); do
        "$python" -c "import urllib.request; urllib.request.urlopen('$uri/health', timeout=2)" 2>/dev/null && return
        sleep 1
    done
    echo "the server does not start:" && tail server.log && exit 1
}

# run NAME URI ARGUMENT...: a run in the folder NAME
run() {
    name=$1 to=$2
    shift 2
    mkdir -p "$name"
    printf 'RIFF of %s' "$name" >"$name/a sample.wav"
    "$driver" "$name" "$to" "$@"
}
compare() {
    "$python" "$here/mlflow_compare.py" "$@"
}

echo "a folder, then the same run resumed from step 20"
run in_folder store -1 30 100
compare in_folder store
run in_folder store 20 45 100
compare in_folder store

echo "a server, then the same run resumed from its last step"
start_server
run on_server "$uri" -1 2500 200
compare on_server "$uri"
run on_server "$uri" 2500 2600 200
compare on_server "$uri"

echo "a server that is killed in the middle of a run and comes back" # which takes it some ten seconds
run interrupted "$uri" -1 1000 50000 2>warnings &
tracked=$!
sleep 5
stop_server
sleep 3
start_server
wait "$tracked"
[ "$(grep -c 'the run continues' warnings)" -eq 1 ] || { echo "not one warning:" && cat warnings && exit 1; }
compare interrupted "$uri"

echo "a server that is killed and stays away; a resumed run delivers the rest"
run unsent "$uri" -1 100 50000 2>warnings &
tracked=$!
sleep 2
stop_server
wait "$tracked"
[ -s unsent/mlflow_unsent.jsonl ]
[ "$(wc -l <unsent/log.jsonl)" -eq 101 ]
start_server
run unsent "$uri" 100 110 1000
compare unsent "$uri"

echo "parameters that a resumed run has otherwise: in tags"
run on_server "$uri" 2600 2610 200 train.epochs 33
compare on_server "$uri" resumed.train.epochs=33
run on_server "$uri" 2610 2611 200
compare on_server "$uri" resumed.train.epochs=20

echo "a run that is deleted, then resumed; one that is deleted while it runs"
"$python" "$here/mlflow_delete.py" on_server "$uri"
run on_server "$uri" 2611 2620 200 2>warnings
grep -q 'no longer exists: everything goes to a new one' warnings
compare on_server "$uri"
run deleted "$uri" -1 600 50000 2>warnings &
tracked=$!
while [ ! -s deleted/mlflow.json ]; do sleep 0.1; done
"$python" "$here/mlflow_delete.py" deleted "$uri"
wait "$tracked"
grep -q 'no longer exists: everything goes to a new one' warnings
compare deleted "$uri"
echo "all agree"
