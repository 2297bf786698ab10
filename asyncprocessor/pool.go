package asyncprocessor

// pool keeps values to be used again. Without it each span would cost an allocation.
type pool[T any] struct{ unused []*T }

// maxUnused bounds what is kept.
const maxUnused = 4096

func (p *pool[T]) get() *T {
	last := len(p.unused) - 1
	if last < 0 {
		return new(T)
	}
	value := p.unused[last]
	p.unused = p.unused[:last]
	return value
}

// put takes back a value that nobody refers to.
func (p *pool[T]) put(value *T) {
	if len(p.unused) < maxUnused {
		var zero T
		*value = zero
		p.unused = append(p.unused, value)
	}
}
