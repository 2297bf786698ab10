package localmodel

import (
	"strings"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/docs"
)

// association says which words of the documentation go with the words of a
// question: all of when must occur, as the beginnings of words.
type association struct {
	when  string
	words string
}

var associations = []association{
	{"cancel request", "http.NewRequestWithContext context.WithCancel"},
	{"timeout request", "http.NewRequestWithContext context.WithTimeout http.Client"},
	{"timeout http", "http.NewRequestWithContext context.WithTimeout http.Client"},
	{"timeout server", "http.Server http.TimeoutHandler"},
	{"cancel", "context.WithCancel context.Context"},
	{"timeout", "context.WithTimeout time.After"},
	{"deadline", "context.WithDeadline context.WithTimeout"},
	{"pars json", "json.Unmarshal json.Decoder.Decode"},
	{"decod json", "json.Unmarshal json.Decoder.Decode"},
	{"encod json", "json.Marshal json.Encoder.Encode"},
	{"json", "json.Marshal json.Unmarshal"},
	{"file line", "bufio.Scanner bufio.NewScanner os.Open"},
	{"read file", "os.ReadFile os.Open"},
	{"writ file", "os.WriteFile os.Create"},
	{"wait goroutine", "sync.WaitGroup sync.WaitGroup.Go"},
	{"lock", "sync.Mutex sync.RWMutex"},
	{"shutdown server", "http.Server.Shutdown signal.NotifyContext"},
	{"shut server", "http.Server.Shutdown signal.NotifyContext"},
	{"limit body", "http.MaxBytesReader http.MaxBytesHandler"},
	{"signal", "signal.Notify signal.NotifyContext"},
	{"pars date", "time.Parse time.ParseInLocation"},
	{"pars time", "time.Parse time.ParseInLocation"},
	{"format date", "time.Time.Format time.Layout"},
	{"sort", "slices.SortFunc slices.Sort sort.Slice"},
	{"reverse string", "slices.Reverse strings.Builder"},
	{"wrap error", "errors.Is errors.As fmt.Errorf"},
	{"compar error", "errors.Is errors.As"},
	{"random", "rand.IntN rand.Perm"},
	{"command", "exec.Command exec.Cmd.Output exec.CommandContext"},
	{"concat string", "strings.Builder strings.Join"},
	{"split string", "strings.Split strings.Fields"},
	{"convert int", "strconv.Itoa strconv.Atoi"},
	{"pars int", "strconv.Atoi strconv.ParseInt"},
	{"pars number", "strconv.Atoi strconv.ParseInt"},
	{"pars url", "url.Parse url.URL"},
	{"walk", "filepath.WalkDir fs.WalkDir"},
	{"environment", "os.Getenv os.LookupEnv"},
	{"log structured", "slog.Info slog.New"},
	{"benchmark", "testing.B.Loop testing.B"},
}

// expand returns the words of a question that carry its meaning, and those that
// the model associates with them.
func expand(question string) (own, associated []string) {
	own = docs.Terms(question)
	for _, a := range associations {
		if occurAll(own, strings.Fields(a.when)) {
			associated = strings.Fields(a.words)
			break // the list goes from the particular to the general
		}
	}
	return own, associated
}

func occurAll(words, beginnings []string) bool {
	for _, beginning := range beginnings {
		found := false
		for _, word := range words {
			found = found || strings.HasPrefix(word, beginning)
		}
		if !found {
			return false
		}
	}
	return true
}

// alike says whether two words have one stem, roughly: one begins the other, or
// they begin with the same five letters.
func alike(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(a) < 4 {
		return a == b
	}
	return strings.HasPrefix(b, a[:min(len(a), 5)])
}

// importPaths are the packages that code in examples refers to most. The name
// of each is the last part of its path.
var importPaths = strings.Fields(`bufio bytes context crypto/sha256 crypto/tls database/sql encoding/base64 encoding/binary
	encoding/csv encoding/hex encoding/json encoding/xml errors flag fmt html/template io io/fs iter log log/slog maps math
	math/big math/rand mime net net/http net/http/httptest net/mail net/netip net/url os os/exec os/signal path path/filepath
	reflect regexp runtime slices sort strconv strings sync sync/atomic syscall testing text/tabwriter text/template time
	unicode unicode/utf8`)
