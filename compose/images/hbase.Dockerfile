# HBase for a user of its own: the volume takes its owner from this folder.
ARG HBASE_VERSION
FROM harisekhon/hbase:${HBASE_VERSION}
USER 0:0
RUN ["mkdir", "-p", "/data"]
RUN ["chown", "10001:10001", "/data"]
USER 10001:10001
