package main

import (
	"context"
	"flag"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type transactionsResult struct {
	timed
	Transactions          int64       `json:"transactions"`
	TransactionsPerSecond float64     `json:"transactionsPerSecond"`
	Commit                percentiles `json:"commit"`
}

func declareTransactions(flags *flag.FlagSet) func(context.Context, common) (any, error) {
	topic := flags.String("topic", "load", "an existing topic")
	producers := flags.Int("producers", 4, "each with a transactional id of its own")
	records := flags.Int("records", 100, "of a transaction")
	size := flags.Int("size", 1000, "bytes of a value")
	seconds := flags.Float64("seconds", 10, "after which no new transaction begins")
	return func(ctx context.Context, common common) (any, error) {
		return transactions(ctx, common, *topic, *producers, *records, *size, *seconds)
	}
}

func transactions(ctx context.Context, common common, topic string, producers, records, size int, seconds float64) (any, error) {
	clients := make([]*kgo.Client, producers)
	for i := range clients {
		client, err := common.client(kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0),
			kgo.TransactionalID(fmt.Sprintf("%s-%d", topic, i)), kgo.ProducerBatchCompression(kgo.NoCompression()))
		if err != nil {
			return nil, err
		}
		defer client.Close()
		clients[i] = client
	}
	var commit histogram
	one := func(client *kgo.Client, values *payloads, commit *histogram) error {
		if err := client.BeginTransaction(); err != nil {
			return err
		}
		var failure atomic.Pointer[error]
		for range records {
			client.Produce(ctx, &kgo.Record{Value: values.take()}, func(_ *kgo.Record, err error) {
				if err != nil {
					failure.CompareAndSwap(nil, &err)
				}
			})
		}
		if err := finished(ctx, client, &failure); err != nil {
			return err
		}
		begin := time.Now()
		if err := client.EndTransaction(ctx, kgo.TryCommit); err != nil {
			return err
		}
		commit.add(time.Since(begin))
		return nil
	}
	// The first makes ids and coordinators known.
	err := together(producers, func(i int) error { return one(clients[i], newPayloads(size), &histogram{}) })
	if err != nil {
		return nil, err
	}
	watch, err := startWatch(common.pid)
	if err != nil {
		return nil, err
	}
	var done atomic.Int64
	err = together(producers, func(i int) error {
		values := newPayloads(size)
		for time.Since(watch.begin).Seconds() < seconds {
			if err := one(clients[i], values, &commit); err != nil {
				return err
			}
			done.Add(1)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sent := done.Load() * int64(records)
	time, err := watch.stop(sent, sent*int64(size))
	return transactionsResult{time, done.Load(), float64(done.Load()) / time.Seconds, commit.percentiles()}, err
}
