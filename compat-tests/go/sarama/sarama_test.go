package sarama

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"sluice.test/compat/round"
)

var bootstrap string

func TestMain(m *testing.M) { round.Main(m, "go-sarama", &bootstrap) }

func TestDefaultVersion(t *testing.T) {
	run(t, sarama.NewConfig().Version, "", round.Features{Codecs: []string{"none", "gzip", "snappy", "lz4", "zstd"}})
}

// With 0.10.2 it writes message format 1 and speaks versions that Kafka 4 dropped.
func TestOldVersion(t *testing.T) {
	run(t, sarama.V0_10_2_0, "old-", round.Features{Codecs: []string{"none", "gzip", "snappy", "lz4"}, NoHeaders: true})
}

func run(t *testing.T, version sarama.KafkaVersion, prefix string, features round.Features) {
	s := client{version: version, prefix: prefix, hasHeaders: !features.NoHeaders}
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, s.config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	s.admin = admin
	round.Run(t, s, features)
}

var codecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

// client gives every topic and group a prefix of its own: both versions share a broker.
type client struct {
	version    sarama.KafkaVersion
	prefix     string
	hasHeaders bool
	admin      sarama.ClusterAdmin
}

func (c client) config() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = c.version
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Return.Successes = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Group.Heartbeat.Interval = 100 * time.Millisecond
	config.Consumer.Return.Errors = true
	return config
}

func (c client) CreateTopic(_ context.Context, topic string, partitions int) error {
	return c.admin.CreateTopic(c.prefix+topic,
		&sarama.TopicDetail{NumPartitions: int32(partitions), ReplicationFactor: 1}, false)
}

func (c client) Produce(_ context.Context, topic, codec string, acks int, records []round.Record) error {
	config := c.config()
	config.Producer.Compression = codecs[codec]
	config.Producer.RequiredAcks = sarama.RequiredAcks(acks)
	producer, err := sarama.NewSyncProducer([]string{bootstrap}, config)
	if err != nil {
		return err
	}
	messages := make([]*sarama.ProducerMessage, len(records))
	for n, r := range records {
		message := &sarama.ProducerMessage{
			Topic: c.prefix + topic, Partition: r.Partition, Key: sarama.ByteEncoder(r.Key),
			Timestamp: time.UnixMilli(r.TimestampMs),
		}
		if r.Value != nil {
			message.Value = sarama.ByteEncoder(r.Value)
		}
		if c.hasHeaders {
			message.Headers = []sarama.RecordHeader{{Key: []byte("n"), Value: []byte(r.Header)}}
		}
		messages[n] = message
	}
	return errors.Join(producer.SendMessages(messages), producer.Close())
}

func (c client) Read(ctx context.Context, topic string, partition int32, offset int64, count int) ([]round.Record, error) {
	consumer, err := sarama.NewConsumer([]string{bootstrap}, c.config())
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	reader, err := consumer.ConsumePartition(c.prefix+topic, partition, offset)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var records []round.Record
	for len(records) < count {
		select {
		case message := <-reader.Messages():
			records = append(records, seen(message))
		case err := <-reader.Errors():
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return records, nil
}

func seen(message *sarama.ConsumerMessage) round.Record {
	record := round.Record{
		Partition: message.Partition, Offset: message.Offset, Key: message.Key, Value: message.Value,
		TimestampMs: message.Timestamp.UnixMilli(),
	}
	for _, header := range message.Headers {
		record.Header = string(header.Value)
	}
	return record
}

func (c client) OffsetForTime(_ context.Context, topic string, partition int32, timestampMs int64) (int64, error) {
	client, err := sarama.NewClient([]string{bootstrap}, c.config())
	if err != nil {
		return 0, err
	}
	defer client.Close()
	return client.GetOffset(c.prefix+topic, partition, timestampMs)
}

type member struct {
	group    sarama.ConsumerGroup
	onRecord func(round.Record)
	stop     context.CancelFunc
	stopped  chan struct{}
	failure  error

	lock     sync.Mutex
	assigned []int32
}

func (c client) Join(ctx context.Context, group, topic string, read func(round.Record)) (round.Member, error) {
	joined, err := sarama.NewConsumerGroup([]string{bootstrap}, c.prefix+group, c.config())
	if err != nil {
		return nil, err
	}
	m := &member{group: joined, onRecord: read, stopped: make(chan struct{})}
	ctx, m.stop = context.WithCancel(ctx)
	go func() {
		defer close(m.stopped)
		for ctx.Err() == nil {
			if err := joined.Consume(ctx, []string{c.prefix + topic}, m); err != nil && ctx.Err() == nil {
				m.failure = err
				return
			}
		}
	}()
	return m, nil
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	for _, partitions := range session.Claims() {
		m.assigned = partitions
	}
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.assigned = nil
	return nil
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			m.onRecord(seen(message))
			session.MarkMessage(message, "")
		case <-session.Context().Done():
			return nil
		}
	}
}

func (m *member) Assigned() []int32 {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.assigned
}

func (m *member) Leave() error {
	m.stop()
	<-m.stopped
	return errors.Join(m.failure, m.group.Close())
}

func (c client) Committed(_ context.Context, group, topic string, partitions int) (map[int32]int64, error) {
	asked := make([]int32, partitions)
	for partition := range asked {
		asked[partition] = int32(partition)
	}
	offsets, err := c.admin.ListConsumerGroupOffsets(c.prefix+group, map[string][]int32{c.prefix + topic: asked})
	if err != nil {
		return nil, err
	}
	committed := map[int32]int64{}
	for partition, block := range offsets.Blocks[c.prefix+topic] {
		committed[partition] = block.Offset
	}
	return committed, nil
}

// Partitions looks among all topics: who asks old brokers for a missing one by its name has it created.
func (c client) Partitions(_ context.Context, topic string) (int, error) {
	client, err := sarama.NewClient([]string{bootstrap}, c.config())
	if err != nil {
		return 0, err
	}
	defer client.Close()
	topics, err := client.Topics()
	if err != nil || !slices.Contains(topics, c.prefix+topic) {
		return 0, err
	}
	partitions, err := client.Partitions(c.prefix + topic)
	return len(partitions), err
}

func (c client) DeleteTopic(_ context.Context, topic string) error {
	return c.admin.DeleteTopic(c.prefix + topic)
}
