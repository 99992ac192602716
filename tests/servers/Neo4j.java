import java.nio.file.Path;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;

/** A community Neo4j until the process ends: Neo4j HOME CONFIGURATION. */
class Neo4j {
    public static void main(String[] args) {
        var builder = new DatabaseManagementServiceBuilder(Path.of(args[0]));
        var server = builder.loadPropertiesFromFile(Path.of(args[1])).build();
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
    }
}
