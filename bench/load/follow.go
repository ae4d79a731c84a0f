package main

import (
	"context"
	"flag"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func declareFollow(flags *flag.FlagSet) func(context.Context, common) (any, error) {
	topic := flags.String("topic", "load", "an empty topic")
	consumers := flags.Int("consumers", 100, "each with connections of its own, of all partitions")
	records := flags.Int64("records", 10_000, "that are produced, and that each consumer gets")
	size := flags.Int("size", 1000, "bytes of a value")
	rate := flags.Int64("rate", 1000, "records produced a second")
	return func(ctx context.Context, common common) (any, error) {
		produce := producing{topic: *topic, records: *records, size: *size, rate: *rate, acks: "all", codec: "none"}
		return follow(ctx, common, produce, *consumers)
	}
}

func follow(ctx context.Context, common common, produce producing, consumers int) (any, error) {
	options, err := produce.options()
	if err != nil {
		return nil, err
	}
	producer, err := common.client(options...)
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	var received, bytes atomic.Int64
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for range consumers {
		client, err := common.client(
			kgo.ConsumeTopics(produce.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		if err != nil {
			return nil, err
		}
		defer client.Close()
		go func() {
			for ctx.Err() == nil {
				fetches := client.PollFetches(ctx)
				if err := fetches.Err(); err != nil {
					stop(err)
					return
				}
				fetches.EachRecord(func(record *kgo.Record) { bytes.Add(int64(len(record.Value))) })
				received.Add(int64(fetches.NumRecords()))
			}
		}()
	}
	until := func(records int64) error {
		for received.Load() < records*int64(consumers) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			time.Sleep(time.Millisecond)
		}
		return nil
	}
	// Everybody is at the end when everybody has the first record.
	if err := producer.ProduceSync(ctx, &kgo.Record{Value: newPayloads(produce.size).take()}).FirstErr(); err != nil {
		return nil, err
	}
	if err := until(1); err != nil {
		return nil, err
	}
	before := bytes.Load()
	watch, err := startWatch(common.pid)
	if err != nil {
		return nil, err
	}
	var latency histogram
	if err := produce.atRate(ctx, producer, produce.records, float64(produce.rate), &latency); err != nil {
		return nil, err
	}
	if err := until(1 + produce.records); err != nil {
		return nil, err
	}
	return watch.stop(produce.records*int64(consumers), bytes.Load()-before)
}
