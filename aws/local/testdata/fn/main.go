// Command fn is a Lambda function for tests: a Runtime API loop on the standard library alone. What it does is in the
// event: {"do":"echo"}, "env", "sleep", "wait", "exit", "panic", "fail", "log", "big", "pid", "child", "memory"; the variable
// FN_INIT says how its init goes: "exit", "error", "hang", "extension".
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	base        = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API")
	invocations int
	ticks       atomic.Int64
	held        []byte
)

// occupy takes megabytes of memory and touches every page of them.
func occupy(megabytes int) []byte {
	b := make([]byte, megabytes<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return b
}

func main() {
	switch os.Getenv("FN_INIT") {
	case "exit":
		fmt.Println("refusing to start")
		os.Exit(7)
	case "error":
		post("/2018-06-01/runtime/init/error", `{"errorType":"Fn.BadConfig","errorMessage":"FN_INIT is error"}`)
		os.Exit(1)
	case "hang":
		time.Sleep(time.Hour)
	case "extension":
		extension()
	case "memory":
		megabytes, _ := strconv.Atoi(os.Getenv("FN_MEGABYTES"))
		held = occupy(megabytes)
		time.Sleep(time.Hour)
	}
	go func() {
		for {
			time.Sleep(time.Millisecond)
			ticks.Add(1)
		}
	}()
	for {
		resp, err := http.Get(base + "/2018-06-01/runtime/invocation/next")
		if err != nil {
			os.Exit(0)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		invocations++
		id := resp.Header.Get("Lambda-Runtime-Aws-Request-Id")
		out, failed := handle(body, resp.Header)
		if failed != "" {
			post("/2018-06-01/runtime/invocation/"+id+"/error", failed)
			continue
		}
		post("/2018-06-01/runtime/invocation/"+id+"/response", out)
	}
}

// extension registers for INVOKE and works after each answer for FN_LINGER; SIGTERM is written to the file FN_TERM.
func extension() {
	req, _ := http.NewRequest("POST", base+"/2020-01-01/extension/register", strings.NewReader(`{"events":["INVOKE"]}`))
	req.Header.Set("Lambda-Extension-Name", "inside")
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != 200 {
		fmt.Println("registering failed")
		os.Exit(9)
	}
	id := resp.Header.Get("Lambda-Extension-Identifier")
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		<-term
		os.WriteFile(os.Getenv("FN_TERM"), []byte("terminated"), 0o600)
		os.Exit(0)
	}()
	linger, _ := time.ParseDuration(os.Getenv("FN_LINGER"))
	go func() {
		for {
			req, _ := http.NewRequest("GET", base+"/2020-01-01/extension/event/next", nil)
			req.Header.Set("Lambda-Extension-Identifier", id)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return
			}
			b, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			time.Sleep(linger)
			fmt.Println("extension saw", string(b))
		}
	}()
}

func handle(body []byte, h http.Header) (out, failed string) {
	var ev struct {
		Do   string
		Ms   int
		Text string
		Type string
	}
	json.Unmarshal(body, &ev)
	if os.Getenv("FN_SHOW") != "" {
		fmt.Println("event " + string(body))
	}
	if ev.Type == "REQUEST" {
		return authorize(body), ""
	}
	if os.Getenv("FN_BODY") != "" { // a proxy answer with the event as its body
		b, _ := json.Marshal(map[string]any{"statusCode": 200, "body": string(body)})
		return string(b), ""
	}
	switch ev.Do {
	case "env":
		vars := map[string]string{}
		for _, kv := range os.Environ() {
			k, v, _ := strings.Cut(kv, "=")
			vars[k] = v
		}
		b, _ := json.Marshal(vars)
		return string(b), ""
	case "headers":
		b, _ := json.Marshal(h)
		return string(b), ""
	case "sleep":
		time.Sleep(time.Duration(ev.Ms) * time.Millisecond)
	case "wait": // until the file Text exists
		for {
			if _, err := os.Stat(ev.Text); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
	case "exit":
		fmt.Println("about to exit")
		os.Exit(3)
	case "fail":
		return "", `{"errorType":"Fn.Failed","errorMessage":"as asked"}`
	case "log":
		fmt.Println(ev.Text)
		fmt.Print("unfinished")
	case "big":
		return `"` + strings.Repeat("x", 6<<20+100) + `"`, ""
	case "pid":
		return fmt.Sprintf(`{"pid":%d,"invocations":%d,"ticks":%d}`, os.Getpid(), invocations, ticks.Load()), ""
	case "memory": // occupies Ms megabytes, in a child when Text is "child", and does not answer when it is "stay"
		if ev.Text == "child" {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "FN_INIT=memory", fmt.Sprintf("FN_MEGABYTES=%d", ev.Ms))
			err := cmd.Run()
			return fmt.Sprintf("%q", fmt.Sprint(err)), ""
		}
		if held = occupy(ev.Ms); ev.Text == "stay" {
			time.Sleep(time.Hour)
		}
		return fmt.Sprintf(`{"occupied":%d}`, len(held)), ""
	case "child":
		cmd := exec.Command("/bin/sleep", "1000")
		if err := cmd.Start(); err != nil {
			return "", `{"errorType":"Fn.Child","errorMessage":"cannot start sleep"}`
		}
		return fmt.Sprintf(`{"pid":%d}`, cmd.Process.Pid), ""
	}
	return string(body), ""
}

// authorize answers a REQUEST authorizer event: the header Authorization must be "Bearer good".
func authorize(body []byte) string {
	var ev struct {
		MethodArn string
		Headers   map[string]string
	}
	json.Unmarshal(body, &ev)
	effect := "Deny"
	if ev.Headers["Authorization"] == "Bearer good" {
		effect = "Allow"
	}
	b, _ := json.Marshal(map[string]any{"principalId": "jane", "context": map[string]any{"colour": "blue"},
		"policyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Action": "execute-api:Invoke", "Effect": effect, "Resource": ev.MethodArn}}}})
	return string(b)
}

func post(path, body string) {
	resp, err := http.Post(base+path, "application/json", bytes.NewReader([]byte(body)))
	if err == nil {
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}
