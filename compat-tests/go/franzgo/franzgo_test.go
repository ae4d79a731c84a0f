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

func TestMain(m *testing.M) { round.Main(m, "go-franz", &bootstrap) }

func TestRound(t *testing.T) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	round.Run(t, franz{kadm.NewClient(client)}, round.Features{Codecs: []string{"none", "gzip", "snappy", "lz4", "zstd"}})
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

type franz struct{ admin *kadm.Client }

func (f franz) CreateTopic(ctx context.Context, topic string, partitions int) error {
	_, err := f.admin.CreateTopic(ctx, int32(partitions), -1, nil, topic)
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
			Topic: topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Timestamp: time.UnixMilli(r.TimestampMs),
			Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(r.Header)}},
		}
	}
	return client.ProduceSync(ctx, batch...).FirstErr()
}

func (f franz) Read(ctx context.Context, topic string, partition int32, offset int64, count int) ([]round.Record, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumePartitions(
		map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(offset)}}))
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
	offsets, err := f.admin.ListOffsetsAfterMilli(ctx, timestampMs, topic)
	if err != nil {
		return 0, err
	}
	offset, found := offsets.Lookup(topic, partition)
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
			for _, partition := range partitions[topic] {
				if owned {
					m.assigned[partition] = true
				} else {
					delete(m.assigned, partition)
				}
			}
		}
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.HeartbeatInterval(100*time.Millisecond),
		kgo.OnPartitionsAssigned(change(true)), kgo.OnPartitionsRevoked(change(false)),
		kgo.OnPartitionsLost(change(false)), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
	)
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
	offsets, err := f.admin.FetchOffsets(ctx, group)
	if err != nil {
		return nil, err
	}
	committed := map[int32]int64{}
	for partition, offset := range offsets[topic] {
		committed[partition] = offset.At
	}
	return committed, nil
}

func (f franz) Partitions(ctx context.Context, topic string) (int, error) {
	topics, err := f.admin.ListTopics(ctx, topic)
	if err != nil {
		return 0, err
	}
	return len(topics[topic].Partitions), nil
}

func (f franz) DeleteTopic(ctx context.Context, topic string) error {
	_, err := f.admin.DeleteTopic(ctx, topic)
	return err
}
