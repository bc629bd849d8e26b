"""The client: one server, Sentinel or Cluster, every command pipelined."""
