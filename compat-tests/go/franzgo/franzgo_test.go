package franzgo

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"sluice.test/compat/round"
)

var bootstrap string

func TestMain(m *testing.M) {
	// Members of the new protocol hear of a rebalance with their next heartbeat.
	round.Main(m, "go-franz", &bootstrap,
		"group.consumer.min.heartbeat.interval.ms=100", "group.consumer.heartbeat.interval.ms=100")
}

func TestClassicProtocol(t *testing.T) { run(t, "classic-") }

func TestConsumerProtocol(t *testing.T) { run(t, "consumer-", kgo.ServerSideBalancer()) }

func run(t *testing.T, prefix string, groupOptions ...kgo.Opt) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	round.Run(t, franz{kadm.NewClient(client), prefix, groupOptions}, round.Features{Codecs: []string{"none", "gzip", "snappy", "lz4", "zstd"}})
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

// franz gives every topic and group a prefix of its own: both protocols share a broker.
type franz struct {
	admin        *kadm.Client
	prefix       string
	groupOptions []kgo.Opt
}

func (f franz) CreateTopic(ctx context.Context, topic string, partitions int) error {
	_, err := f.admin.CreateTopic(ctx, int32(partitions), -1, nil, f.prefix+topic)
	return err
}

func (f franz) Produce(ctx context.Context, topic, codec string, acks int, records []round.Record) error {
	options := []kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codecs[codec]),
	}
	switch acks {
	case 0:
		options = append(options, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	case 1:
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	batch := make([]*kgo.Record, len(records))
	for n, r := range records {
		batch[n] = &kgo.Record{
			Topic: f.prefix + topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Timestamp: time.UnixMilli(r.TimestampMs),
			Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(r.Header)}},
		}
	}
	return client.ProduceSync(ctx, batch...).FirstErr()
}

func (f franz) Read(ctx context.Context, topic string, partition int32, offset int64, count int) ([]round.Record, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumePartitions(
		map[string]map[int32]kgo.Offset{f.prefix + topic: {partition: kgo.NewOffset().At(offset)}}))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var records []round.Record
	for len(records) < count {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) { records = append(records, seen(r)) })
	}
	return records, nil
}

func seen(r *kgo.Record) round.Record {
	record := round.Record{
		Partition: r.Partition, Offset: r.Offset, Key: r.Key, Value: r.Value, TimestampMs: r.Timestamp.UnixMilli(),
	}
	for _, header := range r.Headers {
		record.Header = string(header.Value)
	}
	return record
}

func (f franz) OffsetForTime(ctx context.Context, topic string, partition int32, timestampMs int64) (int64, error) {
	offsets, err := f.admin.ListOffsetsAfterMilli(ctx, timestampMs, f.prefix+topic)
	if err != nil {
		return 0, err
	}
	offset, found := offsets.Lookup(f.prefix+topic, partition)
	if !found {
		return 0, fmt.Errorf("no offset for %s-%d", topic, partition)
	}
	return offset.Offset, offset.Err
}

type member struct {
	client   *kgo.Client
	lock     sync.Mutex
	assigned map[int32]bool
	failure  error
	stop     context.CancelFunc
	stopped  chan struct{}
}

func (f franz) Join(ctx context.Context, group, topic string, read func(round.Record)) (round.Member, error) {
	m := &member{assigned: map[int32]bool{}, stopped: make(chan struct{})}
	change := func(owned bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
			m.lock.Lock()
			defer m.lock.Unlock()
			for _, partition := range partitions[f.prefix+topic] {
				if owned {
					m.assigned[partition] = true
				} else {
					delete(m.assigned, partition)
				}
			}
		}
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(f.prefix + group), kgo.ConsumeTopics(f.prefix + topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.HeartbeatInterval(100 * time.Millisecond),
		kgo.OnPartitionsAssigned(change(true)), kgo.OnPartitionsRevoked(change(false)),
		kgo.OnPartitionsLost(change(false)), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
	}, f.groupOptions...)...)
	if err != nil {
		return nil, err
	}
	m.client = client
	ctx, m.stop = context.WithCancel(ctx)
	go m.read(ctx, read)
	return m, nil
}

func (m *member) read(ctx context.Context, read func(round.Record)) {
	defer close(m.stopped)
	for ctx.Err() == nil {
		fetches := m.client.PollFetches(ctx)
		if ctx.Err() == nil {
			if m.failure = fetches.Err(); m.failure != nil {
				return
			}
		}
		fetches.EachRecord(func(r *kgo.Record) { read(seen(r)) })
		if m.failure = m.client.CommitUncommittedOffsets(context.Background()); m.failure != nil {
			return
		}
		m.client.AllowRebalance()
	}
}

func (m *member) Assigned() []int32 {
	m.lock.Lock()
	defer m.lock.Unlock()
	var assigned []int32
	for partition := range m.assigned {
		assigned = append(assigned, partition)
	}
	return assigned
}

func (m *member) Leave() error {
	m.stop()
	<-m.stopped
	m.client.CloseAllowingRebalance()
	return m.failure
}

func (f franz) Committed(ctx context.Context, group, topic string, partitions int) (map[int32]int64, error) {
	offsets, err := f.admin.FetchOffsets(ctx, f.prefix+group)
	if err != nil {
		return nil, err
	}
	committed := map[int32]int64{}
	for partition, offset := range offsets[f.prefix+topic] {
		committed[partition] = offset.At
	}
	return committed, nil
}

func (f franz) Partitions(ctx context.Context, topic string) (int, error) {
	topics, err := f.admin.ListTopics(ctx, f.prefix+topic)
	if err != nil {
		return 0, err
	}
	return len(topics[f.prefix+topic].Partitions), nil
}

func (f franz) DeleteTopic(ctx context.Context, topic string) error {
	_, err := f.admin.DeleteTopic(ctx, f.prefix+topic)
	return err
}
