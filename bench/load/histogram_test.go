package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestEveryValueLiesInItsBucketAndBucketsAreInOrder(t *testing.T) {
	before := -1
	for micros := int64(0); micros < 1<<22; micros++ {
		bucket := bucketOf(micros)
		if bucket != before && bucket != before+1 {
			t.Fatalf("%d is in bucket %d, the one below in %d", micros, bucket, before)
		}
		before = bucket
		highest := highestIn(bucket)
		if highest < micros || float64(highest-micros) > float64(micros)/64 {
			t.Fatalf("%d is in bucket %d, which ends at %d", micros, bucket, highest)
		}
	}
}

func TestPercentilesAreThoseOfTheSortedValuesToTwoPercent(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	var counted histogram
	values := make([]float64, 100_000)
	for i := range values {
		micros := int64(chance.ExpFloat64() * 3000)
		values[i] = float64(micros) / 1000
		counted.add(time.Duration(micros) * time.Microsecond)
	}
	slices.Sort(values)
	for _, share := range []float64{0.01, 0.5, 0.99, 0.999, 1} {
		exact := values[int(share*float64(len(values)))-1]
		if got := counted.percentile(share); got < exact || got > exact*1.02+0.001 {
			t.Errorf("percentile %v is %v, not %v", share, got, exact)
		}
	}
	if max := counted.percentiles().Max; max != values[len(values)-1] {
		t.Errorf("the highest is %v, not %v", max, values[len(values)-1])
	}
}

func TestAnEmptyHistogramHasNoPercentiles(t *testing.T) {
	var empty histogram
	if got := empty.percentiles(); got != (percentiles{}) {
		t.Errorf("%v", got)
	}
}
