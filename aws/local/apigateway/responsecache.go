package apigateway

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// responseKey names one cached response: the values of the integration's cache key parameters in its cache namespace. What
// is no such parameter does not count, not even a path variable.
// Source: Developer Guide, "Cache settings for REST APIs in API Gateway".
type responseKey struct{ api, stage, deployment, namespace, verb, values string }

const maxCachedBody = 1048576 // bytes of a response that is cached, as documented

// response calls the integration, or repeats what it answered before where the stage caches. Authorization, API keys and
// throttling come before. Only answers of 2xx are kept.
func (x *exchange) response() (*answer, error) {
	set, ttl := x.caching()
	if ttl <= 0 {
		return x.integrate()
	}
	key := x.responseKey()
	warning := ""
	if x.asksForFresh() {
		may := !set.RequireAuthorizationForCacheControl || x.mayInvalidate()
		switch {
		case may:
			x.svc.responses.flush(func(k responseKey) bool { return k == key })
		case set.UnauthorizedCacheControlHeaderStrategy == "FAIL_WITH_403":
			return nil, x.accessDenied(deniedImplicitly, "the caller may not invalidate the cache: execute-api:InvalidateCache on "+x.methodARN())
		case set.UnauthorizedCacheControlHeaderStrategy == "SUCCEED_WITH_RESPONSE_HEADER":
			warning = `199 - "Cache-Control header was ignored: not authorized to invalidate the cache"`
		}
	}
	out, hit := x.svc.responses.get(key)
	if !hit {
		fresh, err := x.integrate()
		if err != nil {
			return nil, err
		}
		out = *fresh
		if out.status >= 200 && out.status <= 299 && len(out.body) <= maxCachedBody {
			x.svc.responses.put(key, out, ttl)
		}
	}
	out.header = out.header.Clone() // the cached one is shared
	if warning != "" {
		out.header.Set("Warning", warning)
	}
	return &out, nil
}

// caching is the setting that applies, and how long a response is kept; 0 where the stage does not cache. The setting of all
// methods counts for GET only.
func (x *exchange) caching() (methodSetting, time.Duration) {
	if !x.stage.CacheClusterEnabled {
		return methodSetting{}, 0
	}
	set, key, ok := x.methodSetting()
	if !ok || !set.CachingEnabled || key == "*/*" && x.verb != http.MethodGet {
		return set, 0
	}
	return set, time.Duration(set.CacheTTLInSeconds) * time.Second
}

func (x *exchange) responseKey() responseKey {
	in := x.match.method.MethodIntegration
	k := responseKey{api: x.def.API.ID, stage: x.stage.StageName, verb: x.verb}
	if in == nil {
		return k
	}
	if k.namespace = in.CacheNamespace; k.namespace == "" {
		k.namespace = x.match.resource.ID
	}
	if c := x.stage.CanarySettings; c != nil && x.depID == c.DeploymentID && !c.UseStageCache {
		k.deployment = x.depID
	}
	var b strings.Builder
	for _, p := range in.CacheKeyParameters {
		v := x.source(p)
		b.WriteString(strconv.Itoa(len(v)) + ":" + v + ",")
	}
	k.values = b.String()
	return k
}

// asksForFresh: the request says Cache-Control: max-age=0.
func (x *exchange) asksForFresh() bool {
	for directive := range strings.SplitSeq(strings.Join(x.header.Values("Cache-Control"), ","), ",") {
		if strings.EqualFold(strings.ReplaceAll(directive, " ", ""), "max-age=0") {
			return true
		}
	}
	return false
}

// mayInvalidate: the request is signed by somebody with execute-api:InvalidateCache on the method.
func (x *exchange) mayInvalidate() bool {
	caller, err := x.svc.opt.VerifyIAM(x.ctx, "execute-api:InvalidateCache", x.methodARN())
	return caller != nil && err == nil && caller.Account == x.scope.Account
}
