package main

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A value's place is known to one part in 128, as in an HDR histogram: below 128 each microsecond has a bucket of its own,
// above it every power of two has 64.
const (
	exactBits  = 7
	stepBits   = exactBits - 1
	maxOctaves = 40
)

// histogram counts durations in microseconds; any number of goroutines may add to it.
type histogram struct {
	buckets [1<<exactBits + maxOctaves<<stepBits]atomic.Int64
	count   atomic.Int64
	max     atomic.Int64
}

func bucketOf(micros int64) int {
	if micros < 1<<exactBits {
		return int(max(micros, 0))
	}
	octave := bits.Len64(uint64(micros)) - exactBits
	return 1<<exactBits + (octave-1)<<stepBits + int(micros>>octave) - 1<<stepBits
}

// The highest value that has this bucket.
func highestIn(bucket int) int64 {
	if bucket < 1<<exactBits {
		return int64(bucket)
	}
	octave := (bucket-1<<exactBits)>>stepBits + 1
	step := int64((bucket-1<<exactBits)&(1<<stepBits-1) + 1<<stepBits)
	return (step+1)<<octave - 1
}

func (h *histogram) add(duration time.Duration) {
	micros := duration.Microseconds()
	h.buckets[min(bucketOf(micros), len(h.buckets)-1)].Add(1)
	h.count.Add(1)
	for {
		highest := h.max.Load()
		if micros <= highest || h.max.CompareAndSwap(highest, micros) {
			return
		}
	}
}

// The lowest bucket's highest value that at least this share of all values does not exceed, in milliseconds.
func (h *histogram) percentile(share float64) float64 {
	wanted := share * float64(h.count.Load())
	seen := int64(0)
	for bucket := range h.buckets {
		seen += h.buckets[bucket].Load()
		if seen > 0 && float64(seen) >= wanted {
			return float64(min(highestIn(bucket), h.max.Load())) / 1000
		}
	}
	return 0
}

// Milliseconds.
type percentiles struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

func (h *histogram) percentiles() percentiles {
	return percentiles{h.percentile(0.5), h.percentile(0.99), h.percentile(0.999), float64(h.max.Load()) / 1000}
}
