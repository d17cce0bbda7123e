package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strconv"
	"time"

	"portcullis/aws/local/wire"
)

// Management is the second port: what a test or a person does to this AWS, as opposed to what a client of AWS does.
// It asks for no credentials; listen on loopback.
func (s *Server) Management() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_aws/health", s.health)
	mux.HandleFunc("POST /_aws/reset", s.resetAll)
	mux.HandleFunc("GET /_aws/requests", s.listRequests)
	mux.HandleFunc("DELETE /_aws/requests", s.forgetRequests)
	mux.HandleFunc("GET /_aws/faults", s.listFaults)
	mux.HandleFunc("POST /_aws/faults", s.addFault)
	mux.HandleFunc("DELETE /_aws/faults", s.removeFaults)
	mux.HandleFunc("DELETE /_aws/faults/{id}", s.removeFaults)
	mux.HandleFunc("GET /_aws/clock", s.showClock)
	mux.HandleFunc("POST /_aws/clock", s.moveClock)
	mux.HandleFunc("POST /_aws/events/fire", s.fireRule)
	mux.HandleFunc("POST /_aws/lambda/freeze", s.freeze)
	mux.HandleFunc("POST /_aws/lambda/thaw", s.thaw)
	mux.HandleFunc("POST /_aws/lambda/cold-starts", s.coldStarts)
	mux.HandleFunc("GET /_aws/lambda/environments", s.environments)
	mux.HandleFunc("/", notHere)
	return sameOrigin(mux)
}

// sameOrigin keeps web pages that the user of this machine has open in a browser from acting on this AWS.
func sameOrigin(h http.Handler) http.Handler { return http.NewCrossOriginProtection().Handler(h) }

func notHere(w http.ResponseWriter, r *http.Request) {
	refuse(w, http.StatusNotFound, "the local AWS has no "+r.Method+" "+r.URL.Path)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]string{"message": text})
}

// input reads a small JSON body; unknown members are an error.
func input(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil && err != io.EOF {
		refuse(w, http.StatusBadRequest, "cannot read the body: "+err.Error())
		return false
	}
	return true
}

// health says that the server is up and which services it has.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	var names []string
	for n := range s.services {
		names = append(names, n)
	}
	sort.Strings(names)
	answer(w, http.StatusOK, map[string]any{"status": "ok", "services": names})
}

// Reset makes the server as new: nothing in any account, no faults, no history, the clock as it was.
func (s *Server) Reset() {
	s.faults.reset()
	s.events.Reset()
	s.gateway.Reset()
	s.lambda.Reset()
	s.s3.Reset()
	s.secrets.Reset()
	s.logs.Reset()
	s.iam.Reset()
	s.cold.Store(false)
	s.offset.Store(0)
	s.history.reset()
}

func (s *Server) resetAll(w http.ResponseWriter, r *http.Request) {
	s.Reset()
	answer(w, http.StatusOK, map[string]string{"status": "reset"})
}

// Requests returns the last requests to a service ("": all), oldest first.
func (s *Server) Requests(service string) []Record {
	list, _ := s.history.list(service)
	return list
}

func (s *Server) listRequests(w http.ResponseWriter, r *http.Request) {
	list, total := s.history.list(r.URL.Query().Get("service"))
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			refuse(w, http.StatusBadRequest, "limit is a positive number")
			return
		}
		list = list[max(0, len(list)-n):]
	}
	answer(w, http.StatusOK, map[string]any{"total": total, "requests": list})
}

func (s *Server) forgetRequests(w http.ResponseWriter, r *http.Request) {
	s.history.reset()
	w.WriteHeader(http.StatusNoContent)
}

// Fault plans a fault and returns its id.
func (s *Server) Fault(f Fault) (string, error) {
	f, err := s.faults.add(f)
	return f.ID, err
}

// ClearFaults removes every planned fault.
func (s *Server) ClearFaults() { s.faults.remove("") }

func (s *Server) listFaults(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]any{"faults": s.faults.all(), "kinds": faultKinds})
}

func (s *Server) addFault(w http.ResponseWriter, r *http.Request) {
	var in Fault
	if !input(w, r, &in) {
		return
	}
	f, err := s.faults.add(in)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	answer(w, http.StatusCreated, f)
}

func (s *Server) removeFaults(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !s.faults.remove(id) && id != "" {
		refuse(w, http.StatusNotFound, "there is no fault "+id)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Advance moves the clock on (or, with a negative duration, back) and fires the rules that are due then.
func (s *Server) Advance(ctx context.Context, d time.Duration) {
	s.offset.Add(int64(d))
	s.Tick(ctx)
}

func (s *Server) showClock(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]any{"now": s.now().UTC().Format(time.RFC3339Nano), "offset": time.Duration(s.offset.Load()).String()})
}

// maxJump is how far one request may move the clock: a year.
const maxJump = 366 * 24 * time.Hour

// moveClock takes {"advance":"1h"}, {"set":"2026-11-22T10:00:00Z"} or {"reset":true}.
func (s *Server) moveClock(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Advance string     `json:"advance"`
		Set     *time.Time `json:"set"`
		Reset   bool       `json:"reset"`
	}
	if !input(w, r, &in) {
		return
	}
	var d time.Duration
	var err error
	switch {
	case in.Reset && in.Advance == "" && in.Set == nil:
		d = -time.Duration(s.offset.Load())
	case in.Set != nil && in.Advance == "" && !in.Reset:
		d = in.Set.Sub(s.now())
	case in.Advance != "" && in.Set == nil && !in.Reset:
		d, err = time.ParseDuration(in.Advance)
	default:
		err = errors.New(`exactly one of "advance", "set" and "reset" is needed`)
	}
	if err == nil && !in.Reset && (d > maxJump || d < -maxJump) {
		err = fmt.Errorf("one jump is at most %v", maxJump)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	s.Advance(r.Context(), d)
	s.showClock(w, r)
}

// freeze stops every function process where it is, thaw lets those go on that were at work.
func (s *Server) freeze(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]int{"frozen": s.lambda.FreezeNow()})
}

func (s *Server) thaw(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]int{"thawed": s.lambda.ThawNow()})
}

// SetColdStarts makes every invocation start a new environment, or ends that.
func (s *Server) SetColdStarts(on bool) { s.cold.Store(on) }

// coldStarts takes {"every_time":true}.
func (s *Server) coldStarts(w http.ResponseWriter, r *http.Request) {
	var in struct {
		EveryTime *bool `json:"every_time"`
	}
	if !input(w, r, &in) {
		return
	}
	if in.EveryTime == nil {
		refuse(w, http.StatusBadRequest, `"every_time" is needed: true or false`)
		return
	}
	s.SetColdStarts(*in.EveryTime)
	answer(w, http.StatusOK, map[string]bool{"every_time": *in.EveryTime})
}

func (s *Server) environments(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]any{"environments": s.lambda.Environments()})
}

// fireTimeout is how long fireRule waits for the functions.
const fireTimeout = 2 * time.Minute

// fireRule invokes the targets of an EventBridge rule at once (?rule=&account=&region=) and answers when the first
// attempt of each has ended: 202 and what the functions answered, 502 when one could not be invoked.
func (s *Server) fireRule(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	account, region := q.Get("account"), q.Get("region")
	if account == "" {
		account = s.o.DefaultAccount
	}
	if region == "" {
		region = defaultRegion
	}
	ctx, cancel := context.WithTimeout(r.Context(), fireTimeout)
	defer cancel()
	requests, err := s.events.Fire(ctx, account, region, q.Get("rule"))
	type result struct {
		RequestID     string `json:"request_id"`
		FunctionError string `json:"function_error,omitempty"`
		Payload       string `json:"payload,omitempty"` // of a function that failed
	}
	results := []result{}
	for _, id := range requests {
		res, _, waitErr := s.lambda.FirstAttempt(ctx, id)
		if err == nil {
			err = waitErr
		}
		one := result{RequestID: id, FunctionError: res.FunctionError}
		if one.FunctionError != "" {
			one.Payload = string(res.Payload)
		}
		results = append(results, one)
	}
	var e *wire.Error
	switch {
	case errors.As(err, &e):
		answer(w, e.Status, map[string]string{"message": e.Message, "code": e.Code})
	case err != nil:
		refuse(w, http.StatusBadGateway, err.Error())
	default:
		answer(w, http.StatusAccepted, map[string]any{"status": "fired", "invocations": results})
	}
}
