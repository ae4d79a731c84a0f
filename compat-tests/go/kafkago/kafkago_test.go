package kafkago

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"sluice.test/compat/round"
)

var bootstrap string

func TestMain(m *testing.M) { round.Main(m, "go-kafkago", &bootstrap) }

func TestRound(t *testing.T) {
	round.Run(t, client{&kafka.Client{Addr: kafka.TCP(bootstrap), Timeout: 10 * time.Second}},
		round.Features{Codecs: []string{"none", "gzip", "snappy", "lz4", "zstd"}})
}

var codecs = map[string]kafka.Compression{
	"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

type client struct{ admin *kafka.Client }

func (c client) CreateTopic(ctx context.Context, topic string, partitions int) error {
	answer, err := c.admin.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}},
	})
	if err != nil {
		return err
	}
	return answer.Errors[topic]
}

func (c client) Produce(ctx context.Context, topic, codec string, acks int, records []round.Record) error {
	writer := &kafka.Writer{
		Addr: kafka.TCP(bootstrap), Topic: topic, RequiredAcks: kafka.RequiredAcks(acks), Compression: codecs[codec],
		BatchTimeout: 5 * time.Millisecond,
		// The partition that the record names, by way of the message's key order: see choose.
		Balancer: kafka.BalancerFunc(choose),
	}
	messages := make([]kafka.Message, len(records))
	for n, r := range records {
		messages[n] = kafka.Message{
			Key: r.Key, Value: r.Value, Time: time.UnixMilli(r.TimestampMs),
			Headers: []kafka.Header{{Key: "n", Value: []byte(r.Header)}}, WriterData: r.Partition,
		}
	}
	return errors.Join(writer.WriteMessages(ctx, messages...), writer.Close())
}

func choose(message kafka.Message, partitions ...int) int {
	return partitions[message.WriterData.(int32)]
}

func (c client) Read(ctx context.Context, topic string, partition int32, offset int64, count int) ([]round.Record, error) {
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{bootstrap}, Topic: topic, Partition: int(partition), MaxWait: 100 * time.Millisecond,
	})
	defer reader.Close()
	if err := reader.SetOffset(offset); err != nil {
		return nil, err
	}
	var records []round.Record
	for len(records) < count {
		message, err := reader.ReadMessage(ctx)
		if err != nil {
			return nil, err
		}
		records = append(records, seen(message))
	}
	return records, nil
}

func seen(message kafka.Message) round.Record {
	record := round.Record{
		Partition: int32(message.Partition), Offset: message.Offset, Key: message.Key, Value: message.Value,
		TimestampMs: message.Time.UnixMilli(),
	}
	for _, header := range message.Headers {
		record.Header = string(header.Value)
	}
	return record
}

func (c client) OffsetForTime(ctx context.Context, topic string, partition int32, timestampMs int64) (int64, error) {
	answer, err := c.admin.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{
			topic: {kafka.TimeOffsetOf(int(partition), time.UnixMilli(timestampMs))},
		},
	})
	if err != nil {
		return 0, err
	}
	found := answer.Topics[topic][0]
	for offset := range found.Offsets {
		return offset, found.Error
	}
	return -1, found.Error
}

// member reads through a ConsumerGroup, which is what tells of assignments; a Reader with a group is built on it.
type member struct {
	group    *kafka.ConsumerGroup
	lock     sync.Mutex
	assigned []int32
	stop     context.CancelFunc
	stopped  chan struct{}
	failure  error
}

func (c client) Join(ctx context.Context, group, topic string, read func(round.Record)) (round.Member, error) {
	joined, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: group, Brokers: []string{bootstrap}, Topics: []string{topic}, StartOffset: kafka.FirstOffset,
		HeartbeatInterval: 100 * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	m := &member{group: joined, stopped: make(chan struct{})}
	ctx, m.stop = context.WithCancel(ctx)
	go func() {
		defer close(m.stopped)
		for {
			generation, err := joined.Next(ctx)
			if ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed) {
				return
			}
			if err != nil {
				m.failure = err
				return
			}
			m.serve(generation, topic, read)
		}
	}()
	return m, nil
}

func (m *member) serve(generation *kafka.Generation, topic string, read func(round.Record)) {
	assignments := generation.Assignments[topic]
	var assigned []int32
	for _, assignment := range assignments {
		assigned = append(assigned, int32(assignment.ID))
		generation.Start(func(ctx context.Context) {
			reader := kafka.NewReader(kafka.ReaderConfig{
				Brokers: []string{bootstrap}, Topic: topic, Partition: assignment.ID, MaxWait: 50 * time.Millisecond,
			})
			defer reader.Close()
			_ = reader.SetOffset(assignment.Offset)
			for {
				message, err := reader.ReadMessage(ctx)
				if err != nil {
					return
				}
				read(seen(message))
				next := map[string]map[int]int64{topic: {assignment.ID: message.Offset + 1}}
				// A generation that ended meanwhile refuses; whoever owns the partition next reads the record again.
				_ = generation.CommitOffsets(next)
			}
		})
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	m.assigned = assigned
}

func (m *member) Assigned() []int32 {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.assigned
}

func (m *member) Leave() error {
	err := m.group.Close()
	m.stop()
	<-m.stopped
	return errors.Join(m.failure, err)
}

func (c client) Committed(ctx context.Context, group, topic string, partitions int) (map[int32]int64, error) {
	asked := make([]int, partitions)
	for partition := range asked {
		asked[partition] = partition
	}
	answer, err := c.admin.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: asked}})
	if err != nil {
		return nil, err
	}
	committed := map[int32]int64{}
	for _, partition := range answer.Topics[topic] {
		committed[int32(partition.Partition)] = partition.CommittedOffset
	}
	return committed, answer.Error
}

func (c client) Partitions(ctx context.Context, topic string) (int, error) {
	answer, err := c.admin.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, err
	}
	if errors.Is(answer.Topics[0].Error, kafka.UnknownTopicOrPartition) {
		return 0, nil
	}
	return len(answer.Topics[0].Partitions), answer.Topics[0].Error
}

func (c client) DeleteTopic(ctx context.Context, topic string) error {
	answer, err := c.admin.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	if err != nil {
		return err
	}
	return answer.Errors[topic]
}
