package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func declareEndToEnd(flags *flag.FlagSet) func(context.Context, common) (any, error) {
	topic := flags.String("topic", "load", "an empty topic of one partition")
	records := flags.Int("records", 5000, "one after the other")
	size := flags.Int("size", 100, "bytes of a value")
	return func(ctx context.Context, common common) (any, error) {
		return endToEnd(ctx, common, *topic, *records, *size)
	}
}

// As Kafka's EndToEndLatency: a record is produced with acks=all and waited for at a consumer, then comes the next.
func endToEnd(ctx context.Context, common common, topic string, records, size int) (any, error) {
	producer, err := common.client(kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	consumer, err := common.client(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	values := newPayloads(size)
	one := func() error {
		if err := producer.ProduceSync(ctx, &kgo.Record{Value: values.take()}).FirstErr(); err != nil {
			return err
		}
		fetches := consumer.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		if fetches.NumRecords() != 1 {
			return fmt.Errorf("%d records for one", fetches.NumRecords())
		}
		return nil
	}
	for range 50 {
		if err := one(); err != nil {
			return nil, err
		}
	}
	var latency histogram
	watch, err := startWatch(common.pid)
	if err != nil {
		return nil, err
	}
	for range records {
		begin := time.Now()
		if err := one(); err != nil {
			return nil, err
		}
		latency.add(time.Since(begin))
	}
	time, err := watch.stop(int64(records), int64(records*size))
	return produceResult{time, latency.percentiles()}, err
}
