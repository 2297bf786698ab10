package localmodel

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/docs"
)

func TestSketch(t *testing.T) {
	code, ok := sketch([]docs.Entry{{Passage: newRequest}, {Passage: withCancel}})
	require.True(t, ok)
	assert.Equal(t, `package main

import (
	"context"
	"net/http"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel() // or at any time, from any goroutine

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://go.dev/", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
}
`, code)
}

func TestSketchCalls(t *testing.T) {
	for signature, want := range map[string]string{
		"func Split(s, sep string) []string":                      "\tresult := strings.Split(\"one,two\", \",\")\n\tfmt.Println(result)\n",
		"func LookupEnv(key string) (string, bool)":               "\tresult, ok := strings.LookupEnv(\"HOME\")\n\tfmt.Println(result, ok)\n",
		"func Remove(name string) error":                          "\terr := strings.Remove(\"notes.txt\")\n\tif err != nil {\n\t\tfmt.Println(err)\n\t\treturn\n\t}\n",
		"func Sleep(d time.Duration)":                             "\tstrings.Sleep(time.Second)\n",
		"func Cut(s, sep string) (before, after string, ok bool)": "\tfmt.Println(strings.Cut(\"one,two\", \",\"))\n",
	} {
		name := docs.Terms(signature[len("func "):])[0]
		code, ok := sketch([]docs.Entry{{Passage: docs.Passage{Symbol: "strings." + signature[5:5+len(name)], Package: "strings", Kind: docs.KindFunc, Signature: signature}}})
		require.True(t, ok, signature)
		assert.Equal(t, "package main\n\nimport (\n\t\"strings\"\n)\n\nfunc main() {\n"+want+"}\n", code)
	}
	for _, signature := range []string{"func Sort[S ~[]E, E cmp.Ordered](x S)", "func F(c chan int)", "func F(x Unknown)", "not Go"} {
		_, ok := sketch([]docs.Entry{{Passage: docs.Passage{Symbol: "p.F", Package: "p", Kind: docs.KindFunc, Signature: signature}}})
		assert.False(t, ok, signature)
	}
	_, ok := sketch([]docs.Entry{{Passage: requestContext}})
	assert.False(t, ok, "a method needs a receiver")
}

func TestPickExample(t *testing.T) {
	program := docs.Passage{Symbol: "context.WithCancel", Kind: docs.KindExample, Code: "package main\n\nfunc main() {}\n"}
	fragment := docs.Passage{Symbol: "context.WithCancel", Kind: docs.KindExample, Code: "{ x() }"}

	own := pickExample([]docs.Entry{{Passage: withCancel, Examples: []docs.Passage{fragment, program}}})
	assert.Equal(t, &example{Origin: "the package example of context.WithCancel", Code: "package main\n\nfunc main() {}\n"}, own)

	sketched := pickExample([]docs.Entry{{Passage: newRequest}, {Passage: withCancel, Examples: []docs.Passage{program}}})
	assert.Equal(t, "the signature of http.NewRequestWithContext", sketched.Origin)

	other := pickExample([]docs.Entry{{Passage: requestContext}, {Passage: withCancel, Examples: []docs.Passage{program}}})
	assert.Equal(t, "the package example of context.WithCancel", other.Origin)

	assert.Nil(t, pickExample([]docs.Entry{{Passage: requestContext}}))
	assert.Nil(t, pickExample(nil))
}

func TestAddImportsLeavesVariablesAlone(t *testing.T) {
	code := `package main

import (
	"os"
)

var log logger

func f(path node, sort ...node) {
	time := now()
	for url := range urls {
		url.Open(os.Args, path.x, sort.y, time.z, log.w, strings.ToUpper("a"))
	}
}
`
	repaired, added, ok := addImports(code)
	require.True(t, ok)
	assert.Equal(t, []string{"strings"}, added)
	assert.Contains(t, repaired, "import (\n\t\"os\"\n\t\"strings\"\n)")

	for _, hopeless := range []string{"x", "package main\n\nfunc main() { fmt.Println() }\n", "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println() }\n"} {
		_, _, ok := addImports(hopeless)
		assert.False(t, ok, hopeless)
	}
}

func TestExcerpt(t *testing.T) {
	doc := `Do sends a request, see [Client.Get].
It returns a response. An error is returned if the context is canceled.

For example:

	client.Do(cancel)

# Cancel

- a list to cancel
`
	assert.Equal(t, "Do sends a request, see Client.Get. An error is returned if the context is canceled.", excerpt(doc, []string{"cancel", "context"}))
	assert.Equal(t, "Do sends a request, see Client.Get.", excerpt(doc, []string{"zebra"}))
	assert.Empty(t, excerpt("", []string{"cancel"}))
	assert.Empty(t, excerpt("\tcode only", []string{"code"}))
}

func TestExpand(t *testing.T) {
	own, associated := expand(cancelQuestion)
	assert.Equal(t, []string{"cancel", "http", "request"}, own)
	assert.Equal(t, []string{"http.NewRequestWithContext", "context.WithCancel"}, associated)
	_, associated = expand("what is a zebra?")
	assert.Empty(t, associated)
}

func TestAlike(t *testing.T) {
	for _, pair := range [][2]string{{"cancel", "cancellation"}, {"requests", "request"}, {"Sort", "sorted"}, {"map", "map"}} {
		assert.True(t, alike(pair[0], pair[1]), pair)
	}
	for _, pair := range [][2]string{{"map", "maps"}, {"cancel", "candle"}, {"", "x"}} {
		assert.False(t, alike(pair[0], pair[1]), pair)
	}
}

func TestWebAddress(t *testing.T) {
	assert.Equal(t, "https://pkg.go.dev/net/http#Client.Do", webAddress("net/http.Client.Do"))
	assert.Equal(t, "https://pkg.go.dev/math/rand/v2", webAddress("math/rand/v2"))
	assert.Equal(t, "https://pkg.go.dev/context#WithCancel", webAddress("context.WithCancel"))
}
