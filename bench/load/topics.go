package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// NAME for one topic, NAME-0, NAME-1 … for several.
func topicNames(name string, count int) []string {
	if count == 1 {
		return []string{name}
	}
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d", name, i)
	}
	return names
}

func declareTopics(flags *flag.FlagSet) func(context.Context, common) (any, error) {
	topic := flags.String("topic", "load", "name, or what names begin with")
	count := flags.Int("count", 1, "how many topics")
	partitions := flags.Int("partitions", 1, "of each")
	config := flags.String("config", "", "key=value,…")
	return func(ctx context.Context, common common) (any, error) {
		client, err := common.client()
		if err != nil {
			return nil, err
		}
		defer client.Close()
		admin := kadm.NewClient(client)
		admin.SetTimeoutMillis(120_000)
		configs := map[string]*string{}
		for pair := range strings.SplitSeq(*config, ",") {
			if key, value, isPair := strings.Cut(pair, "="); isPair {
				configs[key] = &value
			}
		}
		names := topicNames(*topic, *count)
		// One at a time, so that no request makes more than a broker will in one.
		for _, name := range names {
			answers, err := admin.CreateTopics(ctx, int32(*partitions), 1, configs, name)
			if err == nil {
				err = answers.Error()
			}
			if err != nil {
				return nil, err
			}
		}
		for {
			details, err := admin.ListTopics(ctx, names...)
			if err != nil {
				return nil, err
			}
			led := 0
			details.EachPartition(func(partition kadm.PartitionDetail) {
				if partition.Err == nil && partition.Leader >= 0 {
					led++
				}
			})
			if led == *count**partitions {
				return map[string]int{"partitions": led}, nil
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func declareDelete(flags *flag.FlagSet) func(context.Context, common) (any, error) {
	topic := flags.String("topic", "load", "name, or what names begin with")
	count := flags.Int("count", 1, "how many topics")
	return func(ctx context.Context, common common) (any, error) {
		client, err := common.client()
		if err != nil {
			return nil, err
		}
		defer client.Close()
		answers, err := kadm.NewClient(client).DeleteTopics(ctx, topicNames(*topic, *count)...)
		if err == nil {
			err = answers.Error()
		}
		return map[string]int{"topics": *count}, err
	}
}
