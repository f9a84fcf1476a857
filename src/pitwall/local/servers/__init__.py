"""The servers of the local stack, one file for each product.

Each file writes the product's configuration and gives one `Server` for each of its processes: the
command line, how to ask whether it is ready, its ports and the servers it needs. `table` puts all
of them in start order. This room may import every room below `local`; a server's own library is
imported inside the function that needs it.

server     the class `Server`
table      all servers, in start order
kafka, cassandra, s3, mlflow, flink, spark, hdfs, hbase, serving, page   one product each
hadoop     the configuration folder that HDFS and HBase share
"""
