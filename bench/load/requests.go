package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type requestsResult struct {
	timed
	Latency percentiles `json:"latency"`
}

type requesting struct {
	api         string
	topic       string
	topics      int
	partitions  int
	connections int
	inFlight    int
	requests    int
	size        int
}

func declareRequests(flags *flag.FlagSet) func(context.Context, common) (any, error) {
	var r requesting
	flags.StringVar(&r.api, "api", "produce", "produce (one record, acks=all) or fetch (what partition begins with)")
	flags.StringVar(&r.topic, "topic", "load", "an existing topic, or what the names of several begin with")
	flags.IntVar(&r.topics, "topics", 1, "how many")
	flags.IntVar(&r.partitions, "partitions", 1, "of each, one after the other")
	flags.IntVar(&r.connections, "connections", 1, "that are open, used one after the other")
	flags.IntVar(&r.inFlight, "in-flight", 1, "requests under way at once, each on a connection of its own")
	flags.IntVar(&r.requests, "requests", 20_000, "in all")
	flags.IntVar(&r.size, "size", 100, "bytes of a value")
	return func(ctx context.Context, common common) (any, error) { return r.run(ctx, common) }
}

func (r requesting) run(ctx context.Context, common common) (any, error) {
	frames := r.frames()
	connections := make([]*rawConnection, r.connections)
	for i := range connections {
		connection, err := dial(ctx, common)
		if err != nil {
			return nil, fmt.Errorf("connection %d: %w", i, err)
		}
		defer connection.Close()
		connections[i] = connection
	}
	each := func(count int, exchange func(connection *rawConnection, of frame) error) error {
		return together(r.inFlight, func(worker int) error {
			for i := worker; i < count; i += r.inFlight {
				if err := exchange(connections[i%len(connections)], frames[i%len(frames)]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	// The first round opens what is opened at first use, and waits for the leaders of a broker that has just started.
	if err := each(max(r.requests/10, len(frames), len(connections)), untilLed); err != nil {
		return nil, err
	}
	var latency histogram
	watch, err := startWatch(common.pid)
	if err != nil {
		return nil, err
	}
	err = each(r.requests, func(connection *rawConnection, of frame) error {
		begin := time.Now()
		err := connection.exchange(of)
		latency.add(time.Since(begin))
		return err
	})
	if err != nil {
		return nil, err
	}
	time, err := watch.stop(int64(r.requests), int64(r.requests*r.size))
	return requestsResult{time, latency.percentiles()}, err
}

// A request for each partition, ready to be sent.
func (r requesting) frames() []frame {
	frames := make([]frame, 0, r.topics*r.partitions)
	batch := oneRecord(newPayloads(r.size).take())
	for _, topic := range topicNames(r.topic, r.topics) {
		for partition := range r.partitions {
			if r.api == "fetch" {
				frames = append(frames, fetchFrame(topic, int32(partition)))
			} else {
				frames = append(frames, produceFrame(topic, int32(partition), batch))
			}
		}
	}
	return frames
}

type frame struct {
	bytes []byte
	// Where the error code of the one partition stands in the answer, its length not counted.
	errorCodeAt int
}

func request(of kmsg.Request) []byte {
	bytes := kmsg.NewRequestFormatter(kmsg.FormatterClientID("load")).AppendRequest(nil, of, 1)
	return bytes
}

// Version 8: no flexible fields, so that the answer's error code has a place that is known.
func produceFrame(topic string, partition int32, batch []byte) frame {
	of := kmsg.NewPtrProduceRequest()
	of.Version, of.Acks, of.TimeoutMillis = 8, -1, 30_000
	of.Topics = []kmsg.ProduceRequestTopic{{
		Topic:      topic,
		Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: partition, Records: batch}},
	}}
	return frame{request(of), 4 + 4 + 2 + len(topic) + 4 + 4}
}

// Version 11, without a session: 4 KB at most, answered at once.
func fetchFrame(topic string, partition int32) frame {
	of := kmsg.NewPtrFetchRequest()
	of.Version, of.MaxBytes, of.SessionEpoch = 11, 4096, -1
	wanted := kmsg.NewFetchRequestTopicPartition()
	wanted.Partition, wanted.PartitionMaxBytes = partition, 4096
	of.Topics = []kmsg.FetchRequestTopic{{Topic: topic, Partitions: []kmsg.FetchRequestTopicPartition{wanted}}}
	return frame{request(of), 4 + 4 + 2 + 4 + 4 + 2 + len(topic) + 4 + 4}
}

// A batch of one record without a key.
func oneRecord(value []byte) []byte {
	record := []byte{0, 0, 0, 1}
	record = binary.AppendVarint(record, int64(len(value)))
	record = append(append(record, value...), 0)
	records := append(binary.AppendVarint(nil, int64(len(record))), record...)
	now := time.Now().UnixMilli()
	batch := kmsg.RecordBatch{
		Length: int32(49 + len(records)), PartitionLeaderEpoch: -1, Magic: 2, FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 1, Records: records,
	}
	bytes := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(bytes[17:], crc32.Checksum(bytes[21:], crc32.MakeTable(crc32.Castagnoli)))
	return bytes
}

type rawConnection struct {
	net.Conn
	answer []byte
}

func dial(ctx context.Context, common common) (*rawConnection, error) {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", common.address())
	if err != nil {
		return nil, err
	}
	if deadline, has := ctx.Deadline(); has {
		if err := connection.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	return &rawConnection{connection, make([]byte, 16<<10)}, nil
}

// Sends a request and reads its answer, which is to have no error.
func (c *rawConnection) exchange(of frame) error {
	answer, err := c.send(of.bytes)
	if err != nil {
		return err
	}
	if len(answer) < of.errorCodeAt+2 {
		return fmt.Errorf("an answer of %d bytes", len(answer))
	}
	return kerr.ErrorForCode(int16(binary.BigEndian.Uint16(answer[of.errorCodeAt:])))
}

// The connection's deadline ends it.
func untilLed(connection *rawConnection, of frame) error {
	for {
		err := connection.exchange(of)
		if !kerr.IsRetriable(err) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (c *rawConnection) send(bytes []byte) ([]byte, error) {
	if _, err := c.Write(bytes); err != nil {
		return nil, err
	}
	read := 0
	for length := 4; read < length; {
		n, err := c.Read(c.answer[read:])
		if err != nil {
			return nil, err
		}
		read += n
		if read >= 4 {
			length = 4 + int(binary.BigEndian.Uint32(c.answer))
			if length > len(c.answer) {
				return nil, fmt.Errorf("an answer of %d bytes: %w", length, io.ErrShortBuffer)
			}
		}
	}
	return c.answer[4:read], nil
}
