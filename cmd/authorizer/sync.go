package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"portcullis/aws/attach"
	"portcullis/aws/discover"
	"portcullis/edge/authorizer"
	"portcullis/edge/waist"
)

// syncWork joins discovery and attachment for edge/authorizer, which knows no AWS.
type syncWork struct {
	scanner  *discover.Scanner
	attacher *attach.Attacher
	arn      string // AWS_AUTHORIZER_ARN
	region   string

	mu   sync.Mutex
	apis []discover.API // of the last complete scan
}

// function is the ARN of the function that authorizers call: AWS_AUTHORIZER_ARN, or the one that was invoked, without
// the alias or version by which the schedule happened to call it.
func (w *syncWork) function(ctx context.Context) string {
	if w.arn != "" {
		return w.arn
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return discover.Unqualified(lc.InvokedFunctionArn)
	}
	return ""
}

func (w *syncWork) discover(ctx context.Context) (authorizer.Discovery, error) {
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
	w.apis = found.APIs
	w.mu.Unlock()
	d.Groups = w.groups(ctx)
	return d, nil
}

func (w *syncWork) groups(ctx context.Context) []waist.APIGroup {
	arn := w.function(ctx)
	return discover.Groups(w.apis, arn, w.region, accountOf(arn))
}

func (w *syncWork) attach(ctx context.Context, bound []string) (authorizer.Attachment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	set := make(map[string]bool, len(bound))
	for _, id := range bound {
		set[id] = true
	}
	rep := w.attacher.Run(ctx, w.apis, set, w.function(ctx))
	out := authorizer.Attachment{Changed: rep.Changed, Redeploy: rep.Redeploy, Problems: rep.Problems, Notes: rep.Notes, Plan: rep.Plan, Complete: rep.Complete}
	if rep.Changed > 0 {
		out.Groups = w.groups(ctx)
	}
	return out, nil
}
