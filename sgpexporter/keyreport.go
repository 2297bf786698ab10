package sgpexporter

import (
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
)

const (
	// keyInterval is the least time between two reports of a refused key.
	keyInterval = time.Minute
	// keyMoment is how long after a report losses are taken to be the ones that it
	// is about.
	keyMoment = time.Second
)

// destination is where spans go and with which key, for a message: what says so,
// and not the key.
type destination struct{ baseURL, baseURLFrom, keyFrom string }

// keyReport tells the error handler of a key that SGP refuses: at once what to
// check, and, when that goes on to cost spans, once a minute how many.
type keyReport struct {
	at destination

	mu    sync.Mutex  // guards what follows
	since time.Time   // when the key was refused
	told  time.Time   // when that was last reported
	lost  int         // snapshots since it was refused
	cause error       // of the last loss
	next  *time.Timer // the next report; nil when there is nothing to tell
	over  bool        // the Exporter is shut down
}

// refused tells that the key is refused. It is called once per refusal; one that
// comes soon after another is told of by what it costs, so that a key that is now
// accepted and now refused does not flood the log.
func (k *keyReport) refused(err error) {
	if k.begin() {
		otel.Handle(k.describe("no spans are delivered", err))
	}
}

func (k *keyReport) begin() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if k.next != nil || now.Sub(k.told) < keyInterval {
		return false
	}
	k.since, k.told, k.lost = now, now, 0
	return true
}

// cost notes that n snapshots are lost for the key, and says whether that is
// reported: it just was, or will be within the interval.
func (k *keyReport) cost(n int, err error) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over {
		return false
	}
	k.lost += n
	k.cause = err
	if quiet := time.Since(k.told); quiet >= keyMoment && k.next == nil {
		k.next = time.AfterFunc(keyInterval-quiet, k.tell)
	}
	return true
}

// tell reports what the key has cost so far.
func (k *keyReport) tell() {
	k.mu.Lock()
	now := time.Now()
	snapshots := "snapshots"
	if k.lost == 1 {
		snapshots = "snapshot"
	}
	err := k.describe(fmt.Sprintf("SGP has refused the API key for %s, at the cost of %d %s",
		now.Sub(k.since).Round(time.Second), k.lost, snapshots), k.cause)
	k.told, k.next = now, nil
	k.mu.Unlock()
	otel.Handle(err)
}

// close tells at once what there is to tell, and nothing later.
func (k *keyReport) close() {
	k.mu.Lock()
	k.over = true
	waits := k.next != nil && k.next.Stop()
	k.mu.Unlock()
	if waits {
		k.tell()
	}
}

// describe says what happens, why, and what to check.
func (k *keyReport) describe(what string, why error) error {
	return fmt.Errorf("sgpexporter: %s: %w; check that the API key (%s) "+
		"is valid for the base URL %s (%s) and may write to the account", what, why,
		sourceOf(k.at.keyFrom, "SGP_API_KEY", "WithAPIKey"), k.at.baseURL,
		sourceOf(k.at.baseURLFrom, "SGP_CLIENT_BASE_URL", "WithBaseURL"))
}

// sourceOf says where a setting comes from and what else sets it.
func sourceOf(from, variable, option string) string {
	switch from {
	case variable:
		return "from " + from + "; or use " + option
	case option:
		return "from " + from + "; or set " + variable
	}
	return "from " + from + "; or set " + variable + " or use " + option
}
