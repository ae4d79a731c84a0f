package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func declareConnections(flags *flag.FlagSet) func(context.Context, common) (any, error) {
	count := flags.Int("count", 5000, "how many")
	return func(ctx context.Context, common common) (any, error) {
		versions := kmsg.NewPtrApiVersionsRequest()
		versions.Version = 0
		of := request(versions)
		for i := range *count {
			connection, err := dial(ctx, common)
			if err == nil {
				defer connection.Close()
				_, err = connection.send(of)
			}
			if err != nil {
				return nil, fmt.Errorf("connection %d: %w", i, err)
			}
		}
		// Whoever reads this line looks at the broker and then closes our input.
		fmt.Println(`{"ready":true}`)
		ended := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, os.Stdin)
			ended <- err
		}()
		select {
		case err := <-ended:
			return map[string]int{"connections": *count}, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
