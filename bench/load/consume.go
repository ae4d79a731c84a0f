package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func declareConsume(flags *flag.FlagSet) func(context.Context, common) (any, error) {
	topic := flags.String("topic", "load", "an existing topic, read to the end that it has")
	times := flags.Int("times", 1, "how often it is read")
	return func(ctx context.Context, common common) (any, error) { return consume(ctx, common, *topic, *times) }
}

func consume(ctx context.Context, common common, topic string, times int) (any, error) {
	client, err := common.client()
	if err != nil {
		return nil, err
	}
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	client.Close()
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, err
	}
	records := int64(0)
	from := map[int32]kgo.Offset{}
	begin := map[int32]kgo.EpochOffset{}
	ends.Each(func(end kadm.ListedOffset) {
		records += end.Offset
		if end.Offset > 0 {
			from[end.Partition] = kgo.NewOffset().At(0)
			begin[end.Partition] = kgo.EpochOffset{Epoch: -1}
		}
	})
	if client, err = common.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})); err != nil {
		return nil, err
	}
	defer client.Close()
	if err = client.Ping(ctx); err != nil {
		return nil, err
	}
	watch, err := startWatch(common.pid)
	if err != nil {
		return nil, err
	}
	bytes := int64(0)
	for time := range times {
		if time > 0 {
			client.SetOffsets(map[string]map[int32]kgo.EpochOffset{topic: begin})
		}
		for seen := int64(0); seen < records; {
			fetches := client.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				return nil, err
			}
			fetches.EachPartition(func(partition kgo.FetchTopicPartition) {
				for _, record := range partition.Records {
					bytes += int64(len(record.Value))
				}
				seen += int64(len(partition.Records))
			})
			if seen > records {
				return nil, fmt.Errorf("%d records of %d", seen, records)
			}
		}
	}
	return watch.stop(records*int64(times), bytes)
}
