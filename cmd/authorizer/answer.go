package main

import (
	"bytes"
	"errors"
	"sync"
)

// event takes the payload as it comes; the runtime library would otherwise decode it a second time.
type event []byte

// UnmarshalJSON keeps the bytes.
func (e *event) UnmarshalJSON(b []byte) error {
	*e = append((*e)[:0], b...)
	return nil
}

// answer is sent as it is, and says when it has been: the runtime library closes a reader after it posted it.
type answer struct {
	*bytes.Reader
	sent sync.Once
	done func()
}

func newAnswer(b []byte, done func()) *answer { return &answer{Reader: bytes.NewReader(b), done: done} }

// MarshalJSON fails on purpose: only then does the runtime library use the reader.
func (a *answer) MarshalJSON() ([]byte, error) {
	return nil, errors.New("the answer is sent as it is")
}

// ContentType is what the Runtime API is told.
func (a *answer) ContentType() string { return "application/json" }

// Close is called after the answer was posted.
func (a *answer) Close() error {
	a.sent.Do(a.done)
	return nil
}
