package context_test

import "context"

func ExampleBackground() { _ = context.Background() }
