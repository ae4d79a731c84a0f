package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type produceResult struct {
	timed
	Latency percentiles `json:"latency"`
}

type producing struct {
	topic   string
	records int64
	size    int
	acks    string
	codec   string
	clients int
	rate    int64
	linger  time.Duration
	sync    bool
}

func declareProduce(flags *flag.FlagSet) func(context.Context, common) (any, error) {
	var p producing
	flags.StringVar(&p.topic, "topic", "load", "an existing topic")
	flags.Int64Var(&p.records, "records", 100_000, "of all clients")
	flags.IntVar(&p.size, "size", 1000, "bytes of a value")
	flags.StringVar(&p.acks, "acks", "all", "0, 1 or all (then idempotent)")
	flags.StringVar(&p.codec, "codec", "none", "none, gzip, snappy, lz4 or zstd")
	flags.IntVar(&p.clients, "clients", 1, "each with a connection of its own")
	flags.Int64Var(&p.rate, "rate", 0, "records a second of all clients, 0 for all they can")
	flags.DurationVar(&p.linger, "linger", 5*time.Millisecond, "that a batch waits for more; none at a rate")
	flags.BoolVar(&p.sync, "sync", false, "each client has one record under way, alone in its request")
	return func(ctx context.Context, common common) (any, error) { return p.run(ctx, common) }
}

func (p producing) options() ([]kgo.Opt, error) {
	linger := p.linger
	if p.sync || p.rate > 0 {
		linger = 0
	}
	options := []kgo.Opt{
		kgo.DefaultProduceTopic(p.topic),
		kgo.ProducerLinger(linger),
		kgo.MaxBufferedRecords(max(10_000, 64<<20/max(1, p.size))),
		kgo.RecordDeliveryTimeout(2 * time.Minute),
	}
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	codec, isCodec := codecs[p.codec]
	if !isCodec {
		return nil, fmt.Errorf("no codec %q", p.codec)
	}
	options = append(options, kgo.ProducerBatchCompression(codec))
	switch p.acks {
	case "all":
		return options, nil
	case "1":
		return append(options, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite()), nil
	case "0":
		return append(options, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite()), nil
	}
	return nil, fmt.Errorf("no acks %q", p.acks)
}

func (p producing) run(ctx context.Context, common common) (any, error) {
	options, err := p.options()
	if err != nil {
		return nil, err
	}
	clients := make([]*kgo.Client, p.clients)
	for i := range clients {
		if clients[i], err = common.client(options...); err != nil {
			return nil, err
		}
		defer clients[i].Close()
	}
	// Connected, and with a producer id, before the time begins.
	err = together(p.clients, func(i int) error {
		return clients[i].ProduceSync(ctx, &kgo.Record{Value: newPayloads(p.size).take()}).FirstErr()
	})
	if err != nil {
		return nil, err
	}
	var latency histogram
	watch, err := startWatch(common.pid)
	if err != nil {
		return nil, err
	}
	share := p.records / int64(p.clients)
	err = together(p.clients, func(i int) error {
		switch {
		case p.sync:
			return p.oneByOne(ctx, clients[i], share, &latency)
		case p.rate > 0:
			return p.atRate(ctx, clients[i], share, float64(p.rate)/float64(p.clients), &latency)
		default:
			return p.unthrottled(ctx, clients[i], share, &latency)
		}
	})
	if err != nil {
		return nil, err
	}
	sent := share * int64(p.clients)
	time, err := watch.stop(sent, sent*int64(p.size))
	return produceResult{time, latency.percentiles()}, err
}

// Runs them all at once and gives the errors of all.
func together(count int, action func(i int) error) error {
	failed := make([]error, count)
	var group sync.WaitGroup
	for i := range count {
		group.Go(func() { failed[i] = action(i) })
	}
	group.Wait()
	return errors.Join(failed...)
}

func (p producing) oneByOne(ctx context.Context, client *kgo.Client, records int64, latency *histogram) error {
	values := newPayloads(p.size)
	for range records {
		begin := time.Now()
		if err := client.ProduceSync(ctx, &kgo.Record{Value: values.take()}).FirstErr(); err != nil {
			return err
		}
		latency.add(time.Since(begin))
	}
	return nil
}

// Latencies are of one record in a hundred: a clock for each would be a good part of the work at a million a second.
const sampled = 100

func (p producing) unthrottled(ctx context.Context, client *kgo.Client, records int64, latency *histogram) error {
	values := newPayloads(p.size)
	var failure atomic.Pointer[error]
	failed := func(_ *kgo.Record, err error) {
		if err != nil {
			failure.CompareAndSwap(nil, &err)
		}
	}
	for i := range records {
		done := failed
		if i%sampled == 0 {
			begin := time.Now()
			done = func(_ *kgo.Record, err error) {
				latency.add(time.Since(begin))
				failed(nil, err)
			}
		}
		client.Produce(ctx, &kgo.Record{Value: values.take()}, done)
	}
	return finished(ctx, client, &failure)
}

// An open loop: what is due is sent, whether or not the broker has answered what came before.
func (p producing) atRate(ctx context.Context, client *kgo.Client, records int64, perSecond float64, latency *histogram) error {
	values := newPayloads(p.size)
	var failure atomic.Pointer[error]
	begin := time.Now()
	for sent := int64(0); sent < records; {
		due := min(records, int64(time.Since(begin).Seconds()*perSecond)+1)
		for ; sent < due; sent++ {
			at := time.Now()
			client.Produce(ctx, &kgo.Record{Value: values.take()}, func(_ *kgo.Record, err error) {
				latency.add(time.Since(at))
				if err != nil {
					failure.CompareAndSwap(nil, &err)
				}
			})
		}
		time.Sleep(time.Until(begin.Add(time.Duration(float64(sent) / perSecond * float64(time.Second)))))
	}
	return finished(ctx, client, &failure)
}

func finished(ctx context.Context, client *kgo.Client, failure *atomic.Pointer[error]) error {
	if err := client.Flush(ctx); err != nil {
		return err
	}
	if err := failure.Load(); err != nil {
		return *err
	}
	return nil
}
