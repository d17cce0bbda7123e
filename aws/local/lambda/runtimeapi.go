package lambda

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"portcullis/aws/local/wire"
)

// maxResult is the largest answer of a function, in bytes.
const maxResult = 6*1024*1024 + 100

// runtimeAPI serves the Runtime API (2018-06-01) and the Extensions API (2020-01-01) to one environment.
func (e *environment) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", e.invocationError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.initError)
	mux.HandleFunc("POST /2020-01-01/extension/register", e.register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", e.extensionNext)
	mux.HandleFunc("POST /2020-01-01/extension/init/error", e.extensionError)
	mux.HandleFunc("POST /2020-01-01/extension/exit/error", e.extensionError)
	return mux
}

func refuse(w http.ResponseWriter, status int, kind, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(fault{kind, text})
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"status":"OK"}`)
}

// next hands out the next invocation; it blocks until there is one. The first call ends the runtime's init.
func (e *environment) next(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	pending := len(e.work) > 0 // handed over while the runtime was between two calls of next
	if e.current != nil && !pending {
		e.mu.Unlock()
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "the invocation before this one has no response yet")
		return
	}
	e.runtimeWaits = !pending
	e.notify()
	e.mu.Unlock()
	select {
	case inv := <-e.work:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", inv.arn)
		h.Set("Lambda-Runtime-Trace-Id", inv.trace)
		if inv.clientContext != "" {
			h.Set("Lambda-Runtime-Client-Context", inv.clientContext)
		}
		w.Write(inv.payload)
	case <-r.Context().Done(): // the process ended, or the environment is being shut down
		e.mu.Lock()
		e.runtimeWaits = false
		e.notify()
		e.mu.Unlock()
	}
}

// finish takes the outcome of the running invocation from the runtime.
func (e *environment) finish(w http.ResponseWriter, id string, payload []byte, failed bool) {
	e.mu.Lock()
	inv := e.current
	if inv == nil || inv.id != id {
		e.mu.Unlock()
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID: no invocation "+id+" is running")
		return
	}
	e.current = nil
	inv.outcome = &outcome{payload: payload, failed: failed}
	e.notify()
	e.mu.Unlock()
	accepted(w)
}

func (e *environment) response(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Lambda-Runtime-Function-Response-Mode") == "streaming" {
		refuse(w, http.StatusNotImplemented, "NotImplemented", "the local AWS has no response streaming")
		return
	}
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResult))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		text := "Response payload size exceeded maximum allowed payload size (" + strconv.Itoa(maxResult-100) + " bytes)."
		b, _ := json.Marshal(fault{"Function.ResponseSizeTooLarge", text})
		e.finish(discard{}, r.PathValue("id"), b, true)
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", text)
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "Function.TruncatedResponse", err.Error())
		return
	}
	e.finish(w, r.PathValue("id"), payload, false)
}

// discard is a ResponseWriter for an answer that is written elsewhere.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// errorBody reads what a runtime says of an error. A body that is not an error object is put into one.
func errorBody(w http.ResponseWriter, r *http.Request) []byte {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResult))
	var f fault
	if err == nil && json.Unmarshal(body, &f) == nil && (f.Type != "" || f.Message != "") {
		return body
	}
	kind := r.Header.Get("Lambda-Runtime-Function-Error-Type")
	if kind == "" {
		kind = "Runtime.Unknown"
	}
	b, _ := json.Marshal(fault{kind, string(body[:min(len(body), 1024)])})
	return b
}

func (e *environment) invocationError(w http.ResponseWriter, r *http.Request) {
	e.finish(w, r.PathValue("id"), errorBody(w, r), true)
}

func (e *environment) initError(w http.ResponseWriter, r *http.Request) {
	var f fault
	json.Unmarshal(errorBody(w, r), &f) // errorBody returns an error object
	e.mu.Lock()
	if e.initFault == nil && !e.runtimeWaits {
		e.initFault = &f
		e.notify()
	}
	e.mu.Unlock()
	accepted(w)
}

const maxExtensions = 10

// register accepts an internal extension: code inside the function's own process. It may not ask for SHUTDOWN.
func (e *environment) register(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Events []string `json:"events"`
	}
	name := r.Header.Get("Lambda-Extension-Name")
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&in); err != nil && err != io.EOF {
		refuse(w, http.StatusBadRequest, "InvalidRequestFormat", "cannot read the body: "+err.Error())
		return
	}
	if name == "" || len(name) > 128 {
		refuse(w, http.StatusForbidden, "Extension.InvalidExtensionName", "the header Lambda-Extension-Name is missing or too long")
		return
	}
	x := &extension{id: wire.NewID(), name: name, events: make(chan []byte, 1)}
	for _, ev := range in.Events {
		if ev != "INVOKE" {
			refuse(w, http.StatusForbidden, "Extension.InvalidEventType", ev+" is not an event that an internal extension can register for")
			return
		}
		x.invoke = true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.runtimeWaits || e.current != nil || e.initTime > 0:
		refuse(w, http.StatusForbidden, "Extension.RegistrationClosed", "extensions register before the runtime asks for its first invocation")
		return
	case len(e.extensions) >= maxExtensions:
		refuse(w, http.StatusForbidden, "Extension.TooManyExtensions", "an environment has at most "+strconv.Itoa(maxExtensions)+" extensions")
		return
	}
	for _, other := range e.extensions {
		if other.name == name {
			refuse(w, http.StatusForbidden, "Extension.AlreadyRegistered", "an extension named "+name+" is registered already")
			return
		}
	}
	e.extensions[x.id] = x
	cfg := &e.rev.config
	answer := map[string]string{"functionName": cfg.FunctionName, "functionVersion": cfg.Version, "handler": cfg.Handler}
	if r.Header.Get("Lambda-Extension-Accept-Feature") == "accountId" {
		answer["accountId"] = e.rev.fn.account
	}
	w.Header().Set("Lambda-Extension-Identifier", x.id)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

func (e *environment) extensionNext(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("Lambda-Extension-Identifier")
	e.mu.Lock()
	x := e.extensions[id]
	if x == nil {
		e.mu.Unlock()
		refuse(w, http.StatusForbidden, "Extension.UnknownExtensionIdentifier", "no extension with this Lambda-Extension-Identifier is registered")
		return
	}
	x.waits = len(x.events) == 0
	e.notify()
	e.mu.Unlock()
	select {
	case event := <-x.events:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Lambda-Extension-Event-Identifier", wire.NewID())
		w.Write(event)
	case <-r.Context().Done():
		e.mu.Lock()
		x.waits = false
		e.notify()
		e.mu.Unlock()
	}
}

// extensionError ends the environment: an extension that failed takes the function with it.
func (e *environment) extensionError(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("Lambda-Extension-Identifier")
	e.mu.Lock()
	x := e.extensions[id]
	if x != nil && e.initFault == nil {
		e.initFault = &fault{"Extension.Crash", "Error: extension " + x.name + ": " + r.Header.Get("Lambda-Extension-Function-Error-Type")}
		e.notify()
	}
	e.mu.Unlock()
	if x == nil {
		refuse(w, http.StatusForbidden, "Extension.UnknownExtensionIdentifier", "no extension with this Lambda-Extension-Identifier is registered")
		return
	}
	accepted(w)
}
