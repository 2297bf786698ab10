package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/delivery"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/waterfall"
)

// errNotDelivered says that spans were lost. Why was told when it happened.
var errNotDelivered = errors.New("not every span was delivered")

var errDisabled = errors.New("there is no trace to print: DISABLE_SCALE_TRACING is set, so nothing is exported")

// once starts the service, asks it one question over HTTP, stops it, and prints
// the answer, the trace as it was delivered, and the counts. Its error tells of a
// question that failed and of spans that were not delivered.
func once(ctx context.Context, cfg config, stdout io.Writer) error {
	listener, err := listen(ctx, cfg.addr, cfg.port)
	if err != nil {
		return err
	}
	var recorder delivery.Recorder
	a, err := newApp(ctx, cfg, listener.Addr(), &recorder, stdout)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	s := startServer(listener, a)
	say(stdout, "The model is %s.\nSpans go to %s.\n\nQ: %s\n\n", a.model, a.telemetry.target, cfg.question)

	out, askErr := ask(ctx, s.url(), cfg.question, stdout)
	err = errors.Join(askErr, s.stop(cfg.grace))
	var summary bytes.Buffer
	err = errors.Join(err, finish(a, cfg.drain, &summary))
	if a.telemetry.exporter.Disabled() {
		say(stdout, "\n")
		return errors.Join(err, errDisabled)
	}
	err = errors.Join(err, writeTrace(stdout, out.TraceID, recorder.Trace(out.TraceID)))
	_, _ = summary.WriteTo(stdout)
	if lost(a.telemetry.processor.Stats()) > 0 && !errors.Is(err, errNotDelivered) {
		err = errors.Join(err, errNotDelivered)
	}
	return err
}

// writeTrace prints a trace from what was delivered of it. id is empty if there was
// none.
func writeTrace(stdout io.Writer, id string, items []json.RawMessage) error {
	switch {
	case id == "":
		return nil
	case len(items) == 0:
		say(stdout, "\n\nNothing of trace %s was delivered.\n\n", id)
		return nil
	}
	say(stdout, "\n\nTrace %s, as it was delivered:\n\n", id)
	err := waterfall.Write(stdout, items)
	say(stdout, "\n")
	return err
}

// ask asks the service, and prints the answer as it comes.
func ask(ctx context.Context, url, text string, stdout io.Writer) (answer, error) {
	var out answer
	body := genai.JSON(question{Question: text})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/ask", bytes.NewReader([]byte(body))) //nolint:gosec // the address is this process's own
	if err != nil {
		return out, err
	}
	request.Header.Set("Accept", "text/event-stream")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request) //nolint:gosec // the address is this process's own
	if err != nil {
		return out, fmt.Errorf("ask the service: %w", err)
	}
	defer func() { _ = response.Body.Close() }()

	prose := &wrapWriter{w: stdout, width: waterfall.Width}
	defer func() { _ = prose.Close() }()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	event := ""
	for lines.Scan() {
		if name, ok := bytes.CutPrefix(lines.Bytes(), []byte("event: ")); ok {
			event = string(name)
		}
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		if event == "delta" {
			var piece string
			if err := json.Unmarshal(data, &piece); err != nil {
				return out, fmt.Errorf("read the answer: %w", err)
			}
			_, _ = io.WriteString(prose, piece)
			continue
		}
		if err := json.Unmarshal(data, &out); err != nil {
			return out, fmt.Errorf("read the answer: %w", err)
		}
	}
	switch {
	case lines.Err() != nil:
		return out, fmt.Errorf("read the answer: %w", lines.Err())
	case out.Error != "":
		return out, fmt.Errorf("the question was not answered: %s", out.Error)
	case out.TraceID == "":
		return out, fmt.Errorf("the answer was cut off (%s)", response.Status)
	}
	return out, nil
}
