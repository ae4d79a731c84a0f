package sluice.compat.tools;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.protocol.ApiKeys;
import sluice.compat.Broker;

/** What a broker says of itself in ApiVersions: names of APIs and of features. */
final class Served {
  private static final int CORRELATION_ID = 7;

  private Served() {}

  static Set<String> by(Broker broker) throws IOException, InterruptedException, ExecutionException {
    Set<String> names = new TreeSet<>(apis(broker));
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap()))) {
      names.addAll(admin.describeFeatures().featureMetadata().get().supportedFeatures().keySet());
    }
    return names;
  }

  /** What the answer to version 0 lists; the Java clients do not tell. */
  private static Set<String> apis(Broker broker) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", broker.port())) {
      DataOutputStream out = new DataOutputStream(socket.getOutputStream());
      out.writeInt(2 + 2 + 4 + 2);
      out.writeShort(ApiKeys.API_VERSIONS.id);
      out.writeShort(0);
      out.writeInt(CORRELATION_ID);
      out.writeShort(-1);
      out.flush();
      DataInputStream in = new DataInputStream(socket.getInputStream());
      in.readInt();
      if (in.readInt() != CORRELATION_ID) throw new IOException("the answer to another request");
      short error = in.readShort();
      if (error != 0) throw new IOException("ApiVersions was refused with " + error);
      Set<String> names = new TreeSet<>();
      int count = in.readInt();
      for (int i = 0; i < count; i++) {
        names.add(ApiKeys.forId(in.readShort()).name);
        in.readInt();
      }
      return names;
    }
  }
}
