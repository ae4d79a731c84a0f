// Package round is the usual round of a Kafka client against the broker under test: what every client has to be able
// to do, written once; a client takes part by the few calls of Client.
package round

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

const startLimit = 60 * time.Second

// Main runs the tests of a package against a broker of its own, as compat-tests/start-broker starts it, whose data
// directory stays behind for the check of all files that the suites leave. Settings are key=value.
func Main(m *testing.M, name string, bootstrap *string, settings ...string) {
	process, address, err := start(name, settings)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	*bootstrap = address
	code := m.Run()
	_ = process.Process.Signal(syscall.SIGTERM)
	if err := process.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, "SIGTERM ended the broker with:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func start(name string, settings []string) (*exec.Cmd, string, error) {
	_, file, _, _ := runtime.Caller(0)
	compatTests := filepath.Join(filepath.Dir(file), "../..")
	root := os.Getenv("COMPAT_DATA")
	if root == "" {
		root = filepath.Join(compatTests, "java/target/data")
	}
	data := filepath.Join(root, name)
	if err := os.RemoveAll(data); err != nil {
		return nil, "", err
	}
	if err := os.MkdirAll(data, 0o755); err != nil {
		return nil, "", err
	}
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	output, err := os.Create(data + ".out")
	if err != nil {
		return nil, "", err
	}
	defer output.Close()
	process := exec.Command(filepath.Join(compatTests, "start-broker"), append([]string{fmt.Sprint(port), data}, settings...)...)
	process.Stdout, process.Stderr = output, output
	// A test run that is killed takes its broker along.
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := process.Start(); err != nil {
		return nil, "", err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			return process, address, connection.Close()
		}
		if time.Since(began) > startLimit {
			_ = process.Process.Kill()
			return nil, "", fmt.Errorf("the broker did not start, see %s", output.Name())
		}
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
