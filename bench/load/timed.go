package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// What the timed part of a command took.
type timed struct {
	Records          int64   `json:"records"`
	Bytes            int64   `json:"bytes"`
	Seconds          float64 `json:"seconds"`
	RecordsPerSecond float64 `json:"recordsPerSecond"`
	MegabytesPerSec  float64 `json:"megabytesPerSecond"`
	// Of the broker's process; 0 when its id was not given.
	CPUSeconds float64 `json:"cpuSeconds"`
}

type stopwatch struct {
	pid   int
	begin time.Time
	cpu   float64
}

func startWatch(pid int) (stopwatch, error) {
	cpu, err := cpuSeconds(pid)
	return stopwatch{pid, time.Now(), cpu}, err
}

func (w stopwatch) stop(records, bytes int64) (timed, error) {
	seconds := time.Since(w.begin).Seconds()
	cpu, err := cpuSeconds(w.pid)
	return timed{
		Records:          records,
		Bytes:            bytes,
		Seconds:          seconds,
		RecordsPerSecond: float64(records) / seconds,
		MegabytesPerSec:  float64(bytes) / 1e6 / seconds,
		CPUSeconds:       cpu - w.cpu,
	}, err
}

// Linux counts in hundredths of a second for user space, whatever the kernel's own tick is.
const ticksPerSecond = 100

// User and system time of the process and its threads so far.
func cpuSeconds(pid int) (float64, error) {
	if pid == 0 {
		return 0, nil
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name in parentheses may hold anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+2:])
	user, err := strconv.ParseFloat(string(fields[11]), 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(string(fields[12]), 64)
	return (user + system) / ticksPerSecond, err
}
