package local

import (
	"net/http"
	"sync"
	"time"
)

// Record is one request that the front door has answered.
type Record struct {
	Time         time.Time `json:"time"`
	Service      string    `json:"service"` // signing name; "execute-api" for the data plane; "" when it had no signature
	Region       string    `json:"region,omitempty"`
	Account      string    `json:"account,omitempty"`
	Principal    string    `json:"principal,omitempty"`
	Operation    string    `json:"operation"` // "PutRule", "GET /restapis"
	Method       string    `json:"method"`
	Path         string    `json:"path"`
	Status       int       `json:"status"` // 0: the connection was reset
	ErrorCode    string    `json:"error_code,omitempty"`
	RequestID    string    `json:"request_id"`
	Fault        string    `json:"fault,omitempty"` // the kind of the fault that was played
	Milliseconds float64   `json:"milliseconds"`
}

// maxHistory is how many requests are remembered.
const maxHistory = 2000

// history is a ring of the last requests.
type history struct {
	mu    sync.Mutex
	ring  []Record
	next  int
	total int
}

func (h *history) add(r Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.total++
	if len(h.ring) < maxHistory {
		h.ring = append(h.ring, r)
		return
	}
	h.ring[h.next] = r
	h.next = (h.next + 1) % maxHistory
}

// list returns the remembered requests of a service ("": all), oldest first, and how many there have been in all.
func (h *history) list(service string) ([]Record, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := []Record{}
	for i := range h.ring {
		r := h.ring[(h.next+i)%len(h.ring)]
		if service == "" || r.Service == service {
			out = append(out, r)
		}
	}
	return out, h.total
}

func (h *history) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring, h.next, h.total = nil, 0, 0
}

// recorder notes the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
