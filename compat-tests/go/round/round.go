package round

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// BaseTime is the timestamp of the first record that Truth makes, in milliseconds; each next one is a millisecond later.
const BaseTime = int64(1_700_000_000_000)

const waitLimit = 60 * time.Second

// Record is what a round writes, and what it expects to read. A nil Value is a null.
type Record struct {
	Partition   int32
	Offset      int64
	Key, Value  []byte
	TimestampMs int64
	// Header is the value of the record's header "n", empty where the client writes none.
	Header string
}

// Member is a member of a group that reads and commits until it leaves.
type Member interface {
	// Assigned is the member's present assignment.
	Assigned() []int32
	// Leave commits, leaves the group and returns when that is done.
	Leave() error
}

// Client is a client library under test. Every call fails by its error; records go to the partition they name.
type Client interface {
	CreateTopic(ctx context.Context, topic string, partitions int) error
	// Produce returns when all records are acknowledged, with their offsets filled in where acks is not 0.
	Produce(ctx context.Context, topic, codec string, acks int, records []Record) error
	// Read gives the first count records of one partition from an offset on.
	Read(ctx context.Context, topic string, partition int32, offset int64, count int) ([]Record, error)
	// OffsetForTime is the offset of the first record at or after a time, in milliseconds.
	OffsetForTime(ctx context.Context, topic string, partition int32, timestampMs int64) (int64, error)
	Join(ctx context.Context, group, topic string, read func(Record)) (Member, error)
	Committed(ctx context.Context, group, topic string, partitions int) (map[int32]int64, error)
	// Partitions is the count of partitions of a topic, 0 when there is no such topic.
	Partitions(ctx context.Context, topic string) (int, error)
	DeleteTopic(ctx context.Context, topic string) error
}

// Features says what a client at its configured version can't do.
type Features struct {
	Codecs []string
	// NoHeaders: records have none before message format 2.
	NoHeaders bool
}

// Truth makes count records with keys, timestamps and headers; every seventh has a null value.
func Truth(count int, features Features) []Record {
	records := make([]Record, count)
	for n := range records {
		r := Record{Offset: int64(n), Key: fmt.Appendf(nil, "k%d", n), TimestampMs: BaseTime + int64(n)}
		if n%7 != 3 {
			r.Value = bytes.Repeat(fmt.Appendf(nil, "value %d ", n), 1+n%13)
		}
		if !features.NoHeaders {
			r.Header = fmt.Sprint(n)
		}
		records[n] = r
	}
	return records
}

// Run is the whole round.
func Run(t *testing.T, client Client, features Features) {
	for _, codec := range features.Codecs {
		for _, acks := range []int{0, 1, -1} {
			t.Run(fmt.Sprintf("every record reads back as it was sent, %s acks %d", codec, acks), func(t *testing.T) {
				readsBack(t, client, features, codec, acks)
			})
		}
	}
	t.Run("a time leads to the first record at or after it", func(t *testing.T) { seeksByTime(t, client, features) })
	t.Run("three members share the partitions and lose no record when one leaves", func(t *testing.T) {
		sharesTheWork(t, client, features)
	})
	t.Run("topics come and go", func(t *testing.T) { topicsComeAndGo(t, client) })
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func readsBack(t *testing.T, client Client, features Features, codec string, acks int) {
	ctx := testContext(t)
	topic := fmt.Sprintf("codec-%s-%d", codec, acks)
	must(t, client.CreateTopic(ctx, topic, 1))
	truth := Truth(300, features)
	must(t, client.Produce(ctx, topic, codec, acks, truth))
	records, err := client.Read(ctx, topic, 0, 0, len(truth))
	must(t, err)
	sameRecords(t, truth, records)
}

func sameRecords(t *testing.T, expected, actual []Record) {
	t.Helper()
	if len(actual) != len(expected) {
		t.Fatalf("%d records instead of %d", len(actual), len(expected))
	}
	for n, e := range expected {
		a := actual[n]
		if a.Offset != e.Offset || !bytes.Equal(a.Key, e.Key) || !bytes.Equal(a.Value, e.Value) ||
			(a.Value == nil) != (e.Value == nil) || a.TimestampMs != e.TimestampMs || a.Header != e.Header {
			t.Fatalf("record %d is %+v instead of %+v", n, a, e)
		}
	}
}

func seeksByTime(t *testing.T, client Client, features Features) {
	ctx := testContext(t)
	must(t, client.CreateTopic(ctx, "times", 1))
	truth := Truth(100, features)
	must(t, client.Produce(ctx, "times", "none", -1, truth))
	offset, err := client.OffsetForTime(ctx, "times", 0, BaseTime+57)
	must(t, err)
	if offset != 57 {
		t.Fatalf("offset %d instead of 57", offset)
	}
	records, err := client.Read(ctx, "times", 0, offset, 43)
	must(t, err)
	sameRecords(t, truth[57:], records)
}

func sharesTheWork(t *testing.T, client Client, features Features) {
	const partitions, rounds, perRound = 6, 4, 120
	ctx := testContext(t)
	must(t, client.CreateTopic(ctx, "work", partitions))

	var lock sync.Mutex
	seen := map[string]int{}
	join := func() Member {
		member, err := client.Join(ctx, "workers", "work", func(r Record) {
			lock.Lock()
			defer lock.Unlock()
			seen[string(r.Key)]++
		})
		must(t, err)
		return member
	}
	sent := 0
	produce := func() {
		records := Truth(perRound, features)
		for n := range records {
			records[n].Key = fmt.Appendf(nil, "job %d", sent)
			records[n].Partition = int32(sent % partitions)
			sent++
		}
		must(t, client.Produce(ctx, "work", "none", -1, records))
	}
	allRead := func() bool {
		lock.Lock()
		defer lock.Unlock()
		return len(seen) == sent
	}

	produce()
	first := join()
	eventually(t, "the only member has every partition", func() bool { return len(first.Assigned()) == partitions })
	eventually(t, "the only member reads everything", allRead)
	second, third := join(), join()
	evenly := func() bool {
		owners := map[int32]int{}
		for _, member := range []Member{first, second, third} {
			assigned := member.Assigned()
			if len(assigned) != partitions/3 {
				return false
			}
			for _, partition := range assigned {
				owners[partition]++
			}
		}
		return len(owners) == partitions
	}
	eventually(t, "three members have two partitions each", evenly)
	produce()
	eventually(t, "three members read everything", allRead)
	must(t, second.Leave())
	produce()
	eventually(t, "two members share what the third gave up", func() bool {
		return len(first.Assigned()) == partitions/2 && len(third.Assigned()) == partitions/2
	})
	produce()
	eventually(t, "two members read everything", allRead)
	must(t, first.Leave())
	must(t, third.Leave())

	committed, err := client.Committed(ctx, "workers", "work", partitions)
	must(t, err)
	for partition := range int32(partitions) {
		if committed[partition] != rounds*perRound/partitions {
			t.Errorf("partition %d is committed at %d instead of %d", partition, committed[partition], rounds*perRound/partitions)
		}
	}
}

func topicsComeAndGo(t *testing.T, client Client) {
	ctx := testContext(t)
	must(t, client.CreateTopic(ctx, "brief", 5))
	has := func(count int) func() bool {
		return func() bool {
			partitions, err := client.Partitions(ctx, "brief")
			must(t, err)
			return partitions == count
		}
	}
	eventually(t, "the topic has its partitions", has(5))
	must(t, client.DeleteTopic(ctx, "brief"))
	eventually(t, "the topic is gone", has(0))
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > waitLimit {
			t.Fatalf("not within %v: %s", waitLimit, what)
		}
	}
}
