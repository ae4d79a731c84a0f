package franzgo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// admin is a client with no topic of its own, closed with the test.
func admin(t *testing.T) *kadm.Client {
	t.Helper()
	return kadm.NewClient(connect(t))
}

func connect(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(bootstrap))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseAllowingRebalance)
	return client
}

func transactional(t *testing.T, id string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	return connect(t, append(options, kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))...)
}

func newTopic(ctx context.Context, t *testing.T, topic string, partitions int32) {
	t.Helper()
	if _, err := admin(t).CreateTopic(ctx, partitions, -1, nil, topic); err != nil {
		t.Fatal(err)
	}
}

func values(records []*kgo.Record) []string {
	var values []string
	for _, record := range records {
		values = append(values, string(record.Value))
	}
	slices.Sort(values)
	return values
}

// readTo reads a topic up to the last stable offset, or the high watermark, of the moment.
func readTo(ctx context.Context, t *testing.T, topic string, level kgo.IsolationLevel, ends kadm.ListedOffsets) []string {
	t.Helper()
	client := connect(t, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(level), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	var all []*kgo.Record
	next := map[int32]int64{}
	for {
		atEnd := true
		ends.Each(func(end kadm.ListedOffset) {
			atEnd = atEnd && (next[end.Partition] >= end.Offset || end.Offset == 0)
		})
		if atEnd {
			return values(all)
		}
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%v: read %v up to %v of %v", err, values(all), next, ends)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			next[record.Partition] = record.Offset + 1
			if !record.Attrs.IsControl() {
				all = append(all, record)
			}
		})
	}
}

func readCommitted(ctx context.Context, t *testing.T, topic string) []string {
	t.Helper()
	ends, err := admin(t).ListCommittedOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	return readTo(ctx, t, topic, kgo.ReadCommitted(), ends)
}

func readUncommitted(ctx context.Context, t *testing.T, topic string) []string {
	t.Helper()
	ends, err := admin(t).ListEndOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	return readTo(ctx, t, topic, kgo.ReadUncommitted(), ends)
}

func produce(ctx context.Context, client *kgo.Client, topic string, values ...string) error {
	var records []*kgo.Record
	for _, value := range values {
		records = append(records, &kgo.Record{Topic: topic, Value: []byte(value)})
	}
	return client.ProduceSync(ctx, records...).FirstErr()
}

func begin(t *testing.T, client *kgo.Client) {
	t.Helper()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, expected, found []string) {
	t.Helper()
	if !slices.Equal(expected, found) {
		t.Fatalf("%s: expected %v, found %v", what, expected, found)
	}
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestWhatIsCommittedIsReadWhatIsAbortedIsNot(t *testing.T) {
	ctx := limited(t)
	newTopic(ctx, t, "txn-ends", 3)
	client := transactional(t, "txn-ends")
	for _, step := range []struct {
		prefix string
		commit kgo.TransactionEndTry
	}{{"a", kgo.TryCommit}, {"b", kgo.TryAbort}, {"c", kgo.TryCommit}} {
		begin(t, client)
		check(t, produce(ctx, client, "txn-ends", step.prefix+"0", step.prefix+"1", step.prefix+"2"))
		check(t, client.EndTransaction(ctx, step.commit))
	}
	committed := []string{"a0", "a1", "a2", "c0", "c1", "c2"}
	same(t, "committed", committed, readCommitted(ctx, t, "txn-ends"))
	same(t, "all", []string{"a0", "a1", "a2", "b0", "b1", "b2", "c0", "c1", "c2"}, readUncommitted(ctx, t, "txn-ends"))
}

func TestAnOpenTransactionHoldsBackWhatIsBehindIt(t *testing.T) {
	ctx := limited(t)
	newTopic(ctx, t, "txn-open", 1)
	client := transactional(t, "txn-open")
	begin(t, client)
	check(t, produce(ctx, client, "txn-open", "open"))
	check(t, produce(ctx, connect(t), "txn-open", "plain"))
	same(t, "committed while it is open", nil, readCommitted(ctx, t, "txn-open"))
	same(t, "all while it is open", []string{"open", "plain"}, readUncommitted(ctx, t, "txn-open"))
	check(t, client.EndTransaction(ctx, kgo.TryCommit))
	same(t, "committed afterwards", []string{"open", "plain"}, readCommitted(ctx, t, "txn-open"))
}

func TestASecondProducerOfTheSameIdFencesTheFirst(t *testing.T) {
	ctx := limited(t)
	newTopic(ctx, t, "txn-fenced", 1)
	first, second := transactional(t, "txn-fenced"), transactional(t, "txn-fenced")
	begin(t, first)
	check(t, produce(ctx, first, "txn-fenced", "lost"))
	begin(t, second)
	check(t, produce(ctx, second, "txn-fenced", "kept"))
	err := produce(ctx, first, "txn-fenced", "late")
	if !errors.Is(err, kerr.InvalidProducerEpoch) && !errors.Is(err, kerr.ProducerFenced) {
		t.Fatalf("the first was not fenced: %v", err)
	}
	if err := first.EndTransaction(ctx, kgo.TryCommit); err == nil {
		t.Fatal("the first committed")
	}
	check(t, second.EndTransaction(ctx, kgo.TryCommit))
	same(t, "committed", []string{"kept"}, readCommitted(ctx, t, "txn-fenced"))
}

func TestATransactionLongerThanItsTimeoutIsAborted(t *testing.T) {
	ctx := limited(t)
	newTopic(ctx, t, "txn-late", 1)
	client := transactional(t, "txn-late", kgo.TransactionTimeout(time.Second))
	begin(t, client)
	check(t, produce(ctx, client, "txn-late", "late"))
	for state := ""; state != "CompleteAbort"; time.Sleep(50 * time.Millisecond) {
		described, err := admin(t).DescribeTransactions(ctx, "txn-late")
		check(t, err)
		state = described["txn-late"].State
	}
	if err := client.EndTransaction(ctx, kgo.TryCommit); err == nil {
		t.Fatal("it was committed after its timeout")
	}
	same(t, "committed", nil, readCommitted(ctx, t, "txn-late"))
	next := transactional(t, "txn-late")
	begin(t, next)
	check(t, produce(ctx, next, "txn-late", "in time"))
	check(t, next.EndTransaction(ctx, kgo.TryCommit))
	same(t, "committed by the next", []string{"in time"}, readCommitted(ctx, t, "txn-late"))
}

// Two group members that leave and come back consume, transform and produce; every third transaction is aborted.
func TestEveryRecordIsTransformedOnce(t *testing.T) {
	ctx := limited(t)
	newTopic(ctx, t, "txn-source", 4)
	newTopic(ctx, t, "txn-target", 4)
	var input []string
	for n := range 200 {
		input = append(input, fmt.Sprintf("%03d", n))
	}
	check(t, produce(ctx, connect(t, kgo.RecordPartitioner(kgo.RoundRobinPartitioner())), "txn-source", input...))
	done := 0
	for life := 0; done < len(input); life++ {
		session, err := kgo.NewGroupTransactSession(
			kgo.SeedBrokers(bootstrap), kgo.TransactionalID(fmt.Sprintf("txn-transform-%d", life%2)),
			kgo.ConsumerGroup("txn-transformers"), kgo.ConsumeTopics("txn-source"), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RequireStableFetchOffsets(),
			kgo.FetchMaxWait(100*time.Millisecond), kgo.HeartbeatInterval(100*time.Millisecond))
		check(t, err)
		for round := 0; round < 6 && done < len(input); round++ {
			fetches := session.PollRecords(ctx, 17)
			check(t, fetches.Err())
			check(t, session.Begin())
			fetches.EachRecord(func(record *kgo.Record) {
				session.Produce(ctx, &kgo.Record{Topic: "txn-target", Value: record.Value}, nil)
			})
			check(t, session.Client().Flush(ctx))
			committed, err := session.End(ctx, kgo.TransactionEndTry(round%3 != 2))
			check(t, err)
			if committed {
				done += fetches.NumRecords()
			}
		}
		session.Close()
	}
	same(t, "transformed", input, readCommitted(ctx, t, "txn-target"))
	offsets, err := admin(t).FetchOffsets(ctx, "txn-transformers")
	check(t, err)
	sum := int64(0)
	offsets.Each(func(offset kadm.OffsetResponse) { sum += offset.At })
	if sum != int64(len(input)) {
		t.Fatalf("the offsets add up to %d", sum)
	}
}
