"""usage: mlflow_delete.py RUN_FOLDER URI: deletes the run in MLflow, as its page does."""
import json
import sys

from mlflow.tracking import MlflowClient

MlflowClient(sys.argv[2]).delete_run(json.load(open(sys.argv[1] + "/mlflow.json"))["run_id"])
