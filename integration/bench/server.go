package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// serverEnv makes this program a server: its value is what each request is kept
// waiting, or hang.
const serverEnv = "OTELSGP_BENCH_SERVER"

const hang = "hang"

// serve reads every request whole, waits, and answers 200 in the kind that was
// asked: the least that an SGP or an OTLP server can do.
func serve(wait string) error {
	var delay time.Duration
	if wait != hang {
		var err error
		if delay, err = time.ParseDuration(wait); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	go func() { // the parent closes our standard input when it is done
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = listener.Close()
		os.Exit(0)
	}()
	err = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { //nolint:gosec // loopback
		_, _ = io.Copy(io.Discard, req.Body)
		if wait == hang {
			<-req.Context().Done()
			return
		}
		if delay > 0 {
			<-time.After(delay)
		}
		contentType := req.Header.Get("Content-Type")
		w.Header().Set("Content-Type", contentType)
		if strings.Contains(contentType, "json") {
			_, _ = io.WriteString(w, `{"items":[]}`)
		}
	}))
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// startServer runs serve in a process of its own and returns its URL.
func startServer(wait string) (url string, stop func()) {
	exe, err := os.Executable()
	if err != nil {
		fail(err)
	}
	cmd := exec.Command(exe) //nolint:gosec // this program
	cmd.Env = append(os.Environ(), serverEnv+"="+wait)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		fail(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		fail(err)
	}
	if err := cmd.Start(); err != nil {
		fail(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		fail(fmt.Errorf("server did not start: %w", err))
	}
	return strings.TrimSpace(line), func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	}
}
