package main

import (
	"context"
	"fmt"
	"sync"

	"portcullis/aws/attach"
	"portcullis/aws/discover"
	"portcullis/edge/authorizer"
	"portcullis/edge/runtimeapi"
	"portcullis/edge/waist"
)

// syncWork joins discovery and attachment for edge/authorizer, which knows no AWS.
type syncWork struct {
	scanner  *discover.Scanner
	attacher *attach.Attacher
	arn      string // AWS_AUTHORIZER_ARN
	region   string

	mu      sync.Mutex
	apis    []discover.API // of the last complete scan, as the attacher left it
	pending int            // runs in a row that ran out of time while attaching
}

// maxPending bounds how often attaching goes on with an old scan before the account is read again.
const maxPending = 10

// function is the ARN of the function that authorizers call: AWS_AUTHORIZER_ARN, or the one that was invoked, without
// the alias or version by which the schedule happened to call it.
func (w *syncWork) function(ctx context.Context) string {
	if w.arn != "" {
		return w.arn
	}
	return discover.Unqualified(runtimeapi.FunctionARN(ctx))
}

func (w *syncWork) discover(ctx context.Context) (authorizer.Discovery, error) {
	w.mu.Lock()
	if w.pending > 0 && w.pending <= maxPending { // a large account: finish attaching before reading everything again
		defer w.mu.Unlock()
		return authorizer.Discovery{Complete: true, Groups: w.groups(ctx)}, nil
	}
	w.mu.Unlock()
	found, err := w.scanner.Scan(ctx)
	if err != nil {
		return authorizer.Discovery{}, err
	}
	d := authorizer.Discovery{Complete: found.Complete, Problems: found.Problems}
	if !found.Complete {
		if found.Read < found.Listed {
			d.Problems = append(d.Problems, fmt.Sprintf("discovery has read %d of %d REST APIs and goes on at the next event", found.Read, found.Listed))
		}
		return d, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.apis, w.pending = found.APIs, 0
	d.Groups = w.groups(ctx)
	return d, nil
}

// groups is the inventory of what is known; mu is held.
func (w *syncWork) groups(ctx context.Context) []waist.APIGroup {
	arn := w.function(ctx)
	return discover.Groups(w.apis, arn, w.region, accountOf(arn))
}

func (w *syncWork) attach(ctx context.Context, want authorizer.Wanted) (authorizer.Attachment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rep := w.attacher.Run(ctx, w.apis, wanted(want, w.function(ctx)))
	if rep.Complete {
		w.pending = 0
	} else {
		w.pending++
	}
	out := authorizer.Attachment{Changed: rep.Changed, Redeploy: rep.Redeploy, Problems: rep.Problems, Notes: rep.Notes, Plan: rep.Plan, Complete: rep.Complete}
	if rep.Changed > 0 {
		out.Groups = w.groups(ctx)
	}
	return out, nil
}

// plan writes down what attach would do; an empty format is the command line.
func (w *syncWork) plan(ctx context.Context, want authorizer.Wanted, format string) (string, []string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if format == "" {
		format = attach.FormatCLI
	}
	return w.attacher.Snippet(ctx, w.apis, wanted(want, w.function(ctx)), format)
}

// wanted says in the words of aws/attach what edge/authorizer asks for.
func wanted(w authorizer.Wanted, functionARN string) attach.Wanted {
	out := attach.Wanted{Bound: make(map[string]bool, len(w.Bound)), FunctionARN: functionARN, Revision: w.Revision}
	for _, id := range w.Bound {
		out.Bound[id] = true
	}
	if w.Caching == nil {
		return out
	}
	out.Caching = make(map[string]attach.Caching, len(w.Caching))
	for id, c := range w.Caching {
		key := attach.KeyNone
		switch c.Key {
		case authorizer.CacheRequest:
			key = attach.KeyRequest
		case authorizer.CacheToken:
			key = attach.KeyToken
		}
		out.Caching[id] = attach.Caching{Key: key, Why: c.Why, Known: c.Known}
	}
	return out
}
