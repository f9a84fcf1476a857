# Our programs, from requirements.lock and jars.lock. Build context: the repository. Targets: pitwall, spark, airflow.
ARG PYTHON_VERSION
FROM python:${PYTHON_VERSION} AS build
ENV PYTHONDONTWRITEBYTECODE=1 UV_LINK_MODE=copy PITWALL_REPOSITORY=/srv/pitwall PITWALL_CACHE_DIR=/opt/pitwall/cache
WORKDIR /srv/pitwall
COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps "$(sed -n 's/^\(uv==[^ ;]*\).*/\1/p' requirements.lock)" \
    && uv venv /opt/pitwall/venv \
    && uv pip sync --no-cache --python /opt/pitwall/venv/bin/python --require-hashes requirements.lock
COPY pyproject.toml README.md ./
COPY src src
COPY feature_repo feature_repo
COPY flink_jobs flink_jobs
COPY spark_jobs spark_jobs
COPY serving serving
COPY training training
RUN uv pip install --no-cache --python /opt/pitwall/venv/bin/python --no-deps --no-build-isolation . \
    && /opt/pitwall/venv/bin/python -m pitwall.local.containers jars \
    && mkdir -p .pitwall/data .pitwall/secrets

ARG PYTHON_VERSION
FROM python:${PYTHON_VERSION} AS pitwall
RUN useradd --uid 10001 --create-home pitwall
COPY --from=build /opt/pitwall /opt/pitwall
COPY --from=build --chown=10001:10001 /srv/pitwall /srv/pitwall
ENV PATH=/opt/pitwall/venv/bin:$PATH \
    PITWALL_REPOSITORY=/srv/pitwall \
    PITWALL_CACHE_DIR=/opt/pitwall/cache \
    PYTHONUNBUFFERED=1
WORKDIR /srv/pitwall
USER 10001:10001
ENTRYPOINT ["python", "-m", "pitwall.local.containers"]

FROM build AS build-spark
COPY requirements-spark.lock ./
RUN uv pip install --no-cache --python /opt/pitwall/venv/bin/python --require-hashes -r requirements-spark.lock

FROM pitwall AS spark
COPY --from=build-spark /opt/pitwall /opt/pitwall

FROM build AS build-airflow
COPY compose/dags/requirements.lock ./airflow.lock
RUN uv venv /opt/airflow \
    && uv pip sync --no-cache --python /opt/airflow/bin/python --require-hashes airflow.lock

FROM pitwall AS airflow
COPY --from=build-airflow /opt/airflow /opt/airflow
USER root
RUN mkdir /srv/airflow && chown 10001:10001 /srv/airflow
USER 10001:10001
ENV AIRFLOW_HOME=/srv/airflow PATH=$PATH:/opt/airflow/bin
