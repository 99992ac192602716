import org.codelibs.opensearch.runner.OpenSearchRunner;

/** One node of OpenSearch until the process ends: OpenSearch FOLDER PORT. */
class OpenSearch {
    public static void main(String[] args) throws InterruptedException {
        var runner = new OpenSearchRunner();
        runner.onBuild((number, settings) -> {
            settings.put("http.port", args[1]);
            settings.put("transport.port", "0");
            settings.put("network.host", "127.0.0.1");
            settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
            settings.put("cluster.max_shards_per_node", 5000);
            // The serial collector leaves garbage that would count as memory in use.
            settings.put("indices.breaker.total.use_real_memory", false);
        });
        runner.build(OpenSearchRunner.newConfigs().basePath(args[0]).clusterName("tests").numOfNode(1));
        // Its own threads do not keep the process alive.
        Thread.currentThread().join();
    }
}
