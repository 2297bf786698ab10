package asyncprocessor

// pool keeps values to be used again. Without it each span would cost an allocation.
type pool[T any] struct{ unused []*T }

func (p *pool[T]) get() *T {
	last := len(p.unused) - 1
	if last < 0 {
		return new(T)
	}
	value := p.unused[last]
	p.unused = p.unused[:last]
	return value
}

// maxUnused bounds the items and the traces that are kept.
const maxUnused = 4096

// put takes back a value that is zero and that nobody refers to. It keeps as many as most.
func (p *pool[T]) put(value *T, most int) {
	if len(p.unused) < most {
		p.unused = append(p.unused, value)
	}
}
