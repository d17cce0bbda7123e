package lambda

import (
	"bufio"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// logPipe carries what a process writes to its standard output and error. The service keeps the writing end open too:
// a mark written there comes out after everything the process wrote before it, which tells when the lines of an
// invocation are complete.
type logPipe struct {
	e *environment

	mu      sync.Mutex
	w       *os.File
	closed  bool
	done    chan struct{} // closed when the reader has seen the end
	waiting map[string]chan struct{}
	tail    []byte // the last maxTail bytes since begin
}

const (
	maxTail = 4096    // of LogType Tail
	maxLine = 1 << 20 // longer lines are cut
	mark    = "\x00local-aws-mark "
)

func newLogPipe(e *environment) *logPipe {
	return &logPipe{e: e, waiting: map[string]chan struct{}{}, done: make(chan struct{})}
}

// open returns the file to give to the process.
func (l *logPipe) open() (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	l.w = w
	l.mu.Unlock()
	go l.read(r)
	return w, nil
}

func (l *logPipe) read(r *os.File) {
	defer close(l.done)
	defer r.Close()
	in := bufio.NewReaderSize(r, 64<<10)
	var line strings.Builder
	for {
		part, err := in.ReadSlice('\n')
		// A mark stands at the end of the text even when the process left a line unfinished.
		if before, id, ok := strings.Cut(string(part), mark); ok && err == nil {
			line.WriteString(before)
			if line.Len() > 0 {
				l.write(line.String())
				line.Reset()
			}
			l.reached(strings.TrimSuffix(id, "\n"))
			continue
		}
		if line.Len() < maxLine {
			line.Write(part)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if line.Len() > 0 {
			l.write(strings.TrimSuffix(line.String(), "\n"))
			line.Reset()
		}
		if err != nil {
			if err != io.EOF {
				l.e.s.log.Warn("reading a function's output", "function", l.e.String(), "error", err)
			}
			l.reached("")
			return
		}
	}
}

// reached releases whoever waits for a mark; "" releases everybody.
func (l *logPipe) reached(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, ch := range l.waiting {
		if id == "" || k == id {
			close(ch)
			delete(l.waiting, k)
		}
	}
}

// flush waits until every line written before it has been seen.
func (l *logPipe) flush(id string) {
	l.mu.Lock()
	w, ch := l.w, l.done
	if w == nil {
		l.mu.Unlock()
		return
	}
	open := !l.closed
	if open {
		ch = make(chan struct{})
		l.waiting[id] = ch
	}
	l.mu.Unlock()
	if open { // without the lock: the pipe may be full, and its reader needs the lock
		if _, err := io.WriteString(w, mark+id+"\n"); err != nil {
			ch = l.done
		}
	}
	select {
	case <-ch:
	case <-time.After(time.Second): // a line is missing from a tail then, nothing worse
	}
}

// close ends the reading: the process is gone.
func (l *logPipe) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && l.w != nil {
		l.w.Close()
	}
	l.closed = true
}

// begin forgets the tail, at the start of an invocation.
func (l *logPipe) begin() {
	l.mu.Lock()
	l.tail = nil
	l.mu.Unlock()
}

// write records one line.
func (l *logPipe) write(text string) {
	l.mu.Lock()
	l.tail = append(append(l.tail, text...), '\n')
	if extra := len(l.tail) - maxTail; extra > 0 {
		l.tail = append([]byte(nil), l.tail[extra:]...)
	}
	l.mu.Unlock()
	e := l.e
	e.s.log.Debug("function log", "function", e.rev.config.FunctionName, "stream", e.stream, "line", text)
	if e.s.o.Log != nil {
		e.s.o.Log(LogLine{Account: e.rev.fn.account, Region: e.rev.fn.region, Group: e.rev.config.LoggingConfig.LogGroup, Stream: e.stream, Time: time.Now(), Text: text})
	}
}

func (l *logPipe) last() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]byte(nil), l.tail...)
}
