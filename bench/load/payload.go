package main

import (
	"bytes"
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"strings"
)

// Values of records: the first half of each is random and the other half one letter, so that a codec has work to do and can
// save about half. Large enough a set that no batch holds a value twice.
type payloads struct {
	values [][]byte
	next   int
}

const payloadSetBytes = 4 << 20

func newPayloads(size int) *payloads {
	chance := rand.New(rand.NewPCG(7, uint64(size)))
	filler := []byte(strings.Repeat("x", size-size/2))
	set := &payloads{values: make([][]byte, max(1, min(10_000, payloadSetBytes/max(1, size))))}
	for i := range set.values {
		value := make([]byte, size/2, size)
		for at := range value {
			// No line ends, since files of these go to tools that read lines.
			value[at] = byte('!' + chance.IntN(94))
		}
		set.values[i] = append(value, filler...)
	}
	return set
}

func (p *payloads) take() []byte {
	value := p.values[p.next]
	p.next = (p.next + 1) % len(p.values)
	return value
}

func declarePayloads(flags *flag.FlagSet) func(context.Context, common) (any, error) {
	path := flags.String("file", "", "a new file, one value a line")
	size := flags.Int("size", 1000, "bytes of a value")
	return func(context.Context, common) (any, error) {
		values := newPayloads(*size).values
		return map[string]int{"values": len(values)}, os.WriteFile(*path, bytes.Join(values, []byte("\n")), 0o644)
	}
}
