package hidden

// Hidden is not public.
func Hidden() {}
