"""usage: mlflow_compare.py RUN_FOLDER URI [TAG=VALUE]: does MLflow hold what the run's log holds, number for number?"""
import json
import math
import os
import sys
import tempfile

import mlflow
from mlflow.tracking import MlflowClient

folder, uri = sys.argv[1], sys.argv[2]
if not uri.startswith("http"):
    uri = "file://" + os.path.abspath(uri)
mlflow.set_tracking_uri(uri)  # 1.27 finds artifacts by it
client = MlflowClient(uri)
run_id = json.load(open(folder + "/mlflow.json"))["run_id"]
run = client.get_run(run_id)

want = {}
for line in open(folder + "/log.jsonl"):
    entry = json.loads(line)
    step, time = entry.pop("step"), entry.pop("time")
    entry.pop("epoch")
    for name, value in entry.items():
        value = "nan" if value is None else value
        want.setdefault(name, set()).add((step, round(time * 1000), value))

assert set(run.data.metrics) == set(want), (set(run.data.metrics), set(want))
points = 0
for name in want:
    history = client.get_metric_history(run_id, name)
    got = [(m.step, m.timestamp, "nan" if math.isnan(m.value) else m.value) for m in history]
    assert len(got) == len(set(got)), f"{name}: points twice"
    missing, foreign = want[name] - set(got), set(got) - want[name]
    assert not missing and not foreign, f"{name}: {len(missing)} missing, {len(foreign)} foreign: {sorted(foreign, key=str)[:3]}"
    points += len(got)

assert run.info.status == "FINISHED", run.info.status
assert run.info.end_time >= run.info.start_time
name = run.data.tags["mlflow.runName"]
assert name == os.path.basename(os.path.abspath(folder)), name
assert client.get_experiment(run.info.experiment_id).name == "d\u00e4mpfer: 'x' & \"y\""
assert run.data.params["data.path"] == "a folder/with \u00fc", run.data.params["data.path"]
assert run.data.params["train.lr"] == "0.0001"
assert run.data.params["codec.ratios"] == "[8,5,4,2]"
assert not any(name.startswith("track.") for name in run.data.params)
assert run.data.tags["mlflow.source.name"] == "antiphon"
assert [a.path for a in client.list_artifacts(run_id)] == ["a sample.wav"]
with tempfile.TemporaryDirectory() as place:
    copy = client.download_artifacts(run_id, "a sample.wav", place)
    assert open(copy, "rb").read() == open(folder + "/a sample.wav", "rb").read()
assert not os.path.exists(folder + "/mlflow_unsent.jsonl")
assert run.data.params["codec.weights"] in ('""', ""), run.data.params["codec.weights"]
for tag in sys.argv[3:]:
    name, value = tag.split("=")
    assert run.data.tags.get(name) == value, (name, run.data.tags.get(name))
print(f"{folder}: {points} points of {len(want)} metrics, {len(run.data.params)} parameters agree")
