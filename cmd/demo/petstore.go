package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// petStore is the backend that the demo's API forwards to. Every answer repeats which context the request brought
// along, so that one sees what the authorizer injected.
type petStore struct {
	server *http.Server
	url    string

	mu   sync.Mutex
	pets map[int]pet
	next int
	last map[string]string // context of the last request
}

type pet struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// contextHeaders are the headers that the API's integration fills from context.authorizer.
var contextHeaders = []string{"principalId", "sub", "client_id", "scope", "decision_id", "revision", "authn_ctx"}

func startPetStore(addr string) (*petStore, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &petStore{url: "http://" + l.Addr().String(), next: 4, last: map[string]string{}, pets: map[int]pet{
		1: {1, "Rex", "dog"}, 2: {2, "Mia", "cat"}, 3: {3, "Bubbles", "fish"}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pets", s.list)
	mux.HandleFunc("POST /pets", s.create)
	mux.HandleFunc("GET /pets/{id}", s.get)
	mux.HandleFunc("DELETE /pets/{id}", s.remove)
	mux.HandleFunc("/files/{path...}", s.file)
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go s.server.Serve(l)
	return s, nil
}

func (s *petStore) Close() error { return s.server.Close() }

// lastContext is what the last request brought along, by the name of the authorizer's context key.
func (s *petStore) lastContext() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// answer writes v with the context of the request; the caller holds the lock.
func (s *petStore) answer(w http.ResponseWriter, r *http.Request, status int, v any) {
	seen := map[string]string{}
	for _, name := range contextHeaders {
		if value := r.Header.Get("X-Context-" + strings.ReplaceAll(name, "_", "-")); value != "" {
			seen[name] = value
		}
	}
	s.last = seen
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(struct {
		Result  any               `json:"result"`
		Context map[string]string `json:"context"`
	}{v, seen})
}

func (s *petStore) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []pet{}
	for id := 1; id < s.next; id++ {
		if p, ok := s.pets[id]; ok {
			all = append(all, p)
		}
	}
	s.answer(w, r, http.StatusOK, all)
}

func (s *petStore) create(w http.ResponseWriter, r *http.Request) {
	var p pet
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&p); err != nil || p.Name == "" {
		http.Error(w, `{"error":"send {\"name\":…,\"kind\":…}"}`, http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next > 1000 {
		http.Error(w, `{"error":"the store is full"}`, http.StatusInsufficientStorage)
		return
	}
	p.ID = s.next
	s.pets[p.ID] = p
	s.next++
	s.answer(w, r, http.StatusCreated, p)
}

func (s *petStore) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := strconv.Atoi(r.PathValue("id"))
	if p, ok := s.pets[id]; ok {
		s.answer(w, r, http.StatusOK, p)
		return
	}
	s.answer(w, r, http.StatusNotFound, fmt.Sprintf("no pet %q", r.PathValue("id")))
}

func (s *petStore) remove(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := strconv.Atoi(r.PathValue("id"))
	delete(s.pets, id)
	s.answer(w, r, http.StatusOK, "gone")
}

func (s *petStore) file(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer(w, r, http.StatusOK, map[string]string{"method": r.Method, "file": r.PathValue("path")})
}

// definition is the pet store as an OpenAPI 3 document with API Gateway's integrations: seven methods on four
// resources, one of them greedy.
func (s *petStore) definition() []byte {
	context := map[string]string{}
	for _, name := range contextHeaders {
		context["integration.request.header.X-Context-"+strings.ReplaceAll(name, "_", "-")] = "context.authorizer." + name
	}
	forward := func(method, path string, params ...string) map[string]any {
		mapped := map[string]string{}
		for k, v := range context {
			mapped[k] = v
		}
		var declared []map[string]any
		for _, p := range params {
			mapped["integration.request.path."+p] = "method.request.path." + p
			declared = append(declared, map[string]any{"name": p, "in": "path", "required": true, "schema": map[string]string{"type": "string"}})
		}
		op := map[string]any{
			"responses": map[string]any{"200": map[string]string{"description": "from the pet store"}},
			"x-amazon-apigateway-integration": map[string]any{
				"type": "http_proxy", "httpMethod": method, "uri": s.url + path,
				"passthroughBehavior": "when_no_match", "requestParameters": mapped},
		}
		if declared != nil {
			op["parameters"] = declared
		}
		return op
	}
	preflight := map[string]any{
		"responses": map[string]any{"200": map[string]any{"description": "CORS preflight", "headers": map[string]any{
			"Access-Control-Allow-Origin":  map[string]any{"schema": map[string]string{"type": "string"}},
			"Access-Control-Allow-Methods": map[string]any{"schema": map[string]string{"type": "string"}},
			"Access-Control-Allow-Headers": map[string]any{"schema": map[string]string{"type": "string"}}}}},
		"x-amazon-apigateway-integration": map[string]any{
			"type": "mock", "requestTemplates": map[string]string{"application/json": `{"statusCode":200}`},
			"responses": map[string]any{"default": map[string]any{"statusCode": "200", "responseParameters": map[string]string{
				"method.response.header.Access-Control-Allow-Origin":  "'*'",
				"method.response.header.Access-Control-Allow-Methods": "'GET,POST,OPTIONS'",
				"method.response.header.Access-Control-Allow-Headers": "'Authorization,Content-Type'"}}}},
	}
	doc, err := json.MarshalIndent(map[string]any{
		"openapi": "3.0.1",
		"info":    map[string]string{"title": "PetStore", "version": "1"},
		"paths": map[string]any{
			"/":             map[string]any{"get": forward("GET", "/pets")},
			"/pets":         map[string]any{"get": forward("GET", "/pets"), "post": forward("POST", "/pets"), "options": preflight},
			"/pets/{petId}": map[string]any{"get": forward("GET", "/pets/{petId}", "petId"), "delete": forward("DELETE", "/pets/{petId}", "petId")},
			"/files/{proxy+}": map[string]any{
				"x-amazon-apigateway-any-method": forward("ANY", "/files/{proxy}", "proxy")},
		},
	}, "", "  ")
	if err != nil {
		panic(err) // strings and maps only
	}
	return doc
}
