package sluice.compat.tools;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceDataCollection;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.requests.ProduceResponse;
import org.apache.kafka.common.requests.RequestHeader;
import sluice.compat.Broker;

/**
 * Writes a record of a transaction to a partition that its coordinator is not told of, so that nothing ever ends it
 * there: what clients before KIP-890 left behind when a batch came late. The last version of Produce that does not add
 * the partition itself, to a broker with {@code transaction.partition.verification.enable=false}.
 */
final class Hanging {
  private Hanging() {}

  /** One record in partition 0 of {@code topic}, by an epoch 0 of {@code producerId}. */
  static void write(Broker broker, String transactionalId, long producerId, String topic, long timestampMs) throws IOException {
    SimpleRecord record = new SimpleRecord(timestampMs, "key".getBytes(), "hanging".getBytes());
    PartitionProduceData partition = new PartitionProduceData().setIndex(0)
        .setRecords(MemoryRecords.withTransactionalRecords(Compression.NONE, producerId, (short) 0, 0, record));
    ProduceRequestData data = new ProduceRequestData().setTransactionalId(transactionalId).setAcks((short) -1).setTimeoutMs(10_000)
        .setTopicData(new TopicProduceDataCollection(List.of(new TopicProduceData().setName(topic).setPartitionData(List.of(partition))).iterator()));
    RequestHeader header = new RequestHeader(ApiKeys.PRODUCE, ProduceRequest.LAST_STABLE_VERSION_BEFORE_TRANSACTION_V2, "hanging", 1);
    ByteBuffer request = new ProduceRequest(data, header.apiVersion()).serializeWithHeader(header);
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), broker.port())) {
      DataOutputStream out = new DataOutputStream(socket.getOutputStream());
      out.writeInt(request.remaining());
      out.write(request.array(), request.arrayOffset() + request.position(), request.remaining());
      DataInputStream in = new DataInputStream(socket.getInputStream());
      ByteBuffer answer = ByteBuffer.wrap(in.readNBytes(in.readInt()));
      ProduceResponse response = (ProduceResponse) AbstractResponse.parseResponse(answer, header);
      short errorCode = response.data().responses().iterator().next().partitionResponses().get(0).errorCode();
      Errors.forCode(errorCode).maybeThrow();
    }
  }
}
