package context_test

import (
	"context"
	"fmt"
)

// This example stops at once.
func ExampleWithCancel() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	fmt.Println(ctx)
}

func ExampleWithCancel_twice() {
	_, cancel := context.WithCancel(context.Background())
	cancel()
	cancel()
}

func Example_package() {
	fmt.Println(context.Background())
}
