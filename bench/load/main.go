// Command load puts a Kafka broker under load and prints what came of it as one line of JSON. Every command ends by
// itself: what it does is counted, and a deadline ends it with exit code 1 where the broker doesn't answer.
//
//	load COMMAND -port PORT [-pid PID] …
//
// With the process id of the broker, results hold the CPU seconds that it used in the timed part, without set-up.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What every command is told.
type common struct {
	port    int
	pid     int
	timeout time.Duration
}

func (c common) address() string { return fmt.Sprintf("127.0.0.1:%d", c.port) }

func (c common) client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.address())}, options...)...)
}

type command struct {
	about string
	// Declares the command's flags and gives what runs it.
	declare func(flags *flag.FlagSet) func(ctx context.Context, common common) (any, error)
}

var commands = map[string]command{
	"topics":       {"makes topics and waits for their leaders", declareTopics},
	"delete":       {"deletes topics", declareDelete},
	"produce":      {"produces, as fast as it goes or at a rate", declareProduce},
	"consume":      {"reads a topic from its start, once or again and again", declareConsume},
	"follow":       {"consumers at the end of one topic that is produced to at a rate", declareFollow},
	"e2e":          {"one record at a time from producer to consumer", declareEndToEnd},
	"transactions": {"transactions one after the other, by several producers", declareTransactions},
	"requests":     {"small requests made by hand over any number of connections", declareRequests},
	"connections":  {"opens connections and holds them until standard input ends", declareConnections},
	"payloads":     {"writes the values of records to a file, for other tools", declarePayloads},
	"evict":        {"syncs files and drops them from the page cache", declareEvict},
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run() error {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	chosen, known := commands[name]
	if !known {
		for name, command := range commands {
			fmt.Fprintf(os.Stderr, "  load %-13s %s\n", name, command.about)
		}
		return fmt.Errorf("no command %q", name)
	}
	flags := flag.NewFlagSet(name, flag.ExitOnError)
	var common common
	flags.IntVar(&common.port, "port", 9092, "of the broker on 127.0.0.1")
	flags.IntVar(&common.pid, "pid", 0, "process id of the broker, for its CPU time")
	flags.DurationVar(&common.timeout, "timeout", 5*time.Minute, "after which the command fails")
	execute := chosen.declare(flags)
	if err := flags.Parse(os.Args[2:]); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), common.timeout)
	defer cancel()
	result, err := execute(ctx, common)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}
