package local

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sort"
	"time"

	"portcullis/aws/local/wire"
)

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
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
		answer(w, http.StatusBadGateway, map[string]string{"message": err.Error()})
	default:
		answer(w, http.StatusAccepted, map[string]any{"status": "fired", "invocations": results})
	}
}
